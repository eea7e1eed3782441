//! The SSH part of the test.

use std::collections::BTreeSet;

use berth_domain::Vmid;
use berth_domain::node::SshMethod;
use berth_proxmox::ssh::{Limits, Stdin};
use berth_proxmox::{Command, HostKey, Pct, SshConnection, SshTarget};
use tokio::time::Instant;

use super::input::{KnownHostKey, SshInput};
use super::remedy;
use super::report::{Check, CheckRow, CheckState, Found};
use super::test::{PROBE, Rows, left};

/// What the SSH part of the test found.
#[derive(Debug, Default)]
pub(super) struct SshResult {
    /// To be confirmed before any credential is sent.
    pub(super) unconfirmed: Option<HostKey>,
    /// What was trusted before.
    pub(super) before: Option<HostKey>,
    /// The key to pin.
    pub(super) host_key: Option<HostKey>,
    pub(super) seen: Option<Seen>,
}

/// What the SSH server says of itself.
#[derive(Debug)]
pub(super) struct Seen {
    /// None when the user may not ask for it.
    hostname: Option<String>,
    containers: BTreeSet<Vmid>,
}

pub(super) async fn check(input: Option<&SshInput>, rows: &Rows<'_>, deadline: Instant) -> SshResult {
    let mut result = SshResult::default();
    let Some(input) = input else {
        rows.skip(&[Check::HostKey, Check::SshLogin, Check::Pct], "Without SSH");
        return result;
    };
    let shown = match berth_proxmox::ssh::probe_host_key(&input.address, PROBE.min(left(deadline))).await {
        Ok(shown) => shown,
        Err(error) => {
            rows.push(remedy::ssh_row(Check::HostKey, &error, input));
            rows.skip(&[Check::SshLogin, Check::Pct], "The SSH server must be reached first");
            return result;
        }
    };
    let Some(host_key) = settle_trust(input, shown, rows, &mut result) else { return result };
    let target = SshTarget {
        host: input.address.clone(),
        user: input.user.clone(),
        credential: input.credential(),
        host_key,
    };
    match SshConnection::connect(&target, left(deadline)).await {
        Ok(connection) => {
            let message = format!("{} logs in to {}", input.user, input.address);
            rows.push(CheckRow::ok(Check::SshLogin, message));
            result.seen = ask(connection, input, rows, deadline).await;
        }
        Err(error) => {
            rows.push(remedy::ssh_row(Check::SshLogin, &error, input));
            rows.skip(&[Check::Pct], "The login comes first");
        }
    }
    result
}

/// The key to pin; none where the owner must be asked first, or where the stored secret is for another host.
fn settle_trust(
    input: &SshInput,
    shown: HostKey,
    rows: &Rows<'_>,
    result: &mut SshResult,
) -> Option<HostKey> {
    let known =
        matches!(&input.known, KnownHostKey::Here(known) | KnownHostKey::Elsewhere(known) if *known == shown);
    let confirmed = input.confirmed.as_ref() == Some(&shown);
    if known {
        rows.push(CheckRow::ok(Check::HostKey, "It is the one that you have trusted"));
    } else if confirmed {
        rows.push(CheckRow::ok(Check::HostKey, "You have confirmed it; no other will be accepted"));
    } else {
        rows.push(unknown(input, result));
        result.unconfirmed = Some(shown.clone());
    }
    if let (KnownHostKey::Elsewhere(_), Some(host), false) = (&input.known, &input.kept_for, known) {
        let secret =
            if input.method == SshMethod::Password { "Type the password" } else { "Paste the private key" };
        let message = format!("{secret}: the stored one is for {host}, and this is another host");
        rows.push(CheckRow::new(Check::SshLogin, CheckState::Failed, message));
        rows.skip(&[Check::Pct], "The login comes first");
        return None;
    }
    if known || confirmed {
        result.host_key = Some(shown.clone());
        return Some(shown);
    }
    rows.skip(&[Check::SshLogin, Check::Pct], "The host key comes first");
    None
}

/// The question to the owner.
fn unknown(input: &SshInput, result: &mut SshResult) -> CheckRow {
    result.before = match &input.known {
        KnownHostKey::Here(known) => Some(known.clone()),
        _ => input.confirmed.clone(),
    };
    let message = match &result.before {
        Some(_) => "The server shows another host key than the one you trusted. No credential was sent",
        None => "It is not known yet. No credential was sent",
    };
    CheckRow::new(Check::HostKey, CheckState::NeedsTrust, message)
        .remedy("Compare it with the one on the host, and confirm it. In a shell on the host:")
        .commands("for key in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -l -f \"$key\"; done")
}

async fn ask(
    connection: SshConnection,
    input: &SshInput,
    rows: &Rows<'_>,
    deadline: Instant,
) -> Option<Seen> {
    let pct = Pct::new(connection.clone());
    let (containers, hostname) =
        tokio::join!(tokio::time::timeout(left(deadline), pct.list()), hostname(&connection, deadline));
    match containers {
        Ok(Ok(containers)) => {
            rows.push(CheckRow::ok(Check::Pct, format!("pct lists {} containers", containers.len())));
            let containers = containers.into_iter().map(|container| container.vmid).collect();
            return Some(Seen { hostname, containers });
        }
        Ok(Err(error)) => rows.push(remedy::ssh_row(Check::Pct, &error, input)),
        Err(_) => rows.push(
            CheckRow::failed(
                Check::Pct,
                "pct list did not end in time",
                "See what holds it up, in a root shell on the host. When it is quick again, test again:",
            )
            .commands("time pct list"),
        ),
    }
    None
}

/// The first label of the host's name; a user with `sudo` for `pct` alone cannot ask for it.
async fn hostname(connection: &SshConnection, deadline: Instant) -> Option<String> {
    let limits = Limits { deadline: left(deadline), max_output: 1024 };
    let output = connection.run(&Command::new("hostname"), Stdin::Empty, limits).await.ok()?;
    let text = output.stdout_text().trim().split('.').next()?.to_owned();
    (output.exit.success() && !text.is_empty()).then_some(text)
}

/// Whether the SSH server is the PVE node that the API told about: its name, and its containers.
pub(super) fn same_node(
    found: Option<&Found>,
    api: Option<&BTreeSet<Vmid>>,
    seen: Option<&Seen>,
) -> CheckRow {
    let (Some(found), Some(seen)) = (found, seen) else {
        return CheckRow::skipped(Check::SameNode, "Needs both the API and SSH");
    };
    let name = &found.pve_node_name;
    let remedy = "Type the SSH host and port of the same machine that the API runs on";
    if let Some(hostname) = &seen.hostname
        && !hostname.eq_ignore_ascii_case(name)
    {
        let message = format!("The API belongs to the PVE node {name}, the SSH server to {hostname}");
        return CheckRow::failed(Check::SameNode, message, remedy);
    }
    // Many hosts are called pve: their containers tell them apart.
    let strange = api.and_then(|api| api.symmetric_difference(&seen.containers).next());
    if let Some(vmid) = strange {
        let (has, lacks) =
            if seen.containers.contains(vmid) { ("SSH server", "API") } else { ("API", "SSH server") };
        let message = format!("The {has} has a container {vmid} that the {lacks} does not have");
        return CheckRow::failed(
            Check::SameNode,
            message,
            format!("{remedy}. If {vmid} was just made or deleted, test again"),
        );
    }
    if seen.hostname.is_none() && seen.containers.is_empty() {
        let message = "There is no container yet to compare, and the user may not ask for the host's name";
        return CheckRow::new(Check::SameNode, CheckState::Warning, message);
    }
    CheckRow::ok(Check::SameNode, format!("Both are the PVE node {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(hostname: Option<&str>, api: &[u32], ssh: &[u32]) -> CheckState {
        let set = |ids: &[u32]| ids.iter().map(|id| Vmid::new(*id).unwrap()).collect::<BTreeSet<_>>();
        let found = Found {
            pve_node_name: "pve".into(),
            pve_version: "9.2.11".into(),
            cluster: "host:pve".into(),
            cluster_name: None,
            members: Vec::new(),
        };
        let seen = Seen { hostname: hostname.map(Into::into), containers: set(ssh) };
        same_node(Some(&found), Some(&set(api)), Some(&seen)).state
    }

    #[test]
    fn name_and_containers_must_agree() {
        assert_eq!(state(Some("pve"), &[101], &[101]), CheckState::Ok);
        assert_eq!(state(Some("other"), &[101], &[101]), CheckState::Failed);
        assert_eq!(state(Some("pve"), &[101], &[102]), CheckState::Failed);
        assert_eq!(state(Some("pve"), &[], &[102]), CheckState::Failed);
        assert_eq!(state(None, &[101], &[101]), CheckState::Ok);
        assert_eq!(state(None, &[], &[]), CheckState::Warning);
        assert_eq!(same_node(None, None, None).state, CheckState::Skipped);
    }
}
