//! Faults that can be planted by `--fault` and, while running, through `PUT /faults`.

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// One planted fault. `path` is a regular expression on the request path below `/api2/json`; `count` is how often it
/// still strikes (absent: until cleared).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Fault {
    /// REST answers come late by `ms`.
    Latency {
        /// Milliseconds.
        ms: u64,
        /// Which requests; absent: all.
        #[serde(default)]
        path: Option<String>,
        /// How often.
        #[serde(default)]
        count: Option<u32>,
    },
    /// REST answers with this status instead of acting (595 and 596 have an empty body).
    Status {
        /// HTTP status.
        status: u16,
        /// Which requests; absent: all.
        #[serde(default)]
        path: Option<String>,
        /// How often.
        #[serde(default)]
        count: Option<u32>,
    },
    /// The connection is closed without an answer.
    Drop {
        /// True: after having acted, so that the caller cannot know.
        #[serde(default)]
        acted: bool,
        /// Which requests; absent: all.
        #[serde(default)]
        path: Option<String>,
        /// How often.
        #[serde(default)]
        count: Option<u32>,
    },
    /// The request is never answered; the connection stays open.
    Hang {
        /// Which requests; absent: all.
        #[serde(default)]
        path: Option<String>,
        /// How often.
        #[serde(default)]
        count: Option<u32>,
    },
    /// Tasks take this much longer.
    SlowTask {
        /// Added seconds.
        seconds: f64,
        /// Task type such as `vzcreate`; absent: all.
        #[serde(default)]
        task: Option<String>,
        /// How often.
        #[serde(default)]
        count: Option<u32>,
    },
    /// Tasks fail with this message instead of acting.
    FailTask {
        /// Text after `TASK ERROR: `.
        message: String,
        /// Task type such as `vzcreate`; absent: all.
        #[serde(default)]
        task: Option<String>,
        /// How often.
        #[serde(default)]
        count: Option<u32>,
    },
    /// HTTPS shows another certificate.
    ChangedCertificate,
    /// SSH shows another host key (new connections).
    ChangedHostKey,
    /// SSH connections break in mid-stream.
    SshDrop {
        /// After this many bytes of command output on the connection.
        #[serde(default)]
        after_bytes: Option<u64>,
        /// Or after this many seconds from the first command.
        #[serde(default)]
        after_seconds: Option<f64>,
        /// How often.
        #[serde(default)]
        count: Option<u32>,
    },
    /// SSH connections are closed at once.
    SshRefused {
        /// How often.
        #[serde(default)]
        count: Option<u32>,
    },
    /// No space is left: creates and writes into containers fail with `No space left on device`.
    DiskFull,
}

impl Fault {
    fn count_mut(&mut self) -> Option<&mut Option<u32>> {
        match self {
            Self::Latency { count, .. }
            | Self::Status { count, .. }
            | Self::Drop { count, .. }
            | Self::Hang { count, .. }
            | Self::SlowTask { count, .. }
            | Self::FailTask { count, .. }
            | Self::SshDrop { count, .. }
            | Self::SshRefused { count } => Some(count),
            Self::ChangedCertificate | Self::ChangedHostKey | Self::DiskFull => None,
        }
    }
}

/// Shared, cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Faults(Arc<Mutex<Vec<Fault>>>);

impl Faults {
    /// The faults still planted.
    pub fn list(&self) -> Vec<Fault> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces all faults.
    pub fn set(&self, faults: Vec<Fault>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = faults;
    }

    /// Whether such a fault is planted, without using it up.
    pub fn any(&self, wanted: impl Fn(&Fault) -> bool) -> bool {
        self.list().iter().any(wanted)
    }

    /// The first fault that matches, used up once.
    pub fn take(&self, wanted: impl Fn(&Fault) -> bool) -> Option<Fault> {
        let mut faults = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let index = faults.iter().position(wanted)?;
        let found = faults[index].clone();
        if let Some(Some(left)) = faults[index].count_mut() {
            *left = left.saturating_sub(1);
            if *left == 0 {
                faults.remove(index);
            }
        }
        Some(found)
    }
}
