//! What people are told of actions.

use berth_domain::action::ActionKind;
use berth_domain::container_event::EventKind;

/// The action as the history names one that failed.
pub(super) const fn noun(kind: ActionKind) -> &'static str {
    match kind {
        ActionKind::Start => "Start",
        ActionKind::Shutdown => "Shutdown",
        ActionKind::Stop => "Stop",
        ActionKind::Restart => "Restart",
        ActionKind::Delete => "Delete",
        ActionKind::Adopt => "Adopt",
    }
}

/// What the history calls it when it came about.
pub(super) const fn event(kind: ActionKind) -> EventKind {
    match kind {
        ActionKind::Start => EventKind::Started,
        ActionKind::Shutdown => EventKind::ShutDown,
        ActionKind::Stop => EventKind::Stopped,
        ActionKind::Restart => EventKind::Restarted,
        ActionKind::Delete => EventKind::Deleted,
        ActionKind::Adopt => EventKind::Adopted,
    }
}

/// What Proxmox calls the task that does it; none where it is done without one.
pub(super) const fn task(kind: ActionKind) -> &'static str {
    match kind {
        ActionKind::Start => "vzstart",
        ActionKind::Shutdown => "vzshutdown",
        ActionKind::Stop => "vzstop",
        ActionKind::Restart => "vzreboot",
        ActionKind::Delete => "vzdestroy",
        ActionKind::Adopt => "",
    }
}

/// What a lock of Proxmox's means, and what to do.
pub(super) fn locked(lock: &str, node: &str, hostname: &str) -> String {
    let wait = "wait until that has ended, and try again";
    let what = match lock {
        "backup" => "is backing up",
        "create" => "is still creating",
        "destroyed" => "is deleting",
        "disk" => "is changing a disk of",
        "fstrim" => "is trimming the disks of",
        "migrate" => "is moving",
        "rollback" => "is rolling back",
        "snapshot" => "is taking a snapshot of",
        "snapshot-delete" => "is deleting a snapshot of",
        "mounted" => {
            return format!(
                "The disks of {hostname} are mounted on {node} itself. Unmount them there (`pct unmount`), and try again"
            );
        }
        _ => return format!("{node} has locked {hostname} ({lock}): {wait}"),
    };
    format!("{node} {what} {hostname}: {wait}")
}

/// The lock in a text of Proxmox's such as `CT is locked (backup)`.
pub(super) fn lock_in(text: &str) -> Option<&str> {
    Some(text.split_once("is locked (")?.1.split_once(')')?.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_lock_of_proxmox_is_told_in_words() {
        let locks = [
            "backup",
            "create",
            "destroyed",
            "disk",
            "fstrim",
            "migrate",
            "mounted",
            "rollback",
            "snapshot",
            "snapshot-delete",
        ];
        for lock in locks {
            let told = locked(lock, "attic", "web-01");
            assert!(told.contains("attic") && told.contains("web-01"), "{told}");
            assert!(told.contains("try again") && !told.contains(&format!("({lock})")), "{told}");
        }
        assert!(locked("new-in-10", "attic", "web-01").contains("(new-in-10)"));
        assert_eq!(lock_in("CT is locked (backup)"), Some("backup"));
        assert_eq!(lock_in("CT 101 not running"), None);
    }
}
