//! Which privileges a token lacks, by the paths that matter.

use berth_domain::TokenId;
use berth_domain::node::{NEEDED_PRIVILEGES, OPTIONAL_PRIVILEGES};
use berth_proxmox::access::Permissions;

use super::report::{Check, CheckRow, CheckState};
use super::setup::grant_commands;

/// Whether a privilege is held where Berth uses it.
///
/// Guests may get any VMID, so `/vms` as a whole is needed; the node and its cluster are audited on `/nodes/N` and
/// `/`. A storage or bridge of its own is enough for the others: the wizard offers only what is permitted.
fn holds(permissions: &Permissions, pve_node: &str, privilege: &str) -> bool {
    match privilege.split_once('.') {
        Some(("VM", _)) => permissions.has("/vms", privilege),
        Some(("Sys", "Audit")) => {
            permissions.has("/", privilege) && permissions.has(&format!("/nodes/{pve_node}"), privilege)
        }
        Some(("Sys", _)) => permissions.has("/", privilege),
        _ => permissions.anywhere().contains(privilege),
    }
}

/// The report's row: what is missing by name, and the commands that grant it.
pub(super) fn check(permissions: &Permissions, pve_node: &str, token: &TokenId) -> CheckRow {
    let missing: Vec<&str> =
        NEEDED_PRIVILEGES.into_iter().filter(|privilege| !holds(permissions, pve_node, privilege)).collect();
    if !missing.is_empty() {
        let none = missing.len() == NEEDED_PRIVILEGES.len() && permissions.is_empty();
        let why = if none {
            ". The token has no privileges at all: with privilege separation it needs a grant of its own"
        } else {
            ""
        };
        let message = format!("Missing: {}{why}", missing.join(", "));
        let remedy = format!("Grant them to {token} on /, with propagation. In a root shell on the host:");
        return CheckRow::failed(Check::Privileges, message, remedy).commands(grant_commands(token));
    }
    let without: Vec<String> = OPTIONAL_PRIVILEGES
        .iter()
        .filter(|(privilege, _)| !holds(permissions, pve_node, privilege))
        .map(|(privilege, purpose)| format!("{privilege}, without which Berth cannot {purpose}"))
        .collect();
    if without.is_empty() {
        return CheckRow::ok(Check::Privileges, "The token has every privilege it needs");
    }
    let message = format!("The token lacks {}", without.join("; and "));
    let row = CheckRow::new(Check::Privileges, CheckState::Warning, message);
    CheckRow { remedy: Some("Grant it if you want that. In a root shell on the host:".into()), ..row }
        .commands(grant_commands(token))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(permissions: &serde_json::Value) -> CheckRow {
        let permissions = serde_json::from_value(permissions.clone()).unwrap();
        check(&permissions, "pve", &"root@pam!sep3".parse().unwrap())
    }

    fn all() -> serde_json::Map<String, serde_json::Value> {
        let optional = OPTIONAL_PRIVILEGES.iter().map(|(privilege, _)| *privilege);
        NEEDED_PRIVILEGES
            .into_iter()
            .chain(optional)
            .map(|privilege| (privilege.to_owned(), json!(1)))
            .collect()
    }

    #[test]
    fn everything_on_the_root_is_enough() {
        assert_eq!(row(&json!({"/": all()})).state, CheckState::Ok);
    }

    #[test]
    fn a_separated_token_without_grant_is_told_so() {
        let row = row(&json!({}));
        assert_eq!(row.state, CheckState::Failed);
        assert!(row.message.contains("privilege separation"), "{row:?}");
        assert!(NEEDED_PRIVILEGES.iter().all(|privilege| row.message.contains(privilege)), "{row:?}");
        assert!(row.commands.unwrap().contains("--tokens 'root@pam!sep3'"));
    }

    #[test]
    fn what_is_missing_is_named_and_what_can_be_missed_only_warns() {
        let mut privileges = all();
        privileges.remove("Sys.Modify");
        let warning = row(&json!({"/": privileges}));
        assert_eq!(warning.state, CheckState::Warning);
        assert!(warning.message.contains("privileged containers"));
        privileges.remove("VM.PowerMgmt");
        assert_eq!(row(&json!({"/": privileges})).message, "Missing: VM.PowerMgmt");
    }

    #[test]
    fn one_container_is_not_all_of_them_and_one_storage_is_enough() {
        let mut privileges = all();
        privileges.remove("VM.Audit");
        privileges.remove("Datastore.Audit");
        let row = row(
            &json!({"/": privileges, "/vms/101": {"VM.Audit": 1}, "/storage/local": {"Datastore.Audit": 1}}),
        );
        assert_eq!(row.message, "Missing: VM.Audit");
    }
}
