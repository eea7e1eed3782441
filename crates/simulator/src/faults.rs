//! Faults that can be planted by `--fault` and, while running, through `PUT /faults`.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// When an SSH server falls silent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// Before it has said a word.
    Banner,
    /// After a login that succeeded.
    #[default]
    Session,
}

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
    /// The SSH server says nothing more: before its banner, or after a login that succeeded.
    SshHang {
        /// When it falls silent.
        #[serde(default)]
        stage: Stage,
        /// How often.
        #[serde(default)]
        count: Option<u32>,
    },
    /// The SSH server takes its time: for the banner, each attempt to log in, and each command.
    SlowSsh {
        /// Milliseconds, each time.
        ms: u64,
    },
    /// root may not log in over SSH by password; it is offered public keys only.
    ProhibitPassword,
    /// The host is switched off: its ports refuse connections, the other members of its cluster know it as offline.
    Off,
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
            | Self::SshHang { count, .. }
            | Self::SshRefused { count } => Some(count),
            Self::ChangedCertificate
            | Self::ChangedHostKey
            | Self::SlowSsh { .. }
            | Self::ProhibitPassword
            | Self::Off
            | Self::DiskFull => None,
        }
    }
}

/// A fault and the host it concerns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Planted {
    /// Such as `pve2`; absent: all hosts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// What is wrong.
    #[serde(flatten)]
    pub fault: Fault,
}

impl From<Fault> for Planted {
    fn from(fault: Fault) -> Self {
        Self { node: None, fault }
    }
}

/// The faults of all hosts of a process, as one of them meets them; cheap to clone.
#[derive(Debug, Clone)]
pub struct Faults {
    node: String,
    planted: Arc<watch::Sender<Vec<Planted>>>,
}

impl Default for Faults {
    fn default() -> Self {
        Self { node: String::new(), planted: Arc::new(watch::Sender::default()) }
    }
}

impl Faults {
    /// The same faults for another host to meet.
    #[must_use]
    pub fn of(&self, node: &str) -> Self {
        Self { node: node.to_owned(), planted: Arc::clone(&self.planted) }
    }

    /// The faults still planted, on all hosts.
    pub fn list(&self) -> Vec<Planted> {
        self.planted.borrow().clone()
    }

    /// Replaces all faults by these, which concern all hosts.
    pub fn set(&self, faults: Vec<Fault>) {
        self.plant(faults.into_iter().map(Planted::from).collect());
    }

    /// Replaces all faults.
    pub fn plant(&self, faults: Vec<Planted>) {
        self.planted.send_replace(faults);
    }

    /// Tells of every change of what is planted.
    pub(crate) fn changes(&self) -> watch::Receiver<Vec<Planted>> {
        self.planted.subscribe()
    }

    /// Whether such a fault is planted in this host, without using it up.
    pub fn any(&self, wanted: impl Fn(&Fault) -> bool) -> bool {
        self.planted.borrow().iter().any(|planted| self.concerns(planted) && wanted(&planted.fault))
    }

    /// The first fault of this host that matches, used up once.
    pub fn take(&self, wanted: impl Fn(&Fault) -> bool) -> Option<Fault> {
        let mut found = None;
        self.planted.send_if_modified(|faults| {
            let Some(index) =
                faults.iter().position(|planted| self.concerns(planted) && wanted(&planted.fault))
            else {
                return false;
            };
            found = Some(faults[index].fault.clone());
            if let Some(Some(left)) = faults[index].fault.count_mut() {
                *left = left.saturating_sub(1);
                if *left == 0 {
                    faults.remove(index);
                }
            }
            true
        });
        found
    }

    /// Ends the faults of this host that fit; those of all hosts end for all.
    pub fn mend(&self, mended: impl Fn(&Fault) -> bool) {
        self.planted.send_modify(|faults| {
            faults.retain(|planted| !(self.concerns(planted) && mended(&planted.fault)));
        });
    }

    fn concerns(&self, planted: &Planted) -> bool {
        planted.node.as_ref().is_none_or(|node| *node == self.node)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_fault_may_name_its_host_and_nothing_unknown() {
        let read = |value| serde_json::from_value::<Planted>(value);
        let off = read(json!({ "kind": "off", "node": "pve2" })).unwrap();
        assert_eq!((off.node.as_deref(), &off.fault), (Some("pve2"), &Fault::Off));
        assert_eq!(serde_json::to_value(&off).unwrap(), json!({ "kind": "off", "node": "pve2" }));
        let late = json!({ "kind": "latency", "ms": 5, "node": "pve" });
        assert!(matches!(read(late).unwrap().fault, Fault::Latency { ms: 5, .. }));
        assert!(read(json!({ "kind": "latency", "ms": 5, "nodes": "pve" })).is_err());
    }

    #[test]
    fn a_host_meets_its_own_faults_only() {
        let all = Faults::default();
        let planted = |node: &str| Planted { node: Some(node.to_owned()), fault: Fault::Off };
        all.plant(vec![planted("pve2")]);
        let off = |fault: &Fault| *fault == Fault::Off;
        assert!(all.of("pve2").any(off) && !all.of("pve").any(off));
        assert!(all.of("pve").take(off).is_none());
    }
}
