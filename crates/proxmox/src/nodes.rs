//! PVE nodes: `/nodes` and `/nodes/{node}/status`.

use serde::Deserialize;

use crate::client::Client;
use crate::{Result, loose};

/// A member of the cluster, from `GET /nodes`. Without `Sys.Audit` on it everything but name and status is absent.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct NodeSummary {
    /// The PVE node name.
    pub node: String,
    /// `online`, `offline` or `unknown`.
    pub status: String,
    /// The share of its processors in use, 0 to 1.
    #[serde(default, deserialize_with = "loose::opt")]
    pub cpu: Option<f64>,
    /// Its number of processors.
    #[serde(default, deserialize_with = "loose::opt")]
    pub maxcpu: Option<u64>,
    /// Memory in use, in bytes.
    #[serde(default, deserialize_with = "loose::opt")]
    pub mem: Option<u64>,
    /// Its memory, in bytes.
    #[serde(default, deserialize_with = "loose::opt")]
    pub maxmem: Option<u64>,
    /// Its root file system's use, in bytes.
    #[serde(default, deserialize_with = "loose::opt")]
    pub disk: Option<u64>,
    /// Its root file system's size, in bytes.
    #[serde(default, deserialize_with = "loose::opt")]
    pub maxdisk: Option<u64>,
    /// Seconds since its start.
    #[serde(default, deserialize_with = "loose::opt")]
    pub uptime: Option<u64>,
    /// The fingerprint of its TLS certificate, as Proxmox prints it.
    #[serde(default, deserialize_with = "loose::opt")]
    pub ssl_fingerprint: Option<String>,
}

/// Used and total bytes of memory, swap or a file system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Bytes in use.
    #[serde(deserialize_with = "loose::req")]
    pub used: u64,
    /// Bytes there are.
    #[serde(deserialize_with = "loose::req")]
    pub total: u64,
}

/// A node's processors.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct CpuInfo {
    /// Logical processors.
    #[serde(deserialize_with = "loose::opt")]
    pub cpus: Option<u64>,
    /// Their model.
    #[serde(deserialize_with = "loose::opt")]
    pub model: Option<String>,
}

/// A node's state, from `GET /nodes/{node}/status`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct NodeStatus {
    /// Such as `pve-manager/9.2.11/…`.
    #[serde(default, deserialize_with = "loose::opt")]
    pub pveversion: Option<String>,
    /// Seconds since its start.
    #[serde(default, deserialize_with = "loose::opt")]
    pub uptime: Option<u64>,
    /// The share of its processors in use, 0 to 1.
    #[serde(default, deserialize_with = "loose::opt")]
    pub cpu: Option<f64>,
    /// Its memory.
    #[serde(default)]
    pub memory: Usage,
    /// Its swap.
    #[serde(default)]
    pub swap: Usage,
    /// Its root file system.
    #[serde(default)]
    pub rootfs: Usage,
    /// Its processors.
    #[serde(default)]
    pub cpuinfo: CpuInfo,
    /// The load of the last 1, 5 and 15 minutes, as text.
    #[serde(default, deserialize_with = "loose::null_as_empty")]
    pub loadavg: Vec<String>,
}

impl Client {
    /// The members of this host's cluster: `GET /nodes`.
    pub async fn nodes(&self) -> Result<Vec<NodeSummary>> {
        self.get(&["nodes"], Vec::new()).await
    }

    /// A member's state: `GET /nodes/{node}/status`. Needs `Sys.Audit` on it.
    pub async fn node_status(&self, node: &str) -> Result<NodeStatus> {
        self.get(&["nodes", node, "status"], Vec::new()).await
    }
}
