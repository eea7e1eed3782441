//! What to do about a row that failed: words and commands that work when they are followed as they stand.

use berth_domain::node::SshMethod;
use berth_domain::{HostPort, TokenId};
use berth_proxmox::Error;
use berth_proxmox::shell::quote;

use super::input::{NodeInput, SshInput};
use super::report::{Check, CheckRow};
use super::setup;

const WEB_INTERFACE: &str =
    "Type the host and port under which your browser opens Proxmox's web interface, such as pve.lan and 8006";

/// Rows of failed API calls.
pub(super) struct Remedies<'a> {
    host: &'a HostPort,
    token: &'a TokenId,
}

impl<'a> Remedies<'a> {
    pub(super) const fn of(input: &'a NodeInput) -> Self {
        Self { host: &input.address, token: &input.token_id }
    }

    pub(super) fn row(&self, check: Check, error: &Error) -> CheckRow {
        let host = self.host;
        match error {
            Error::Unreachable { cause, .. } => unreachable(check, host, cause, &API),
            Error::Timeout { .. } => CheckRow::failed(
                check,
                format!("{host} took the question and did not answer in time"),
                "Its API may be stuck. Start it anew, in a root shell on the host, and test again:",
            )
            .commands("systemctl restart pvedaemon pveproxy"),
            Error::NotProxmox { cause, .. } if cause.starts_with("no TLS") => CheckRow::failed(
                check,
                format!("Port {} of {} does not speak TLS", host.port, host.host),
                "Type the port of Proxmox's API: it is 8006, unless a proxy stands in front of it",
            ),
            Error::NotProxmox { cause, .. } => CheckRow::failed(
                check,
                format!("{host} is not Proxmox VE: {cause}"),
                WEB_INTERFACE,
            ),
            Error::Unauthorized { message, .. } => CheckRow::failed(
                check,
                format!("{host} refused the credentials: {message}"),
                "Copy the token ID and secret anew. Proxmox shows a secret only once: if it is lost, make the token anew, in a root shell on the host. \
                 The last line prints the secret:",
            )
            .commands(setup::new_token_commands(self.token)),
            Error::Forbidden { .. } => {
                CheckRow::failed(check, error.to_string(), "Grant the token what it lacks: see the row on privileges")
            }
            Error::HostError { .. } | Error::MemberUnreachable { .. } => CheckRow::failed(
                check,
                error.to_string(),
                "See what its services say, in a root shell on the host:",
            )
            .commands("systemctl status pvedaemon pveproxy pve-cluster --no-pager"),
            _ => CheckRow::failed(check, error.to_string(), WEB_INTERFACE),
        }
    }
}

/// The row of an SSH step that failed.
pub(super) fn ssh_row(check: Check, error: &Error, input: &SshInput) -> CheckRow {
    let (host, user) = (&input.address, &input.user);
    match error {
        Error::SshUnreachable { cause, .. } | Error::SshDropped { cause, .. } => {
            unreachable(check, host, cause, &SSH)
        }
        Error::SshAuth { .. } => {
            let row = CheckRow::failed(check, error.to_string(), "");
            let by_hand = format!("ssh -p {} {user}@{}", host.port, host.host);
            match (input.method, authorize(input)) {
                (SshMethod::Key, Some(commands)) => {
                    row.remedy("Let the key in, in a root shell on the host:").commands(commands)
                }
                (SshMethod::Key, None) => row.remedy("Add the public half of the key to the user's authorized_keys"),
                (SshMethod::Password, _) => row
                    .remedy(format!(
                        "Type the password that this takes: {by_hand}. If the server lets {user} in by key only, choose a private key above \
                         and paste the one that this prints, in a root shell on the host:"
                    ))
                    .commands(setup::key_commands(user)),
            }
        }
        Error::SudoRefused { .. } => CheckRow::failed(
            check,
            format!("{user} may not run pct by sudo without a password"),
            "Allow it, in a root shell on the host:",
        )
        .commands(setup::sudo_commands(user)),
        Error::NotProxmox { .. } => CheckRow::failed(
            check,
            format!("{host} has no pct command: it is not a Proxmox VE host"),
            "Type the SSH host and port of the machine that Proxmox VE runs on",
        ),
        Error::PctFailed { .. } | Error::Rejected { .. } | Error::CommandTimeout { .. } => CheckRow::failed(
            check,
            error.to_string(),
            "Run this in a root shell on the host and mend what it complains of:",
        )
        .commands("pct list"),
        _ => CheckRow::failed(check, error.to_string(), SSH.otherwise),
    }
}

/// Commands that let the given key in.
fn authorize(input: &SshInput) -> Option<String> {
    let secret = &input.secret;
    let public = berth_proxmox::ssh::public_key(&secret.secret, secret.passphrase.as_ref()).ok()?;
    let (user, public) = (&input.user, quote(&public).ok()?);
    let home = setup::home(user);
    Some(format!(
        "mkdir -p -m 700 {home}/.ssh\n\
         echo {public} >> {home}/.ssh/authorized_keys\n\
         chown -R {user}: {home}/.ssh"
    ))
}

/// What differs between the two ways to a host.
struct Service {
    usual: &'static str,
    start: &'static str,
    otherwise: &'static str,
}

const API: Service = Service {
    usual: "Proxmox's API listens on port 8006. If that is what you typed, start it, in a root shell on the host:",
    start: "systemctl restart pveproxy\nss -ltn 'sport = :8006'",
    otherwise: WEB_INTERFACE,
};

const SSH: Service = Service {
    usual: "SSH listens on port 22 unless the host's sshd_config says otherwise. Start it, in a root shell on the host; the last line shows its port:",
    start: "systemctl restart ssh\nss -ltnp | grep sshd",
    otherwise: "Type the host and port under which you log in by ssh; the port is most often 22",
};

fn unreachable(check: Check, host: &HostPort, cause: &str, service: &Service) -> CheckRow {
    let cannot = |why: &str| format!("{host} cannot be reached: {why}");
    if cause.contains("lookup address") {
        let message = format!("{} cannot be found: no name server knows it", host.host);
        let remedy =
            "Check the spelling, or type the host's IP address. In a shell on the host this prints it:";
        return CheckRow::failed(check, message, remedy).commands("hostname -I");
    }
    if cause.contains("refused") {
        return CheckRow::failed(check, cannot("nothing listens on this port"), service.usual)
            .commands(service.start);
    }
    if cause.contains("no answer") || cause.contains("timed out") || cause.contains("o route to host") {
        let why = if cause.contains("no answer") { cause } else { "no answer" };
        let remedy = format!(
            "Check that the host is on, that the address is right, and that no firewall drops what goes to port {}",
            host.port
        );
        return CheckRow::failed(check, cannot(why), remedy);
    }
    CheckRow::failed(check, cannot(cause), service.otherwise)
}
