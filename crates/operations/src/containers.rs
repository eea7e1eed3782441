//! Containers that Berth manages, and how they are right now.

mod adopt;

use std::time::Duration;

pub use adopt::{adopt, adopt_all, forget, unmanaged_on};
use berth_domain::container::Container;
use berth_domain::node::Node;
use berth_domain::{ContainerId, UserId};
pub use berth_proxmox::lxc::{ContainerConfig, ContainerStatus, RrdPoint, RunState, Timeframe};

use crate::{Context, Error, NodeConnection, Result, dashboard};

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
    /// What it has used, oldest first; empty where the node does not say.
    pub history: Vec<RrdPoint>,
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

/// One of the user's containers, with its status, configuration and history from the node. A node that does not answer is no
/// error: the state says so.
pub async fn show(
    ctx: &Context,
    user: UserId,
    id: ContainerId,
    timeframe: Timeframe,
) -> Result<ContainerDetails> {
    let container = berth_store::containers::find(&ctx.pg, user, id).await?.ok_or(Error::NotFound)?;
    let connection = NodeConnection::for_user(ctx, user, container.node_id).await?;
    let client = connection.client.within(SHOW);
    let name = connection.pve_node();
    let (status, config, history) = tokio::join!(
        client.container_status(name, container.vmid),
        client.container_config(name, container.vmid),
        client.container_history(name, container.vmid, timeframe),
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
    Ok(ContainerDetails {
        container,
        state,
        status: status.ok(),
        config: config.ok(),
        history: history.unwrap_or_default(),
        node: connection.node,
    })
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

/// One of the user's containers and how it is, as its node last said: no node is asked.
pub async fn brief(ctx: &Context, user: UserId, id: ContainerId) -> Result<ContainerBrief> {
    let container = berth_store::containers::find(&ctx.pg, user, id).await?.ok_or(Error::NotFound)?;
    let node = berth_store::nodes::find(&ctx.pg, user, container.node_id).await?.ok_or(Error::NotFound)?;
    let row = dashboard::row(ctx, user, &node, &container).await?;
    Ok(ContainerBrief { container, node_name: node.name, state: row.state, tags: row.tags })
}
