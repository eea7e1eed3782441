//! Proxmox VE hosts that users have added.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{Fingerprint, Host, HostPort, NodeId, TokenId};

/// A host as its owner sees it: everything but its secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// The row's id.
    pub id: NodeId,
    /// The name its owner gave it.
    pub name: String,
    /// Address of the API.
    pub address: HostPort,
    /// The pinned certificate; none where the public roots vouch for it.
    pub certificate: Option<Fingerprint>,
    /// The API token's name.
    pub token_id: TokenId,
    /// The name Proxmox uses in API paths.
    pub pve_node_name: String,
    /// What shares one VMID space: the cluster's name, or a key of a standalone host.
    pub cluster: String,
    /// As `/version` says, for example `9.2.11`.
    pub pve_version: String,
    /// How to reach it by SSH; none means no provisioning, services or logs.
    pub ssh: Option<SshAccess>,
    /// The one that the wizard starts with.
    pub is_default: bool,
    /// When it was added.
    pub created_at: OffsetDateTime,
}

/// How to log in by SSH, without the secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SshAccess {
    /// The SSH server's host.
    pub host: Host,
    /// Its port.
    pub port: u16,
    /// `root`, or a user who may run `sudo -n pct`.
    pub user: String,
    /// Password or private key.
    pub method: SshMethod,
    /// The pinned host key, `SHA256:…` as OpenSSH prints it.
    pub host_key: String,
}

/// What proves who we are to the SSH server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SshMethod {
    /// A password.
    Password,
    /// A private key.
    Key,
}

/// The privileges that a token needs for what Berth does, as Proxmox names them.
pub const NEEDED_PRIVILEGES: [&str; 12] = [
    "VM.Allocate",
    "VM.Audit",
    "VM.PowerMgmt",
    "VM.Config.CPU",
    "VM.Config.Disk",
    "VM.Config.Memory",
    "VM.Config.Network",
    "VM.Config.Options",
    "Datastore.Audit",
    "Datastore.AllocateSpace",
    "SDN.Use",
    "Sys.Audit",
];

/// Privileges that Berth can do without, and what it cannot do then.
pub const OPTIONAL_PRIVILEGES: [(&str, &str); 2] = [
    ("Datastore.AllocateTemplate", "download OS templates to the node"),
    ("Sys.Modify", "create privileged containers"),
];
