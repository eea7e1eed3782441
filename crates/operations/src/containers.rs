//! Containers that Berth manages, and how they are right now.

mod adopt;

use std::collections::BTreeMap;
use std::time::Duration;

pub use adopt::{adopt, adopt_all, forget, unmanaged_on};
use berth_domain::container::Container;
use berth_domain::creation::Creation;
use berth_domain::node::Node;
use berth_domain::{ContainerId, NodeId, UserId, Vmid};
use berth_proxmox::cluster::{Resource, ResourceKind};
pub use berth_proxmox::lxc::{ContainerConfig, ContainerStatus, RunState};
use futures::future::join_all;
use time::OffsetDateTime;

use crate::{Context, Error, NodeConnection, Result};

/// How long the list waits for a node, all of them at once; and a container's own page.
const LIST: Duration = Duration::from_secs(2);
const SHOW: Duration = Duration::from_secs(4);

/// Proxmox refreshes its list about every 10 s: so long, a container that is not in it may just be new.
const SETTLES: time::Duration = time::Duration::seconds(30);

/// How many unfinished creations are listed.
const UNFINISHED: u32 = 200;

/// What a container is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It runs.
    Running,
    /// It does not.
    Stopped,
    /// Its node did not say, and why.
    Unknown(String),
    /// It is not on Proxmox any more.
    Gone,
}

/// What a container uses, as far as its node said.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// The share of its processors in use, 0 to 1.
    pub cpu: Option<f64>,
    /// Its number of processors.
    pub cpus: Option<f64>,
    /// Memory in use and in all, in bytes.
    pub memory: Option<(u64, u64)>,
    /// Disk in use and in all, in bytes.
    pub disk: Option<(u64, u64)>,
    /// Seconds since its start.
    pub uptime: Option<u64>,
}

/// A line of the dashboard.
#[derive(Clone, Debug, PartialEq)]
pub struct ContainerOverview {
    /// The container.
    pub container: Container,
    /// What the node's owner calls it.
    pub node_name: String,
    /// What it is doing.
    pub state: State,
    /// What it uses.
    pub usage: Usage,
    /// Its tags.
    pub tags: Vec<String>,
}

/// A container on a node that Berth neither made nor adopted.
#[derive(Clone, Debug, PartialEq)]
pub struct UnmanagedContainer {
    /// Its number.
    pub vmid: Vmid,
    /// Its host name, as far as Proxmox tells.
    pub hostname: String,
    /// Its node.
    pub node_id: NodeId,
    /// What the node's owner calls the node.
    pub node_name: String,
    /// What it is doing.
    pub state: State,
    /// Its tags.
    pub tags: Vec<String>,
}

/// A creation that has not ended.
#[derive(Clone, Debug, PartialEq)]
pub struct CreationOverview {
    /// The creation.
    pub creation: Creation,
    /// What the node's owner calls it.
    pub node_name: String,
}

/// A node that did not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeTroubleRow {
    /// The node.
    pub node_id: NodeId,
    /// What its owner calls it.
    pub name: String,
    /// What happened and what to do.
    pub message: String,
}

/// The dashboard.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dashboard {
    /// Managed containers, the newest first; not those that are being created.
    pub containers: Vec<ContainerOverview>,
    /// Containers on the nodes that Berth does not manage, by node and number.
    pub unmanaged: Vec<UnmanagedContainer>,
    /// Creations in flight, and those that ended early, the newest first.
    pub creations: Vec<CreationOverview>,
    /// Nodes that did not answer.
    pub troubles: Vec<NodeTroubleRow>,
    /// How many nodes the user has.
    pub nodes: usize,
}

/// A container's own page.
#[derive(Clone, Debug)]
pub struct ContainerDetails {
    /// The container.
    pub container: Container,
    /// Its node.
    pub node: Node,
    /// What it is doing.
    pub state: State,
    /// Its status, if the node answered.
    pub status: Option<ContainerStatus>,
    /// Its configuration, if the node answered.
    pub config: Option<ContainerConfig>,
}

/// A container and how it is, without its configuration.
#[derive(Clone, Debug)]
pub struct ContainerBrief {
    /// The container.
    pub container: Container,
    /// What its owner calls its node.
    pub node_name: String,
    /// What it is doing.
    pub state: State,
    /// Its tags.
    pub tags: Vec<String>,
}

type Guests = BTreeMap<Vmid, Resource>;

/// All managed containers of the user. One request per node, all at once, each with its own deadline: a dead node
/// costs the page that deadline and its containers are [`State::Unknown`].
pub async fn list(ctx: &Context, user: UserId) -> Result<Dashboard> {
    let nodes = berth_store::nodes::list(&ctx.pg, user).await?;
    let containers = berth_store::containers::list(&ctx.pg, user).await?;
    let creations = berth_store::creations::list_unfinished(&ctx.pg, user, UNFINISHED).await?;
    let answers = join_all(nodes.iter().map(|node| guests(ctx, user, node))).await;
    let mut dashboard = Dashboard { nodes: nodes.len(), ..Dashboard::default() };
    let mut by_node = BTreeMap::new();
    for (node, answer) in nodes.iter().zip(answers) {
        if let Err(message) = &answer {
            let row = NodeTroubleRow { node_id: node.id, name: node.name.clone(), message: message.clone() };
            dashboard.troubles.push(row);
        }
        by_node.insert(node.id, (node.name.clone(), answer));
    }
    for node in &nodes {
        let known = |vmid| {
            containers.iter().any(|container| container.node_id == node.id && container.vmid == vmid)
                || creations.iter().any(|creation| creation.node_id == node.id && creation.spec.vmid == vmid)
        };
        if let Some((name, Ok(guests))) = by_node.get(&node.id) {
            let own =
                guests.iter().filter(|(_, guest)| guest.node.as_deref() == Some(node.pve_node_name.as_str()));
            let strange = own.filter(|(vmid, guest)| !known(**vmid) && !guest.is_clone_source);
            dashboard.unmanaged.extend(strange.map(|(vmid, guest)| unmanaged(*vmid, guest, (node.id, name))));
        }
    }
    let in_creation =
        |container: &Container| creations.iter().any(|creation| Some(creation.id) == container.creation_id);
    for container in containers.into_iter().filter(|container| !in_creation(container)) {
        if let Some((name, answer)) = by_node.get(&container.node_id) {
            dashboard.containers.push(overview(container, name, answer, ctx.clock.now()));
        }
    }
    dashboard.creations = creations
        .into_iter()
        .map(|creation| {
            let node_name = by_node.get(&creation.node_id).map(|(name, _)| name.clone()).unwrap_or_default();
            CreationOverview { creation, node_name }
        })
        .collect();
    Ok(dashboard)
}

async fn guests(ctx: &Context, user: UserId, node: &Node) -> Result<Guests, String> {
    let connection = NodeConnection::for_user(ctx, user, node.id).await.map_err(|error| error.to_string())?;
    let resources = connection.client.within(LIST).resources(Some(ResourceKind::Vm)).await;
    let resources = resources.map_err(|error| error.to_string())?;
    let containers = resources.into_iter().filter(|guest| guest.kind == "lxc");
    Ok(containers.filter_map(|guest| Some((Vmid::new(guest.vmid?).ok()?, guest))).collect())
}

fn overview(
    container: Container,
    node_name: &str,
    answer: &Result<Guests, String>,
    now: OffsetDateTime,
) -> ContainerOverview {
    let guest = answer.as_ref().map(|guests| guests.get(&container.vmid));
    let state = match guest {
        Err(message) => State::Unknown(message.clone()),
        Ok(Some(guest)) => doing(guest, node_name),
        Ok(None) if now - container.created_at < SETTLES => {
            State::Unknown(format!("{node_name} does not list it yet"))
        }
        Ok(None) => State::Gone,
    };
    let guest = guest.ok().flatten();
    ContainerOverview {
        node_name: node_name.into(),
        state,
        usage: guest.map(usage).unwrap_or_default(),
        tags: guest.map(tags).unwrap_or_default(),
        container,
    }
}

fn unmanaged(vmid: Vmid, guest: &Resource, (node_id, node_name): (NodeId, &str)) -> UnmanagedContainer {
    UnmanagedContainer {
        vmid,
        node_id,
        hostname: guest.name.clone().unwrap_or_else(|| format!("CT {vmid}")),
        node_name: node_name.into(),
        state: doing(guest, node_name),
        tags: tags(guest),
    }
}

fn doing(guest: &Resource, node_name: &str) -> State {
    match guest.status.as_deref() {
        Some("running") => State::Running,
        Some("stopped") => State::Stopped,
        _ => State::Unknown(format!("{node_name} does not know its state")),
    }
}

fn tags(guest: &Resource) -> Vec<String> {
    let tags = guest.tags.as_deref().unwrap_or_default();
    tags.split(';').filter(|tag| !tag.is_empty()).map(Into::into).collect()
}

fn usage(guest: &Resource) -> Usage {
    Usage {
        cpu: guest.cpu,
        cpus: guest.maxcpu,
        memory: guest.mem.zip(guest.maxmem),
        disk: guest.disk.zip(guest.maxdisk),
        uptime: guest.uptime,
    }
}

/// One of the user's containers, with its status and configuration from the node. A node that does not answer is no
/// error: the state says so.
pub async fn show(ctx: &Context, user: UserId, id: ContainerId) -> Result<ContainerDetails> {
    let container = berth_store::containers::find(&ctx.pg, user, id).await?.ok_or(Error::NotFound)?;
    let connection = NodeConnection::for_user(ctx, user, container.node_id).await?;
    let client = connection.client.within(SHOW);
    let name = connection.pve_node();
    let (status, config) = tokio::join!(
        client.container_status(name, container.vmid),
        client.container_config(name, container.vmid)
    );
    let state = match &status {
        Ok(status) => match status.status {
            RunState::Running => State::Running,
            RunState::Stopped => State::Stopped,
            RunState::Unknown => State::Unknown(format!("{} does not know its state", connection.node.name)),
        },
        Err(berth_proxmox::Error::NotFound { .. }) => State::Gone,
        Err(error) => State::Unknown(error.to_string()),
    };
    Ok(ContainerDetails { container, state, status: status.ok(), config: config.ok(), node: connection.node })
}

/// A container as it is stored.
#[derive(Clone, Debug)]
pub struct StoredContainer {
    /// The container.
    pub container: Container,
    /// What its owner calls its node.
    pub node_name: String,
}

/// One of the user's containers, as stored: its node is asked nothing.
pub async fn find(ctx: &Context, user: UserId, id: ContainerId) -> Result<StoredContainer> {
    let container = berth_store::containers::find(&ctx.pg, user, id).await?.ok_or(Error::NotFound)?;
    let node = berth_store::nodes::find(&ctx.pg, user, container.node_id).await?.ok_or(Error::NotFound)?;
    Ok(StoredContainer { container, node_name: node.name })
}

/// One of the user's containers and how it is.
pub async fn brief(ctx: &Context, user: UserId, id: ContainerId) -> Result<ContainerBrief> {
    let ContainerDetails { container, node, state, config, .. } = show(ctx, user, id).await?;
    let tags = config.as_ref().map(|config| config.tags().into_iter().map(Into::into).collect());
    Ok(ContainerBrief { container, node_name: node.name, state, tags: tags.unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn state(resources: Result<serde_json::Value, String>, age: i64) -> State {
        let container = Container {
            id: ContainerId::new(),
            node_id: NodeId::new(),
            creation_id: None,
            vmid: Vmid::new(101).unwrap(),
            hostname: "web".into(),
            container_template: None,
            address: None,
            services: Vec::new(),
            discovered_at: None,
            created_at: OffsetDateTime::UNIX_EPOCH,
        };
        let answer = resources.map(|json| {
            let resources: Vec<Resource> = serde_json::from_value(json).unwrap();
            resources.into_iter().map(|guest| (Vmid::new(guest.vmid.unwrap()).unwrap(), guest)).collect()
        });
        overview(container, "attic", &answer, OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(age)).state
    }

    #[test]
    fn a_node_that_does_not_answer_is_not_an_empty_one() {
        let guest = |status| Ok(json!([{"id": "lxc/101", "type": "lxc", "vmid": 101, "status": status}]));
        assert_eq!(state(guest("running"), 99), State::Running);
        assert_eq!(state(guest("stopped"), 99), State::Stopped);
        assert_eq!(state(Err("dead".into()), 99), State::Unknown("dead".into()));
        assert_eq!(state(Ok(json!([])), 99), State::Gone);
        assert!(matches!(state(Ok(json!([])), 5), State::Unknown(_)));
    }
}
