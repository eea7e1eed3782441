//! What a container is doing: state, addresses, history.

use berth_domain::Vmid;
use serde::Deserialize;

use crate::loose;

/// Whether a container runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunState {
    /// Its init runs.
    Running,
    /// It does not; also while it is being created.
    Stopped,
    /// Anything else.
    #[serde(other)]
    Unknown,
}

/// A container's state, from `/nodes/{node}/lxc` or `…/status/current`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ContainerStatus {
    /// Its number.
    #[serde(deserialize_with = "vmid")]
    pub vmid: Vmid,
    /// Whether it runs.
    pub status: RunState,
    /// Its host name; `CT102` while it is being created.
    #[serde(default, deserialize_with = "loose::opt")]
    pub name: Option<String>,
    /// What holds it, such as `create`, `backup`.
    #[serde(default, deserialize_with = "loose::opt")]
    pub lock: Option<String>,
    /// Its tags, sorted, separated by `;`.
    #[serde(default, deserialize_with = "loose::opt")]
    pub tags: Option<String>,
    /// The share of its processors in use, 0 to 1.
    #[serde(default, deserialize_with = "loose::opt")]
    pub cpu: Option<f64>,
    /// Its number of processors.
    #[serde(default, deserialize_with = "loose::opt")]
    pub cpus: Option<f64>,
    /// Memory in use, in bytes.
    #[serde(default, deserialize_with = "loose::opt")]
    pub mem: Option<u64>,
    /// Its memory, in bytes.
    #[serde(default, deserialize_with = "loose::opt")]
    pub maxmem: Option<u64>,
    /// Swap in use, in bytes.
    #[serde(default, deserialize_with = "loose::opt")]
    pub swap: Option<u64>,
    /// Its swap, in bytes.
    #[serde(default, deserialize_with = "loose::opt")]
    pub maxswap: Option<u64>,
    /// Disk in use, in bytes; 0 when it is stopped.
    #[serde(default, deserialize_with = "loose::opt")]
    pub disk: Option<u64>,
    /// Its disk, in bytes.
    #[serde(default, deserialize_with = "loose::opt")]
    pub maxdisk: Option<u64>,
    /// Bytes received.
    #[serde(default, deserialize_with = "loose::opt")]
    pub netin: Option<u64>,
    /// Bytes sent.
    #[serde(default, deserialize_with = "loose::opt")]
    pub netout: Option<u64>,
    /// Seconds since its start.
    #[serde(default, deserialize_with = "loose::opt")]
    pub uptime: Option<u64>,
    /// The process id of its init on the host: another one after a reboot.
    #[serde(default, deserialize_with = "loose::opt")]
    pub pid: Option<u64>,
}

fn vmid<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vmid, D::Error> {
    Vmid::new(loose::req(deserializer)?).map_err(serde::de::Error::custom)
}

/// An address of an interface.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Address {
    /// The address without prefix.
    pub ip_address: String,
    /// `inet` or `inet6`.
    pub ip_address_type: String,
    /// The prefix's length.
    #[serde(default, deserialize_with = "loose::opt")]
    pub prefix: Option<u32>,
}

/// A network interface inside a container, from `…/interfaces`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Interface {
    /// Its name, such as `eth0`.
    pub name: String,
    /// Its hardware address.
    #[serde(default, deserialize_with = "loose::opt")]
    pub hwaddr: Option<String>,
    /// One IPv4 address with prefix.
    #[serde(default, deserialize_with = "loose::opt")]
    pub inet: Option<String>,
    /// One IPv6 address with prefix.
    #[serde(default, deserialize_with = "loose::opt")]
    pub inet6: Option<String>,
    /// All its addresses. Proxmox VE before 8.3 does not list them.
    #[serde(default, rename = "ip-addresses", deserialize_with = "loose::null_as_empty")]
    pub addresses: Vec<Address>,
}

/// How far back a history goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timeframe {
    /// An hour, a point per minute.
    Hour,
    /// A day.
    Day,
    /// A week.
    Week,
    /// A month.
    Month,
    /// A year.
    Year,
}

impl Timeframe {
    /// Proxmox's word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Year => "year",
        }
    }
}

/// A point of a history. A time at which nothing was measured has nothing but `time`.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct RrdPoint {
    /// Seconds since 1970.
    #[serde(deserialize_with = "loose::req")]
    pub time: u64,
    /// The share of its processors in use, 0 to 1.
    #[serde(default, deserialize_with = "loose::opt")]
    pub cpu: Option<f64>,
    /// Memory in use, in bytes.
    #[serde(default, deserialize_with = "loose::opt")]
    pub mem: Option<f64>,
    /// Its memory, in bytes.
    #[serde(default, deserialize_with = "loose::opt")]
    pub maxmem: Option<f64>,
    /// Disk in use, in bytes.
    #[serde(default, deserialize_with = "loose::opt")]
    pub disk: Option<f64>,
    /// Its disk, in bytes.
    #[serde(default, deserialize_with = "loose::opt")]
    pub maxdisk: Option<f64>,
    /// Bytes received per second.
    #[serde(default, deserialize_with = "loose::opt")]
    pub netin: Option<f64>,
    /// Bytes sent per second.
    #[serde(default, deserialize_with = "loose::opt")]
    pub netout: Option<f64>,
    /// Bytes read per second.
    #[serde(default, deserialize_with = "loose::opt")]
    pub diskread: Option<f64>,
    /// Bytes written per second.
    #[serde(default, deserialize_with = "loose::opt")]
    pub diskwrite: Option<f64>,
}
