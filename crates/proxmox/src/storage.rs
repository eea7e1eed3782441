//! Storages and OS templates: `/nodes/{node}/storage`, `/nodes/{node}/aplinfo`.

use serde::Deserialize;

use crate::client::{Client, parameter};
use crate::tasks::Upid;
use crate::{Result, loose};

/// A storage as a node sees it, from `GET /nodes/{node}/storage`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Storage {
    /// Its name.
    pub storage: String,
    /// Its kind, such as `dir`, `lvmthin`, `zfspool`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it takes: `rootdir` for containers' disks, `vztmpl` for OS templates, and others.
    #[serde(default, deserialize_with = "loose::list")]
    pub content: Vec<String>,
    /// Whether it is switched on.
    #[serde(default, deserialize_with = "loose::flag")]
    pub enabled: bool,
    /// Whether it works: an enabled one may be unplugged.
    #[serde(default, deserialize_with = "loose::flag")]
    pub active: bool,
    /// Whether all members share it.
    #[serde(default, deserialize_with = "loose::flag")]
    pub shared: bool,
    /// Its size, in bytes.
    #[serde(default, deserialize_with = "loose::opt")]
    pub total: Option<u64>,
    /// Bytes in use.
    #[serde(default, deserialize_with = "loose::opt")]
    pub used: Option<u64>,
    /// Bytes that are free.
    #[serde(default, deserialize_with = "loose::opt")]
    pub avail: Option<u64>,
}

impl Storage {
    /// Whether it takes this content and works right now.
    pub fn serves(&self, content: &str) -> bool {
        self.enabled && self.active && self.content.iter().any(|item| item == content)
    }
}

/// A volume on a storage, from `GET /nodes/{node}/storage/{storage}/content`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Volume {
    /// Its id, such as `local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst`.
    pub volid: String,
    /// What it is: `vztmpl`, `rootdir`, `backup`, …
    #[serde(default, deserialize_with = "loose::opt")]
    pub content: Option<String>,
    /// Its form, such as `tzst`, `raw`.
    #[serde(default, deserialize_with = "loose::opt")]
    pub format: Option<String>,
    /// Its size, in bytes.
    #[serde(default, deserialize_with = "loose::opt")]
    pub size: Option<u64>,
    /// When it was made, in seconds since 1970.
    #[serde(default, deserialize_with = "loose::opt")]
    pub ctime: Option<u64>,
    /// The guest it belongs to.
    #[serde(default, deserialize_with = "loose::opt")]
    pub vmid: Option<u32>,
}

/// An OS template in Proxmox's catalogue, from `GET /nodes/{node}/aplinfo`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Appliance {
    /// The file to download, such as `debian-12-standard_12.12-1_amd64.tar.zst`.
    #[serde(rename = "template")]
    pub file: String,
    /// Its package's name, such as `debian-12-standard`.
    #[serde(default, deserialize_with = "loose::opt")]
    pub package: Option<String>,
    /// Its version.
    #[serde(default, deserialize_with = "loose::opt")]
    pub version: Option<String>,
    /// Its operating system, such as `debian-12`.
    #[serde(default, deserialize_with = "loose::opt")]
    pub os: Option<String>,
    /// `system`, `turnkeylinux`, `mail`.
    #[serde(default, deserialize_with = "loose::opt")]
    pub section: Option<String>,
    /// `lxc`, for all that concern us.
    #[serde(default, rename = "type", deserialize_with = "loose::opt")]
    pub kind: Option<String>,
    /// One line about it.
    #[serde(default, deserialize_with = "loose::opt")]
    pub headline: Option<String>,
    /// More lines about it.
    #[serde(default, deserialize_with = "loose::opt")]
    pub description: Option<String>,
}

impl Client {
    /// A node's storages: `GET /nodes/{node}/storage`, all or those that take a content such as `rootdir`.
    /// Without `Datastore.Audit` or `Datastore.AllocateSpace` they are left out.
    pub async fn storages(&self, node: &str, content: Option<&str>) -> Result<Vec<Storage>> {
        let query = content.map(|content| parameter("content", content)).into_iter().collect();
        self.get(&["nodes", node, "storage"], query).await
    }

    /// What is on a storage: `GET /nodes/{node}/storage/{storage}/content`, all or one kind such as `vztmpl`.
    pub async fn volumes(&self, node: &str, storage: &str, content: Option<&str>) -> Result<Vec<Volume>> {
        let query = content.map(|content| parameter("content", content)).into_iter().collect();
        self.get(&["nodes", node, "storage", storage, "content"], query).await
    }

    /// Proxmox's catalogue of OS templates: `GET /nodes/{node}/aplinfo`.
    pub async fn appliances(&self, node: &str) -> Result<Vec<Appliance>> {
        self.get(&["nodes", node, "aplinfo"], Vec::new()).await
    }

    /// Downloads an OS template from the catalogue to a storage: `POST /nodes/{node}/aplinfo`. A task does it.
    pub async fn download_appliance(&self, node: &str, storage: &str, file: &str) -> Result<Upid> {
        let form = vec![parameter("storage", storage), parameter("template", file)];
        self.post(&["nodes", node, "aplinfo"], form).await
    }
}
