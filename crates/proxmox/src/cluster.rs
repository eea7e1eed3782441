//! The cluster's members, guests and VMIDs: `/cluster/status`, `/cluster/resources`, `/cluster/nextid`.

use berth_domain::Vmid;
use serde::Deserialize;

use crate::client::{Client, parameter};
use crate::{Error, Result, loose};

/// An entry of `GET /cluster/status`. A standalone host has no `Cluster` entry.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum ClusterEntry {
    /// The cluster itself.
    Cluster {
        /// Its name.
        name: String,
        /// Whether it has a majority and can be changed.
        #[serde(default, deserialize_with = "loose::flag")]
        quorate: bool,
        /// Its number of members.
        #[serde(default, deserialize_with = "loose::opt")]
        nodes: Option<u64>,
    },
    /// A member.
    Node(ClusterNode),
    /// A kind that a later version may add.
    #[serde(other)]
    Other,
}

/// A member of a cluster, from `GET /cluster/status`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ClusterNode {
    /// The PVE node name.
    pub name: String,
    /// Its address within the cluster.
    #[serde(default, deserialize_with = "loose::opt")]
    pub ip: Option<String>,
    /// Whether it is the host that was asked.
    #[serde(default, deserialize_with = "loose::flag")]
    pub local: bool,
    /// Whether the cluster sees it.
    #[serde(default, deserialize_with = "loose::flag")]
    pub online: bool,
}

/// A host's place in its cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterStatus {
    /// The cluster's name; `None` on a standalone host.
    pub name: Option<String>,
    /// Every member, the host that was asked among them.
    pub members: Vec<ClusterNode>,
}

impl ClusterStatus {
    /// The member that was asked.
    pub fn local(&self) -> Option<&ClusterNode> {
        self.members.iter().find(|member| member.local)
    }
}

/// What `GET /cluster/resources` may be narrowed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceKind {
    /// Guests: containers and virtual machines.
    Vm,
    /// Members.
    Node,
    /// Storages.
    Storage,
}

/// A guest, member or storage, from `GET /cluster/resources`. The host refreshes it about every 10 s.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Resource {
    /// Proxmox's id, such as `lxc/101`, `node/pve` or `storage/pve/local`.
    pub id: String,
    /// Its kind: `lxc`, `qemu`, `node`, `storage`, `pool`, `sdn`, `network`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The PVE node it is on.
    #[serde(default, deserialize_with = "loose::opt")]
    pub node: Option<String>,
    /// A guest's number.
    #[serde(default, deserialize_with = "loose::opt")]
    pub vmid: Option<u32>,
    /// A guest's name.
    #[serde(default, deserialize_with = "loose::opt")]
    pub name: Option<String>,
    /// `running`, `stopped`, `online`, `available`, `unknown`.
    #[serde(default, deserialize_with = "loose::opt")]
    pub status: Option<String>,
    /// A guest's lock, such as `backup`.
    #[serde(default, deserialize_with = "loose::opt")]
    pub lock: Option<String>,
    /// A guest's tags, separated by `;`.
    #[serde(default, deserialize_with = "loose::opt")]
    pub tags: Option<String>,
    /// Whether a guest is one that others are cloned from.
    #[serde(default, rename = "template", deserialize_with = "loose::flag")]
    pub is_clone_source: bool,
    /// The share of its processors in use, 0 to 1.
    #[serde(default, deserialize_with = "loose::opt")]
    pub cpu: Option<f64>,
    /// Its number of processors.
    #[serde(default, deserialize_with = "loose::opt")]
    pub maxcpu: Option<f64>,
    /// Memory in use, in bytes.
    #[serde(default, deserialize_with = "loose::opt")]
    pub mem: Option<u64>,
    /// Its memory, in bytes.
    #[serde(default, deserialize_with = "loose::opt")]
    pub maxmem: Option<u64>,
    /// Disk in use, in bytes.
    #[serde(default, deserialize_with = "loose::opt")]
    pub disk: Option<u64>,
    /// Its disk, in bytes.
    #[serde(default, deserialize_with = "loose::opt")]
    pub maxdisk: Option<u64>,
    /// Seconds since its start.
    #[serde(default, deserialize_with = "loose::opt")]
    pub uptime: Option<u64>,
    /// A storage's name.
    #[serde(default, deserialize_with = "loose::opt")]
    pub storage: Option<String>,
    /// What a storage takes, such as `rootdir`.
    #[serde(default, deserialize_with = "loose::list")]
    pub content: Vec<String>,
}

/// Whether a VMID can be given to a new guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VmidState {
    /// Nobody has it.
    Free,
    /// A guest of this cluster has it, seen by these credentials or not.
    Taken {
        /// Proxmox's text.
        message: String,
    },
}

impl Client {
    /// This host's cluster and which member it is: `GET /cluster/status`.
    pub async fn cluster_status(&self) -> Result<ClusterStatus> {
        let entries: Vec<ClusterEntry> = self.get(&["cluster", "status"], Vec::new()).await?;
        let mut status = ClusterStatus { name: None, members: Vec::new() };
        for entry in entries {
            match entry {
                ClusterEntry::Cluster { name, .. } => status.name = Some(name),
                ClusterEntry::Node(node) => status.members.push(node),
                ClusterEntry::Other => {}
            }
        }
        Ok(status)
    }

    /// Everything in the cluster that these credentials may audit: `GET /cluster/resources`.
    pub async fn resources(&self, kind: Option<ResourceKind>) -> Result<Vec<Resource>> {
        let kind = kind.map(|kind| match kind {
            ResourceKind::Vm => "vm",
            ResourceKind::Node => "node",
            ResourceKind::Storage => "storage",
        });
        self.get(&["cluster", "resources"], kind.map(|kind| parameter("type", kind)).into_iter().collect())
            .await
    }

    /// Whether a VMID is free in the whole cluster: `GET /cluster/nextid?vmid=`. Sees guests that a token may not audit.
    pub async fn vmid_state(&self, vmid: Vmid) -> Result<VmidState> {
        let answer: Result<serde::de::IgnoredAny> =
            self.get(&["cluster", "nextid"], vec![parameter("vmid", vmid.get())]).await;
        match answer {
            Ok(_) => Ok(VmidState::Free),
            Err(Error::Rejected { fields, .. })
                if fields.get("vmid").is_some_and(|text| text.contains("already exists")) =>
            {
                Ok(VmidState::Taken { message: fields["vmid"].clone() })
            }
            Err(error) => Err(error),
        }
    }

    /// The smallest free VMID: `GET /cluster/nextid`. Another caller may take it at any time.
    pub async fn next_vmid(&self) -> Result<Vmid> {
        #[derive(Deserialize)]
        struct NextId(#[serde(deserialize_with = "loose::req")] u32);
        let NextId(number) = self.get(&["cluster", "nextid"], Vec::new()).await?;
        Vmid::new(number).map_err(|error| Error::NotProxmox {
            host: self.shared_host(),
            cause: format!("next id {number}: {error}"),
        })
    }
}
