//! What somebody may ask of a container.

use std::fmt;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{ActionId, ContainerId};

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActionKind {
    /// Start it.
    Start,
    /// Ask its init to end, and wait.
    Shutdown,
    /// End it at once.
    Stop,
    /// Shut it down and start it again.
    Restart,
    /// Take it off Proxmox with its disks.
    Delete,
    /// Mark it as Berth's in its notes, and look what runs in it.
    Adopt,
}

impl ActionKind {
    /// All of them, in the order of the page.
    pub const ALL: [Self; 6] =
        [Self::Start, Self::Shutdown, Self::Stop, Self::Restart, Self::Delete, Self::Adopt];

    /// Its stored name, which is also the end of its address.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Shutdown => "shutdown",
            Self::Stop => "stop",
            Self::Restart => "restart",
            Self::Delete => "delete",
            Self::Adopt => "adopt",
        }
    }

    /// From its stored name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What is going on meanwhile, such as "Shutting down".
    pub const fn going_on(self) -> &'static str {
        match self {
            Self::Start => "Starting",
            Self::Shutdown => "Shutting down",
            Self::Stop => "Stopping",
            Self::Restart => "Restarting",
            Self::Delete => "Deleting",
            Self::Adopt => "Adopting",
        }
    }

    /// What has happened then, such as "Shut down".
    pub const fn done(self) -> &'static str {
        match self {
            Self::Start => "Started",
            Self::Shutdown => "Shut down",
            Self::Stop => "Stopped",
            Self::Restart => "Restarted",
            Self::Delete => "Deleted",
            Self::Adopt => "Adopted",
        }
    }
}

impl fmt::Display for ActionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where an action stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ActionState {
    /// No worker has taken it yet.
    Queued,
    /// A worker has it, or had it and died.
    Running,
    /// It came about.
    Done,
    /// It did not.
    Failed,
}

impl ActionState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Queued, Self::Running, Self::Done, Self::Failed];

    /// Its stored name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    /// From its stored name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether it goes on.
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Queued | Self::Running)
    }
}

/// What a page offers where an action failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Remedy {
    /// Stop it at once: it did not shut down by itself.
    Stop,
    /// Say that it is the same container, or forget it: its notes do not tell.
    Adopt,
}

impl Remedy {
    /// Its stored name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Adopt => "adopt",
        }
    }

    /// From its stored name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Stop, Self::Adopt].into_iter().find(|remedy| remedy.name() == name)
    }
}

/// The latest that was asked of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// The row's id.
    pub id: ActionId,
    /// The container.
    pub container_id: ContainerId,
    /// What is asked.
    pub kind: ActionKind,
    /// Where it stands.
    pub state: ActionState,
    /// Why it failed, with the remedy.
    pub error: Option<String>,
    /// What the page offers then.
    pub remedy: Option<Remedy>,
    /// When it was asked for.
    pub created_at: OffsetDateTime,
    /// When it ended.
    pub finished_at: Option<OffsetDateTime>,
}
