//! What the programs inside ask of the service manager, over `/run/systemd/private`.

use serde::{Deserialize, Serialize};

/// The manager's socket inside a guest.
pub(crate) const SOCKET: &str = "/run/systemd/private";

/// A request to the service manager.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    /// All units it knows.
    List,
    /// These units, loaded or not.
    Show(Vec<String>),
    /// Waits until the job is done.
    Start(String),
    Stop(String),
    Restart(String),
    Reload(String),
    ResetFailed(Option<String>),
    Kill {
        unit: String,
        signal: i32,
    },
    /// A transient service; `wait` answers when it has ended.
    Run {
        unit: String,
        description: String,
        argv: Vec<String>,
        properties: Vec<(String, String)>,
        wait: bool,
    },
    /// `starting`, `running` or `degraded`; `wait` until it is not starting.
    State {
        wait: bool,
    },
}

/// The manager's answer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Response {
    Units(Vec<UnitInfo>),
    Done,
    /// The exit code of a waited-for transient unit.
    Ended(i32),
    State(String),
    /// `Unit x.service not found.` and the like; `code` is systemctl's exit code.
    Refused {
        text: String,
        code: i32,
    },
}

/// A unit as `systemctl show` tells it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct UnitInfo {
    pub(crate) name: String,
    pub(crate) load: String,
    pub(crate) active: String,
    pub(crate) sub: String,
    pub(crate) description: String,
    pub(crate) main_pid: i32,
    /// Milliseconds since the epoch; 0 while never started.
    pub(crate) started_ms: i64,
    pub(crate) result: String,
    pub(crate) exit_code: i32,
    pub(crate) fragment: String,
    pub(crate) invocation: String,
    pub(crate) restarts: u32,
    pub(crate) kind: String,
}
