//! The SSH part of the test.

use std::collections::BTreeSet;

use berth_domain::Vmid;
use berth_proxmox::ssh::{Limits, Stdin};
use berth_proxmox::{Command, Error, HostKey, Pct, SshConnection, SshTarget};
use tokio::time::Instant;

use super::api::{broken, left, skip};
use super::form::SshInput;
use super::report::{Check, CheckRow, CheckState, Found};

/// What the SSH part of the test found.
#[derive(Debug, Default)]
pub(super) struct SshResult {
    pub(super) rows: Vec<CheckRow>,
    /// To be confirmed before any credential is sent.
    pub(super) unconfirmed: Option<HostKey>,
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

pub(super) async fn check(input: Option<&SshInput>, deadline: Instant) -> SshResult {
    let mut result = SshResult::default();
    let Some(input) = input else {
        skip(&mut result.rows, &[Check::HostKey, Check::SshLogin, Check::Pct], "Without SSH");
        return result;
    };
    let Some(host_key) = settle_trust(input, deadline, &mut result).await else {
        skip(&mut result.rows, &[Check::SshLogin, Check::Pct], "The host key comes first");
        return result;
    };
    let target = SshTarget {
        host: input.address.clone(),
        user: input.user.clone(),
        credential: input.credential(),
        host_key,
    };
    match SshConnection::connect(&target, left(deadline)).await {
        Ok(connection) => {
            let message = format!("{} logs in to {}", input.user, input.address);
            result.rows.push(CheckRow::ok(Check::SshLogin, message));
            ask(connection, deadline, &mut result).await;
        }
        Err(error) => {
            result.rows.push(broken(Check::SshLogin, &error));
            skip(&mut result.rows, &[Check::Pct], "The login comes first");
        }
    }
    result
}

async fn settle_trust(input: &SshInput, deadline: Instant, result: &mut SshResult) -> Option<HostKey> {
    let shown = match berth_proxmox::ssh::probe_host_key(&input.address, left(deadline)).await {
        Ok(shown) => shown,
        Err(error) => {
            result.rows.push(broken(Check::HostKey, &error));
            return None;
        }
    };
    if input.host_key.as_ref() == Some(&shown) {
        result.rows.push(CheckRow::ok(Check::HostKey, "You have confirmed it; no other will be accepted"));
        result.host_key = Some(shown.clone());
        return Some(shown);
    }
    let message = match &input.host_key {
        Some(confirmed) => format!("The host now shows another key than the one you confirmed ({confirmed})"),
        None => "It is not known yet. No credential was sent".into(),
    };
    let row = CheckRow::new(Check::HostKey, CheckState::NeedsTrust, message);
    let remedy = "Compare it with the one on the host, and confirm it. In a shell on the host:";
    let row = CheckRow { remedy: Some(remedy.into()), ..row };
    result
        .rows
        .push(row.commands("for key in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -l -f \"$key\"; done"));
    result.unconfirmed = Some(shown);
    None
}

async fn ask(connection: SshConnection, deadline: Instant, result: &mut SshResult) {
    let pct = Pct::new(connection.clone());
    let (containers, hostname) =
        tokio::join!(tokio::time::timeout(left(deadline), pct.list()), hostname(&connection, deadline));
    let row = match containers {
        Ok(Ok(containers)) => {
            let row = CheckRow::ok(Check::Pct, format!("pct lists {} containers", containers.len()));
            let containers = containers.into_iter().map(|container| container.vmid).collect();
            result.seen = Some(Seen { hostname, containers });
            row
        }
        Ok(Err(error @ Error::SudoRefused { .. })) => {
            broken(Check::Pct, &error).commands(super::setup::setup_commands().sudo)
        }
        Ok(Err(error)) => broken(Check::Pct, &error),
        Err(_) => CheckRow::failed(
            Check::Pct,
            "pct list did not end in time",
            "The whole test may take 10 s. Try again, or run pct list on the host by hand",
        ),
    };
    result.rows.push(row);
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
