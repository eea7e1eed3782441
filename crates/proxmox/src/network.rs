//! Bridges and other interfaces of a node: `/nodes/{node}/network`.

use serde::Deserialize;

use crate::client::{Client, parameter};
use crate::{Result, loose};

/// A network interface of a node, from `GET /nodes/{node}/network`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct NetworkInterface {
    /// Its name, such as `vmbr0`.
    pub iface: String,
    /// Its kind: `bridge`, `eth`, `bond`, `vlan`, `OVSBridge`.
    #[serde(default, rename = "type", deserialize_with = "loose::opt")]
    pub kind: Option<String>,
    /// Whether it is up.
    #[serde(default, deserialize_with = "loose::flag")]
    pub active: bool,
    /// Whether it comes up by itself.
    #[serde(default, deserialize_with = "loose::flag")]
    pub autostart: bool,
    /// Its IPv4 address with prefix.
    #[serde(default, deserialize_with = "loose::opt")]
    pub cidr: Option<String>,
    /// Its IPv4 gateway.
    #[serde(default, deserialize_with = "loose::opt")]
    pub gateway: Option<String>,
    /// Its IPv6 address with prefix.
    #[serde(default, deserialize_with = "loose::opt")]
    pub cidr6: Option<String>,
    /// The ports of a bridge, separated by spaces.
    #[serde(default, deserialize_with = "loose::opt")]
    pub bridge_ports: Option<String>,
    /// Whether a bridge tells VLANs apart.
    #[serde(default, deserialize_with = "loose::flag")]
    pub bridge_vlan_aware: bool,
    /// What an administrator wrote about it; ends with a line break.
    #[serde(default, deserialize_with = "loose::opt")]
    pub comments: Option<String>,
}

impl Client {
    /// The bridges a container can be attached to: `GET /nodes/{node}/network?type=any_bridge`.
    ///
    /// Empty when the credentials lack `SDN.Use` (or `Sys.Audit`): a node without any bridge is rare.
    pub async fn bridges(&self, node: &str) -> Result<Vec<NetworkInterface>> {
        self.get(&["nodes", node, "network"], vec![parameter("type", "any_bridge")]).await
    }
}
