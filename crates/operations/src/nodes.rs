//! Proxmox VE hosts that users add.

mod api;
mod form;
pub mod health;
mod input;
mod members;
mod overview;
mod privileges;
mod remedy;
mod report;
mod save;
mod setup;
mod ssh;
mod test;

use berth_domain::container::Container;
use berth_domain::node::Node;
use berth_domain::{NodeId, UserId};
use berth_store::nodes;

pub use form::NodeForm;
pub use members::member_form;
pub use overview::{NodeOverview, cluster_name, list};
pub use report::{Check, CheckRow, CheckState, Found, TestReport};
pub use save::{Saving, form, rename, save, test};
pub use setup::{SetupCommands, setup_commands};
pub use test::OnRow;

use crate::{Context, Error, Result, dashboard};

/// What deleting a node leads to.
#[derive(Clone, Debug, PartialEq)]
pub enum Deleted {
    /// It is gone.
    Done,
    /// It has managed containers and nobody said to forget them.
    HasContainers(Vec<Container>),
}

/// One of the user's nodes.
pub async fn find(ctx: &Context, user: UserId, id: NodeId) -> Result<Node> {
    nodes::find(&ctx.pg, user, id).await?.ok_or(Error::NotFound)
}

/// The user's nodes by name, as stored: no node is asked anything.
pub async fn stored(ctx: &Context, user: UserId) -> Result<Vec<Node>> {
    Ok(nodes::list(&ctx.pg, user).await?)
}

/// The node that the wizard starts with; none only when the user has no node.
pub async fn default(ctx: &Context, user: UserId) -> Result<Option<Node>> {
    Ok(nodes::find_default(&ctx.pg, user).await?)
}

/// Makes it the one that the wizard starts with.
pub async fn set_default(ctx: &Context, user: UserId, id: NodeId) -> Result<()> {
    let mut conn = ctx.pg.acquire().await.map_err(berth_store::Error::from)?;
    if nodes::set_default(&mut conn, user, id).await? { Ok(()) } else { Err(Error::NotFound) }
}

/// The managed containers on one of the user's nodes, which deleting it would forget.
pub async fn containers_on(ctx: &Context, user: UserId, id: NodeId) -> Result<Vec<Container>> {
    find(ctx, user, id).await?;
    let containers = berth_store::containers::list(&ctx.pg, user).await?;
    Ok(containers.into_iter().filter(|container| container.node_id == id).collect())
}

/// Takes a node off Berth's list; on Proxmox nothing changes. With managed containers only when `forget` says so,
/// and never while a container is being created on it.
pub async fn delete(ctx: &Context, user: UserId, id: NodeId, forget: bool) -> Result<Deleted> {
    let mut conn = ctx.pg.acquire().await.map_err(berth_store::Error::from)?;
    match nodes::delete(&mut conn, user, id, forget).await?.ok_or(Error::NotFound)? {
        nodes::Deleted::Done { forgotten } => {
            tracing::info!(%user, node = %id, forgotten, "node deleted");
            dashboard::forget_node(ctx, id).await;
            Ok(Deleted::Done)
        }
        nodes::Deleted::HasContainers => Ok(Deleted::HasContainers(containers_on(ctx, user, id).await?)),
        nodes::Deleted::Creating { hostname } => Err(Error::Conflict(format!(
            "{hostname} is being created on this node: wait until it is ready, or cancel it first"
        ))),
    }
}
