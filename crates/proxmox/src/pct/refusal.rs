//! What `pct` says when it does not do what it was told.

use std::collections::BTreeMap;

use berth_domain::Vmid;

use crate::Error;
use crate::ssh::{Exit, SshConnection};

/// Sorts a failure of `pct` itself by its exit code and standard error.
pub(super) fn read(
    ssh: &SshConnection,
    vmid: Option<Vmid>,
    command: &str,
    exit: &Exit,
    stderr: &str,
) -> Error {
    let host = ssh.shared_host();
    let text = stderr.trim();
    // Also where sudo says so: "sudo: pct: command not found".
    if exit.code() != 0 && text.lines().any(|line| line.contains("pct: ") && line.ends_with("not found")) {
        return Error::NotProxmox { host, cause: "it has no pct command".into() };
    }
    if ssh.uses_sudo() && text.lines().any(is_sudos) {
        return Error::SudoRefused { host, user: ssh.user().to_owned(), command: "pct".into() };
    }
    if let Some(vmid) = vmid {
        if text.contains("Configuration file") && text.contains("does not exist") {
            return Error::NoSuchContainer { host, vmid };
        }
        if text.contains("not running") {
            return Error::NotRunning { host, vmid };
        }
    }
    if let Some((lock, _)) = text.split_once("is locked (").and_then(|(_, rest)| rest.split_once(')')) {
        return Error::Locked { host, lock: lock.to_owned() };
    }
    let fields = rejected_fields(text);
    if !fields.is_empty() {
        return Error::Rejected { host, message: "Parameter verification failed.".into(), fields };
    }
    Error::PctFailed { host, command: command.to_owned(), exit: exit.code(), stderr: last_lines(text) }
}

/// A line of sudo's own, or of a shell that has no sudo.
fn is_sudos(line: &str) -> bool {
    line.starts_with("sudo:")
        || line.starts_with("Sorry, user")
        || (line.contains("sudo: ") && line.ends_with("not found"))
}

/// Reads `400 Parameter verification failed.` followed by `option: what is wrong` and the usage.
fn rejected_fields(text: &str) -> BTreeMap<String, String> {
    let lines =
        text.lines().skip_while(|line| !line.starts_with("400 Parameter verification failed")).skip(1);
    lines
        .take_while(|line| !line.starts_with("pct "))
        .filter_map(|line| line.split_once(": "))
        .map(|(name, problem)| (name.to_owned(), problem.trim().to_owned()))
        .collect()
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(5)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_options_are_read_by_name() {
        let text = "400 Parameter verification failed.\nmemory: type check ('integer') failed - got 'lots'\npct set <vmid> [OPTIONS]";
        let fields = rejected_fields(text);
        assert_eq!(fields["memory"], "type check ('integer') failed - got 'lots'");
        assert_eq!(fields.len(), 1);
        assert!(
            rejected_fields("400 unable to parse option\npct exec <vmid> [<extra-args>] [OPTIONS]")
                .is_empty()
        );
    }
}
