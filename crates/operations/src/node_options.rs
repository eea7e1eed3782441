//! What a node has to offer for a new container.

mod doubts;
mod fit;

use std::cmp::Ordering;
use std::time::Duration;

use berth_domain::node::Node;
use berth_domain::os_template::compare_names;
use berth_domain::{NodeId, UserId};
use berth_proxmox::Client;
use berth_proxmox::storage::Storage;
use futures::{StreamExt as _, stream};
use tokio::time::sleep;

pub use doubts::{Doubt, Wanted};
pub use fit::fit;

use crate::{Context, Error, NodeConnection, Result};

/// How long a node may take to answer; everything is asked at once.
const DEADLINE: Duration = Duration::from_secs(5);
/// The largest answer that is read, in bytes: many times that of a large host.
const MOST_BYTES: usize = 2 << 20;
/// How many storages are looked at, how many of them are asked at once for their OS templates, and for how long in all: a little longer than
/// one may take.
const MOST_STORAGES: usize = 100;
const AT_ONCE: usize = 8;
const ALL_STORAGES: Duration = Duration::from_secs(6);
/// How many OS templates of a node, or of its catalogue, are looked through.
pub(crate) const MOST_OS_TEMPLATES: usize = 5000;
/// Longest volume id that Proxmox takes as an OS template; and a name of a storage or bridge that is longer is none.
const LONGEST_VOLID: usize = 255;
const LONGEST_NAME: usize = 100;

/// A part of what a node offers, or why it is not known, in words its owner can act on.
pub type Offer<T> = Result<T, String>;

/// What a node offers. Each part may fail by itself.
#[derive(Clone, Debug)]
pub struct NodeOptions {
    /// The node.
    pub node: Node,
    /// OS templates that are there, by storage, the newest of each kind first; an empty list means that one must be downloaded first.
    pub os_templates: Offer<Vec<OsTemplate>>,
    /// Storages that take OS templates and work.
    pub os_template_storages: Offer<Vec<StorageSpace>>,
    /// Storages that take a container's root disk and work; never empty.
    pub storages: Offer<Vec<StorageSpace>>,
    /// Bridges, by name; never empty.
    pub bridges: Offer<Vec<Bridge>>,
    /// What the node has in all.
    pub capacity: Offer<Capacity>,
}

/// An OS template on a storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OsTemplate {
    /// Its volume id, such as `local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst`.
    pub volid: String,
    /// The file's name without ending, such as `debian-12-standard_12.7-1_amd64`.
    pub name: String,
    /// Its storage.
    pub storage: String,
    /// Its size, in bytes.
    pub size: Option<u64>,
}

impl OsTemplate {
    /// Whether it is of a kind such as `debian`. An appliance that is built on it is something else.
    pub fn is_of(&self, ostype: &str) -> bool {
        self.name.starts_with(ostype) && !self.name.contains("-turnkey-")
    }

    /// The file's name, the same on each storage.
    pub fn file(&self) -> &str {
        self.volid.rsplit('/').next().unwrap_or_default()
    }
}

/// A storage, for root disks or OS templates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageSpace {
    /// Its name.
    pub name: String,
    /// Its kind, such as `lvmthin`.
    pub kind: String,
    /// Free bytes.
    pub free: Option<u64>,
    /// All bytes.
    pub total: Option<u64>,
}

/// A bridge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bridge {
    /// Its name, such as `vmbr0`.
    pub name: String,
    /// What an administrator wrote about it.
    pub comment: Option<String>,
    /// The node's own address on it, with prefix: shows which network it is.
    pub address: Option<String>,
    /// Whether it is up.
    pub active: bool,
    /// Whether it tells VLANs apart.
    pub vlan_aware: bool,
}

/// What a node has in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Logical processors.
    pub cores: Option<u64>,
    /// Bytes of memory.
    pub memory: u64,
    /// Bytes of memory in use.
    pub memory_used: u64,
    /// Bytes of swap.
    pub swap: u64,
}

impl NodeOptions {
    /// Why the node cannot be used at all: nothing of what was asked came back.
    pub fn trouble(&self) -> Option<&str> {
        let parts = [
            self.os_templates.as_ref().err(),
            self.storages.as_ref().err(),
            self.bridges.as_ref().err(),
            self.capacity.as_ref().err(),
        ];
        if parts.iter().all(Option::is_some) { parts[0].map(String::as_str) } else { None }
    }
}

/// Asks one of the user's nodes what it offers. A node that does not answer is no error: each part says so.
pub async fn options(ctx: &Context, user: UserId, node: NodeId) -> Result<NodeOptions> {
    let connection = NodeConnection::for_user(ctx, user, node).await?;
    Ok(of(&connection).await)
}

pub(crate) async fn of(connection: &NodeConnection) -> NodeOptions {
    let client = connection.client.within(DEADLINE).max_response(MOST_BYTES);
    let name = connection.pve_node();
    let (storages, bridges, status) =
        tokio::join!(client.storages(name, None), client.bridges(name), client.node_status(name));
    let trouble =
        |error: berth_proxmox::Error| -> String { Error::node(&connection.node.name, error).to_string() };
    let storages = storages.map_err(trouble);
    let os_templates = match &storages {
        Ok(storages) => os_templates(&client, name, storages).await.map_err(trouble),
        Err(message) => Err(message.clone()),
    };
    let os_template_storages = storages.clone().map(|storages| serving(storages, "vztmpl"));
    NodeOptions {
        node: connection.node.clone(),
        os_templates,
        os_template_storages,
        storages: storages.and_then(|storages| root_storages(name, storages)),
        bridges: bridges.map_err(trouble).and_then(|found| self::bridges(name, found)),
        capacity: status.map_err(trouble).map(|status| Capacity {
            cores: status.cpuinfo.cpus,
            memory: status.memory.total,
            memory_used: status.memory.used,
            swap: status.swap.total,
        }),
    }
}

/// What the storages that can be read have; one that cannot is only an error when there is no other.
async fn os_templates(
    client: &Client,
    node: &str,
    storages: &[Storage],
) -> Result<Vec<OsTemplate>, berth_proxmox::Error> {
    let serving = storages.iter().filter(|storage| storage.serves("vztmpl")).take(MOST_STORAGES);
    let asked: Vec<_> =
        serving.map(|storage| client.volumes(node, &storage.storage, Some("vztmpl"))).collect();
    let answers = stream::iter(asked).buffer_unordered(AT_ONCE).take_until(sleep(ALL_STORAGES));
    let mut answers = std::pin::pin!(answers);
    let (mut found, mut last_error, mut answered) = (Vec::new(), None, false);
    while let Some(answer) = answers.next().await {
        match answer {
            Ok(volumes) => {
                let volumes = volumes.into_iter().take(MOST_OS_TEMPLATES - found.len());
                found.extend(volumes.filter_map(|volume| os_template(volume.volid, volume.size)));
                answered = true;
            }
            Err(error) => {
                tracing::warn!(node, %error, "a storage's OS templates cannot be listed");
                last_error = Some(error);
            }
        }
    }
    found.sort_by(|a, b| a.storage.cmp(&b.storage).then_with(|| newest_first(&a.name, &b.name)));
    match last_error {
        Some(error) if !answered => Err(error),
        _ => Ok(found),
    }
}

fn os_template(volid: String, size: Option<u64>) -> Option<OsTemplate> {
    let (storage, file) = volid.split_once(":vztmpl/").filter(|_| volid.len() <= LONGEST_VOLID)?;
    let name = file.split(".tar").next().unwrap_or(file).to_owned();
    Some(OsTemplate { name, storage: storage.to_owned(), size, volid })
}

/// By kind, the newest of each first: `debian-13` before `debian-12`, and both after `alpine`.
fn newest_first(a: &str, b: &str) -> Ordering {
    let kind = |name: &str| name.split('-').next().unwrap_or_default().to_owned();
    kind(a).cmp(&kind(b)).then_with(|| compare_names(b, a))
}

fn serving(storages: Vec<Storage>, content: &str) -> Vec<StorageSpace> {
    let is_one = |storage: &Storage| storage.serves(content) && storage.storage.len() <= LONGEST_NAME;
    let serving = storages.into_iter().filter(is_one).take(MOST_STORAGES);
    serving
        .map(|storage| StorageSpace {
            name: storage.storage,
            kind: storage.kind,
            free: storage.avail,
            total: storage.total,
        })
        .collect()
}

fn root_storages(node: &str, storages: Vec<Storage>) -> Offer<Vec<StorageSpace>> {
    let found = serving(storages, "rootdir");
    if found.is_empty() {
        return Err(format!(
            "{node} shows no working storage that takes containers (content rootdir). Either it has none, or the token lacks \
             Datastore.AllocateSpace and Datastore.Audit on it"
        ));
    }
    Ok(found)
}

fn bridges(node: &str, found: Vec<berth_proxmox::network::NetworkInterface>) -> Offer<Vec<Bridge>> {
    let mut found: Vec<Bridge> = found
        .into_iter()
        .filter(|bridge| bridge.iface.len() <= LONGEST_NAME)
        .map(|bridge| Bridge {
            name: bridge.iface,
            comment: bridge.comments.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()),
            address: bridge.cidr.or(bridge.cidr6),
            active: bridge.active,
            vlan_aware: bridge.bridge_vlan_aware,
        })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    if found.is_empty() {
        return Err(format!(
            "{node} shows no bridge. That is almost always a missing permission: grant the token SDN.Use on /sdn/zones/localnetwork"
        ));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use berth_domain::Clock;

    use super::*;

    /// A node with 8 cores, 8 GiB of memory, half of it free, and 1 GiB of swap. The last storage is the roomiest, the first has
    /// 100 GiB free.
    pub(super) fn options(
        name: &str,
        os_templates: &[&str],
        storages: &[&str],
        bridges: &[&str],
    ) -> NodeOptions {
        let node = Node {
            id: NodeId::new(),
            name: name.into(),
            address: "pve.lan:8006".parse().unwrap(),
            certificate: None,
            token_id: "root@pam!berth".parse().unwrap(),
            pve_node_name: "pve".into(),
            cluster: "host:pve".into(),
            pve_version: "9.2.11".into(),
            ssh: None,
            is_default: true,
            created_at: Clock::system().now(),
        };
        let space = |(position, name): (usize, &&str)| StorageSpace {
            name: (*name).into(),
            kind: "dir".into(),
            free: Some((100 + position as u64) << 30),
            total: Some(200 << 30),
        };
        let storages: Vec<StorageSpace> = storages.iter().enumerate().map(space).collect();
        let bridge = |name: &&str| Bridge {
            name: (*name).into(),
            comment: None,
            address: None,
            active: true,
            vlan_aware: false,
        };
        NodeOptions {
            node,
            os_templates: Ok(os_templates
                .iter()
                .filter_map(|volid| os_template((*volid).into(), None))
                .collect()),
            os_template_storages: Ok(storages.clone()),
            storages: Ok(storages),
            bridges: Ok(bridges.iter().map(bridge).collect()),
            capacity: Ok(Capacity { cores: Some(8), memory: 8 << 30, memory_used: 4 << 30, swap: 1 << 30 }),
        }
    }

    #[test]
    fn the_newest_of_each_kind_comes_first() {
        let mut names = ["debian-12_12.7", "alpine-3.9", "debian-13_13.1", "alpine-3.22", "debian-12_12.12"];
        names.sort_by(|a, b| newest_first(a, b));
        assert_eq!(
            names,
            ["alpine-3.22", "alpine-3.9", "debian-13_13.1", "debian-12_12.12", "debian-12_12.7"]
        );
    }

    #[test]
    fn an_os_template_is_known_by_its_file() {
        let found =
            os_template("local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst".into(), Some(1)).unwrap();
        assert_eq!(
            (found.name.as_str(), found.storage.as_str()),
            ("debian-12-standard_12.7-1_amd64", "local")
        );
        assert!(found.is_of("debian") && !found.is_of("alpine"));
        assert_eq!(found.file(), "debian-12-standard_12.7-1_amd64.tar.zst");
        let appliance =
            os_template("local:vztmpl/debian-12-turnkey-nginx_18.0-1_amd64.tar.gz".into(), None).unwrap();
        assert!(!appliance.is_of("debian"));
        assert_eq!(os_template("local:iso/x.iso".into(), None), None);
    }

    #[test]
    fn nothing_to_choose_from_says_why() {
        assert!(bridges("pve", Vec::new()).unwrap_err().contains("SDN.Use"));
        assert!(root_storages("pve", Vec::new()).unwrap_err().contains("rootdir"));
    }
}
