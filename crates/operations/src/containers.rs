//! Containers that Berth manages, and how they are right now.

use std::time::Duration;

use berth_domain::container::Container;
use berth_domain::node::Node;
use berth_domain::{ContainerId, UserId};
pub use berth_proxmox::lxc::{ContainerConfig, ContainerStatus, RunState};

use crate::{Context, Error, NodeConnection, Result};

/// How long a container's own page waits for its node.
const SHOW: Duration = Duration::from_secs(4);

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

/// One of the user's containers and how it is.
pub async fn brief(ctx: &Context, user: UserId, id: ContainerId) -> Result<ContainerBrief> {
    let ContainerDetails { container, node, state, config, .. } = show(ctx, user, id).await?;
    let tags = config.as_ref().map(|config| config.tags().into_iter().map(Into::into).collect());
    Ok(ContainerBrief { container, node_name: node.name, state, tags: tags.unwrap_or_default() })
}

/// Forgets a container; on Proxmox nothing changes.
pub async fn forget(ctx: &Context, user: UserId, id: ContainerId) -> Result<()> {
    let forgotten = berth_store::containers::mark_gone(&ctx.pg, user, id, ctx.clock.now()).await?;
    if forgotten { Ok(()) } else { Err(Error::NotFound) }
}
