//! The job that makes a container and provisions it.

use std::fmt;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::container_template::{FilePath, Origin, Script, TemplateFile};
use crate::network::{Ipv4, Ipv6};
use crate::package::Package;
use crate::{ContainerId, CreationId, NodeId, UserId, Vmid};

/// Everything a creation needs, frozen when it was submitted. It holds no secret: it is stored in clear text.
///
/// It comes whole, or as a [`SpecOutline`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CreationSpec<S = Script, F = TemplateFile> {
    /// The container's number.
    pub vmid: Vmid,
    /// Its host name.
    pub hostname: String,
    /// Volume id of the OS template, such as `local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst`.
    pub os_template: String,
    /// CPU cores.
    pub cores: u32,
    /// Memory in MiB.
    pub memory: u32,
    /// Swap in MiB.
    pub swap: u32,
    /// Storage of the root disk.
    pub storage: String,
    /// Root disk in GiB.
    pub disk: u32,
    /// `net0`.
    pub network: NetworkSpec,
    /// DNS server; the host's own when absent.
    pub nameserver: Option<String>,
    /// DNS search domain; the host's own when absent.
    pub search_domain: Option<String>,
    /// Feature flags.
    pub features: Features,
    /// Whether root inside is an ordinary user outside.
    pub unprivileged: bool,
    /// Start with the host (`onboot`).
    pub start_at_boot: bool,
    /// Public keys for root's `authorized_keys`.
    pub ssh_public_keys: Vec<String>,
    /// Proxmox tags.
    pub tags: Vec<String>,
    /// The container template, if one was used.
    pub container_template: Option<Origin>,
    /// Packages to install.
    pub packages: Vec<Package>,
    /// Installers to run after the packages and before the scripts, in order.
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    pub installers: Vec<S>,
    /// Scripts to run, in order.
    pub scripts: Vec<S>,
    /// Files to put in place.
    pub files: Vec<F>,
}

/// All of a spec but what is in its installers, scripts and files: of them it has the names and the paths.
pub type SpecOutline = CreationSpec<String, FilePath>;

/// The first network interface.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkSpec {
    /// Bridge, such as `vmbr0`.
    pub bridge: String,
    /// VLAN tag, 1 to 4094.
    pub vlan: Option<u16>,
    /// IPv4.
    pub ipv4: Ipv4,
    /// IPv6.
    pub ipv6: Ipv6,
    /// Whether Proxmox's firewall applies.
    pub firewall: bool,
}

/// Container features. All but `nesting` are for root@pam only, so they are set over SSH.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Features {
    /// Nested containers; systemd in recent distributions needs it too.
    pub nesting: bool,
    /// The `keyctl` system call, for Docker in unprivileged containers.
    pub keyctl: bool,
    /// FUSE file systems.
    pub fuse: bool,
}

/// The five phases, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// The container is made on Proxmox.
    Creating,
    /// It is started.
    Starting,
    /// It answers, has an address, and its files are put in place.
    Deploying,
    /// Packages are installed and scripts run.
    Syncing,
    /// Services and credentials are found.
    Finalizing,
}

impl Phase {
    /// All phases in order.
    pub const ALL: [Self; 5] =
        [Self::Creating, Self::Starting, Self::Deploying, Self::Syncing, Self::Finalizing];

    /// The percentages at which it starts and ends.
    pub const fn percent(self) -> (u8, u8) {
        match self {
            Self::Creating => (0, 20),
            Self::Starting => (20, 35),
            Self::Deploying => (35, 60),
            Self::Syncing => (60, 90),
            Self::Finalizing => (90, 100),
        }
    }

    /// The percentage after `done` of `total` parts of this phase.
    pub fn percent_at(self, done: usize, total: usize) -> u8 {
        let (from, to) = self.percent();
        let share = usize::from(to - from) * done.min(total) / total.max(1);
        from + u8::try_from(share).unwrap_or(0)
    }

    /// The phase after this one.
    pub fn next(self) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| *phase > self)
    }

    /// As stored and as sent to the page.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Starting => "starting",
            Self::Deploying => "deploying",
            Self::Syncing => "syncing",
            Self::Finalizing => "finalizing",
        }
    }

    /// From its stored name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.name() == name)
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where a creation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CreationState {
    /// Waits for a worker.
    Queued,
    /// A worker has, or had, its lease.
    Running,
    /// The container is ready.
    Ready,
    /// A phase failed; what is there stays until told otherwise.
    Failed,
    /// Its owner stopped it; what is there stays until told otherwise.
    Cancelled,
}

impl CreationState {
    /// As stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Ready => "ready",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// From its stored name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Queued, Self::Running, Self::Ready, Self::Failed, Self::Cancelled]
            .into_iter()
            .find(|state| state.name() == name)
    }

    /// Whether a worker may still change it.
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Queued | Self::Running)
    }
}

/// A creation: as its owner sees it, or whole, as a worker needs it.
#[derive(Clone, Debug, PartialEq)]
pub struct Creation<S = SpecOutline> {
    /// The row's id.
    pub id: CreationId,
    /// Its owner.
    pub user_id: UserId,
    /// The node it works on.
    pub node_id: NodeId,
    /// Where it stands.
    pub state: CreationState,
    /// The phase it is in, or in which it ended.
    pub phase: Phase,
    /// 0 to 100.
    pub percent: u8,
    /// Counts its owner's retries from 0; names the run's directory inside the container.
    pub attempt: u32,
    /// What it makes.
    pub spec: S,
    /// The Proxmox task it waits for, if any.
    pub upid: Option<String>,
    /// What went wrong, in words its owner can act on.
    pub error: Option<String>,
    /// Whether its owner has asked to stop it.
    pub cancel_requested: bool,
    /// The container it made, once that is known to exist.
    pub container_id: Option<ContainerId>,
    /// When it was submitted.
    pub created_at: OffsetDateTime,
    /// When a worker first took it.
    pub started_at: Option<OffsetDateTime>,
    /// When it ended.
    pub finished_at: Option<OffsetDateTime>,
}

/// One part of the syncing phase: all packages of a manager, one installer, or one script.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its place in the order, from 0.
    pub position: u32,
    /// Packages or script.
    pub kind: StepKind,
    /// Names the manager and its packages, the installer or the script.
    pub name: String,
    /// Where it stands.
    pub state: StepState,
    /// Its exit code, once it has ended.
    pub exit_code: Option<i32>,
    /// When it began inside the container.
    pub started_at: Option<OffsetDateTime>,
    /// When it ended.
    pub finished_at: Option<OffsetDateTime>,
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepKind {
    /// Installs packages, or runs an installer.
    Packages,
    /// Runs a script.
    Script,
}

/// Where a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepState {
    /// Not begun.
    Waiting,
    /// Runs.
    Running,
    /// Ended with exit code 0.
    Done,
    /// Ended with another exit code, or was cut off.
    Failed,
}

impl StepState {
    /// As stored and as sent to the page.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// Something a creation reports to whoever watches it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "kind")]
pub enum ProgressEvent {
    /// Waits for a worker (again).
    Queued,
    /// A phase began or went on.
    Phase {
        /// The phase.
        phase: Phase,
        /// 0 to 100.
        percent: u8,
    },
    /// A script or package step changed.
    Step {
        /// Its position.
        index: u32,
        /// Its name.
        name: String,
        /// Where it stands.
        state: StepState,
        /// How long it ran, in seconds, once ended.
        #[serde(skip_serializing_if = "Option::is_none")]
        seconds: Option<u64>,
    },
    /// A line of output.
    Line {
        /// The step that printed it; none for Berth's own and Proxmox's lines.
        #[serde(skip_serializing_if = "Option::is_none")]
        step: Option<u32>,
        /// What it is.
        level: LineLevel,
        /// The text without line end; foreign, with ANSI codes in it.
        text: String,
    },
    /// The container is ready.
    Complete,
    /// The creation failed.
    Error {
        /// What went wrong and what to do.
        message: String,
    },
    /// The owner stopped it.
    Cancelled,
}

impl ProgressEvent {
    /// A line of Berth's own.
    pub fn info(text: impl Into<String>) -> Self {
        Self::Line { step: None, level: LineLevel::Info, text: text.into() }
    }

    /// A warning of Berth's own.
    pub fn warn(text: impl Into<String>) -> Self {
        Self::Line { step: None, level: LineLevel::Warn, text: text.into() }
    }

    /// The kind as it stands in the JSON and as the event stream's event name.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Phase { .. } => "phase",
            Self::Step { .. } => "step",
            Self::Line { .. } => "line",
            Self::Complete => "complete",
            Self::Error { .. } => "error",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing follows it unless the owner retries.
    pub const fn is_terminal(&self) -> bool {
        matches!(self, Self::Complete | Self::Error { .. } | Self::Cancelled)
    }
}

/// What a line of the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LineLevel {
    /// Output of a command or of a Proxmox task.
    Out,
    /// Berth's own.
    Info,
    /// Berth's own warning.
    Warn,
    /// Berth's own error.
    Error,
}

/// A progress event as stored and sent: numbered without gaps within its creation, from 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredEvent {
    /// Its number; also the event stream's id.
    pub seq: i64,
    /// When it was stored.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// What happened.
    #[serde(flatten)]
    pub event: ProgressEvent,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_cover_the_whole_way() {
        assert_eq!(Phase::ALL[0].percent().0, 0);
        for pair in Phase::ALL.windows(2) {
            assert_eq!(pair[0].percent().1, pair[1].percent().0);
            assert_eq!(pair[0].next(), Some(pair[1]));
        }
        assert_eq!(Phase::Finalizing.percent().1, 100);
        assert_eq!(Phase::Syncing.percent_at(1, 2), 75);
        assert_eq!(Phase::Syncing.percent_at(5, 0), 60);
    }

    #[test]
    fn an_event_reads_as_the_page_expects() {
        let event = StoredEvent {
            seq: 7,
            at: OffsetDateTime::UNIX_EPOCH,
            event: ProgressEvent::Line { step: Some(0), level: LineLevel::Out, text: "hi".into() },
        };
        let json = serde_json::to_value(&event).unwrap();
        assert_eq!(
            json,
            serde_json::json!({"seq": 7, "at": "1970-01-01T00:00:00Z", "kind": "line", "step": 0, "level": "out", "text": "hi"})
        );
        assert_eq!(serde_json::from_value::<StoredEvent>(json).unwrap(), event);
    }
}
