//! What has happened to containers.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{ContainerEventId, ContainerId, Vmid};

/// What kind of thing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// Berth made it.
    Created,
    /// Berth began to make it, and that failed.
    CreationFailed,
    /// It was started.
    Started,
    /// It shut down on request.
    ShutDown,
    /// It was stopped at once.
    Stopped,
    /// It was restarted.
    Restarted,
    /// It was deleted on Proxmox.
    Deleted,
    /// Something that was asked of it did not come about.
    Failed,
    /// Berth took it over.
    Adopted,
    /// Berth does not manage it any more.
    Forgotten,
    /// It is on another node than before.
    Moved,
    /// Somebody looked at a credential in it.
    Revealed,
}

impl EventKind {
    /// All of them: kind, stored name, label.
    pub const ALL: [(Self, &'static str, &'static str); 12] = [
        (Self::Created, "created", "Created"),
        (Self::CreationFailed, "creation_failed", "Creation failed"),
        (Self::Started, "started", "Started"),
        (Self::ShutDown, "shut_down", "Shut down"),
        (Self::Stopped, "stopped", "Stopped"),
        (Self::Restarted, "restarted", "Restarted"),
        (Self::Deleted, "deleted", "Deleted"),
        (Self::Failed, "failed", "Failed"),
        (Self::Adopted, "adopted", "Adopted"),
        (Self::Forgotten, "forgotten", "Forgotten"),
        (Self::Moved, "moved", "Moved"),
        (Self::Revealed, "revealed", "Credential shown"),
    ];

    fn row(self) -> &'static (Self, &'static str, &'static str) {
        Self::ALL.iter().find(|(kind, _, _)| *kind == self).expect("each kind has its row")
    }

    /// Its stored name.
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// What a reader sees.
    pub fn label(self) -> &'static str {
        self.row().2
    }

    /// From its stored name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known, _)| *known == name).map(|(kind, _, _)| kind)
    }
}

/// A line of a container's history. It holds all that it tells: container and node may be gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerEvent {
    /// The row's id.
    pub id: ContainerEventId,
    /// The container, perhaps one that is gone; none where a creation ended before there was one.
    pub container_id: Option<ContainerId>,
    /// Its host name then.
    pub hostname: String,
    /// Its number then.
    pub vmid: Vmid,
    /// What its owner called its node then.
    pub node_name: String,
    /// What kind of thing happened.
    pub kind: EventKind,
    /// The userid that asked for it.
    pub actor: String,
    /// What more there is to tell; may be empty.
    pub text: String,
    /// When it happened.
    pub at: OffsetDateTime,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_comes_back_from_its_name() {
        for (kind, name, label) in EventKind::ALL {
            assert_eq!((EventKind::from_name(name), kind.name(), kind.label()), (Some(kind), name, label));
        }
        assert_eq!(EventKind::from_name("other"), None);
    }
}
