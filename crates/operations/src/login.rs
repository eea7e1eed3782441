//! Logging in with Proxmox credentials.
//!
//! The host vouches for the person: so a host's certificate is settled before any password is sent to it, and only
//! hosts that the administrator allows, or the first one that somebody logs in through, may vouch at all.

mod attempt;
mod code;
mod form;
mod hosts;
mod second_factor;

use std::net::IpAddr;

use berth_domain::user::User;
use berth_domain::{Fingerprint, HostPort};
use berth_proxmox::Command;
pub use berth_proxmox::{CertificateInfo, Realm};
use berth_store::login_hosts;
pub use berth_store::pending_logins::PendingLoginId;
use berth_store::throttle::{self, Verdict};
use tokio::time::Instant;

use attempt::{Asked, Attempt};
pub use code::{CodeForm, Factor};
pub use form::LoginForm;
use hosts::Permission;
pub use hosts::{LoginOptions, fallback_realms, login_options, preselected, realms};
pub use second_factor::{SecondOutcome, SecondStep, pending, second_step};

use crate::{Context, Error, Result};

/// Largest answer to somebody who is not logged in, in bytes; Proxmox's have a few hundred.
const MOST_ANSWERED: usize = 1 << 20;

/// What a login leads to. Too many of them are [`Error::Throttled`], fields that cannot be right [`Error::Invalid`].
#[derive(Clone, Debug)]
pub enum LoginOutcome {
    /// The host vouches for this person.
    LoggedIn(User),
    /// The host is unknown and not publicly trusted; no password was sent. Show this, and submit the form again with
    /// [`LoginForm::trust`] set to its fingerprint.
    ConfirmCertificate(CertificateInfo),
    /// The password is right and [`second_step`] must follow. This is not a login.
    NeedsSecondFactor(PendingLoginId),
    /// The password is right, and all that the account has as a second factor is a security key. It is bound to Proxmox's own
    /// address, so that it cannot be asked for here. This is not a login.
    OnlySecurityKey,
    /// No login; its text is what the person may know.
    Refused(Refusal),
}

/// Why nobody was logged in, as far as the person may know. The log has the cause.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Wrong user, realm or password, or a host that does not answer or may not log people in: one text for all.
    #[error(
        "That did not work: check the host, user name, password and realm. The server's log has the cause"
    )]
    Credentials,
    /// The host shows another certificate than at earlier logins. No password was sent.
    #[error(
        "{host} shows another certificate than before: expected {}, found {found}. If you replaced it, run on Berth's \
         machine: {}",
        expected.map_or_else(|| "a publicly trusted one".into(), |expected| expected.to_string()),
        accepting(host, *found)
    )]
    CertificateChanged {
        /// The host.
        host: HostPort,
        /// The remembered fingerprint; none where the public roots vouched for the host.
        expected: Option<Fingerprint>,
        /// The fingerprint that it shows now.
        found: Fingerprint,
    },
}

/// The command that accepts a host's certificate, as a shell takes it: the brackets of an IPv6 address mean something there.
pub fn accepting(host: &HostPort, found: Fingerprint) -> String {
    let words = [host.to_string(), found.to_string()];
    let command = Command::new("berth").arg("login-host").arg("accept-certificate").args(words);
    command.to_line().expect("neither an address nor a fingerprint has a NUL byte")
}

impl Refusal {
    /// The command that accepts a changed certificate.
    pub fn remedy(&self) -> Option<String> {
        match self {
            Self::Credentials => None,
            Self::CertificateChanged { host, found, .. } => Some(accepting(host, *found)),
        }
    }
}

/// Logs somebody in, or begins to. The ticket proves who they are and is thrown away.
pub async fn login(ctx: &Context, client: IpAddr, form: &LoginForm) -> Result<LoginOutcome> {
    let began = Instant::now();
    let outcome = first_step(ctx, client, form).await?;
    // A host that is refused without being asked must not be told by its speed.
    if matches!(outcome, LoginOutcome::Refused(Refusal::Credentials)) {
        tokio::time::sleep_until(began + ctx.settings.login_refusal).await;
    }
    Ok(outcome)
}

async fn first_step(ctx: &Context, client: IpAddr, form: &LoginForm) -> Result<LoginOutcome> {
    let (host, userid) = form.checked()?;
    count(ctx, client, &host, &userid).await?;
    let attempt = Attempt { ctx, client, host, userid };
    let permission = hosts::permission(ctx, &attempt.host).await?;
    if permission == Permission::Refused {
        return Ok(attempt
            .refused("this host may not log people in: see BERTH_LOGIN_HOSTS and berth login-host")
            .into());
    }
    let known = login_hosts::find(&ctx.pg, &attempt.host).await?.map(|host| host.trust);
    let pin = match attempt.settle_trust(known, form.confirmed()).await {
        Ok(pin) => pin,
        Err(outcome) => return Ok(outcome),
    };
    match attempt.ask(pin, &form.password).await {
        Ok(Asked::Userid(userid)) => attempt.record(permission, pin, &userid).await.map(LoginOutcome::from),
        Ok(Asked::Half { challenge, kinds }) => second_factor::begin(&attempt, pin, &challenge, &kinds).await,
        Err(refusal) => Ok(refusal.into()),
    }
}

impl From<Refusal> for LoginOutcome {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Result<User, Refusal>> for LoginOutcome {
    fn from(result: Result<User, Refusal>) -> Self {
        result.map_or_else(Self::Refused, Self::LoggedIn)
    }
}

/// Counts a password or a code, right or wrong, per address and per account.
async fn count(ctx: &Context, client: IpAddr, host: &HostPort, userid: &str) -> Result<()> {
    let settings = &ctx.settings;
    // Some realms take a name in any case: it is still one account.
    let account = format!("{host}/{}", userid.to_lowercase());
    let address = hosts::network(client).to_string();
    for (what, who) in [("login-address", address.as_str()), ("login-account", account.as_str())] {
        let (limit, window) = (settings.login_attempts, settings.login_window);
        if let Verdict::RetryAfter(retry_after) = throttle::hit(&ctx.redis, what, who, limit, window).await? {
            tracing::warn!(%client, what, "too many logins");
            return Err(Error::Throttled { retry_after });
        }
    }
    Ok(())
}

/// Whether a host's name for a user can be one: `pve-userid`, a name and a realm, neither with spaces, colons or slashes.
fn is_userid(text: &str) -> bool {
    let odd =
        |character: char| character.is_whitespace() || character.is_control() || ":/".contains(character);
    let parts = text.rsplit_once('@');
    text.len() <= 128
        && parts.is_some_and(|(name, realm)| !name.is_empty() && !realm.is_empty())
        && !text.contains(odd)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_can_be_pasted() {
        let found = Fingerprint::new([0xab; 32]);
        for (host, start) in [
            ("pve.lan:8006", "berth login-host accept-certificate pve.lan:8006 AB:AB:"),
            ("[fe80::1]:8006", "berth login-host accept-certificate '[fe80::1]:8006' AB:AB:"),
        ] {
            let command = accepting(&host.parse().unwrap(), found);
            assert!(command.starts_with(start), "{command}");
        }
    }

    #[test]
    fn only_a_userid_becomes_an_account() {
        for text in ["root@pam", "a.b@example.org@ldap", "ü@pve"] {
            assert!(is_userid(text), "{text}");
        }
        for text in ["", "root", "@pam", "root@", "a b@pve", "a\0@pve", "a/b@pve", &"x".repeat(200)] {
            assert!(!is_userid(text), "{text:?}");
        }
    }
}
