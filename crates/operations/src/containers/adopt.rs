//! Adopting what just exists on a node, and forgetting what Berth knows.

use std::time::Duration;

use berth_domain::action::ActionKind;
use berth_domain::container_event::EventKind;
use berth_domain::{ContainerId, NodeId, UserId, Vmid};
use berth_proxmox::lxc::ContainerStatus;
use berth_store::containers::{self, Adopted};
use berth_store::{container_events, creations};

use crate::actions::{self, Wanted};
use crate::foreign::shortened;
use crate::{Context, Error, NodeConnection, Result};

/// How long the node is waited for.
const DEADLINE: Duration = Duration::from_secs(8);
/// Characters of a host name.
const LONGEST_NAME: usize = 100;
/// How many containers of one node are adopted at once.
const MOST: usize = 1000;

const ADOPT: Wanted = Wanted { kind: ActionKind::Adopt, purge: false, stop_first: false };

/// Takes over a container on one of the user's nodes; a worker then marks it and looks into it. One that is managed already stays as it is.
pub async fn adopt(ctx: &Context, user: UserId, node: NodeId, vmid: Vmid) -> Result<ContainerId> {
    let connection = NodeConnection::for_user(ctx, user, node).await?;
    let there = on_node(&connection).await?;
    let found = there.into_iter().find(|container| container.vmid == vmid).ok_or_else(|| {
        Error::Conflict(format!(
            "There is no container {vmid} on {} any more. Reload the page",
            connection.node.name
        ))
    })?;
    take(ctx, user, node, &found).await?.ok_or_else(|| being_created(vmid))
}

/// Takes over every container on one of the user's nodes that Berth neither manages nor makes; returns how many.
pub async fn adopt_all(ctx: &Context, user: UserId, node: NodeId) -> Result<usize> {
    let mut adopted = 0;
    for found in strange_on(ctx, user, node).await? {
        adopted += usize::from(take(ctx, user, node, &found).await?.is_some());
    }
    Ok(adopted)
}

/// What [`adopt_all`] would take over: VMIDs and host names.
pub async fn unmanaged_on(ctx: &Context, user: UserId, node: NodeId) -> Result<Vec<(Vmid, String)>> {
    let strange = strange_on(ctx, user, node).await?;
    Ok(strange.into_iter().map(|found| (found.vmid, name(&found))).collect())
}

async fn strange_on(ctx: &Context, user: UserId, node: NodeId) -> Result<Vec<ContainerStatus>> {
    let connection = NodeConnection::for_user(ctx, user, node).await?;
    let mut there = on_node(&connection).await?;
    let managed = containers::list(&ctx.pg, user).await?;
    let creating = creations::live_vmids(&ctx.pg, &connection.node.cluster).await?;
    there.retain(|found| {
        !managed.iter().any(|each| each.node_id == node && each.vmid == found.vmid)
            && !creating.contains(&found.vmid)
    });
    there.sort_by_key(|found| found.vmid);
    there.truncate(MOST);
    Ok(there)
}

fn name(found: &ContainerStatus) -> String {
    let hostname = found.name.clone().unwrap_or_else(|| format!("CT{}", found.vmid));
    shortened(&hostname, LONGEST_NAME)
}

/// Forgets a container; on Proxmox nothing changes.
pub async fn forget(ctx: &Context, user: UserId, id: ContainerId) -> Result<()> {
    let now = ctx.clock.now();
    let mut tx = ctx.pg.begin().await.map_err(berth_store::Error::from)?;
    if !containers::mark_gone(&mut *tx, user, id, now).await? {
        return Err(Error::NotFound);
    }
    let event = (EventKind::Forgotten, "On Proxmox nothing has changed");
    container_events::append(&mut *tx, user, id, event, now).await?;
    tx.commit().await.map_err(berth_store::Error::from)?;
    Ok(())
}

async fn on_node(connection: &NodeConnection) -> Result<Vec<ContainerStatus>> {
    let there = connection.client.within(DEADLINE).containers(connection.pve_node()).await;
    there.map_err(|error| connection.trouble(error))
}

/// None while it is being created.
async fn take(
    ctx: &Context,
    user: UserId,
    node: NodeId,
    found: &ContainerStatus,
) -> Result<Option<ContainerId>> {
    let hostname = name(found);
    let mut conn = ctx.pg.acquire().await.map_err(berth_store::Error::from)?;
    let adopted = containers::adopt(&mut conn, user, node, (found.vmid, &hostname), ctx.clock.now()).await?;
    drop(conn);
    match adopted.ok_or(Error::NotFound)? {
        Adopted::New(id) => {
            actions::request(ctx, user, id, ADOPT).await?;
            Ok(Some(id))
        }
        Adopted::Already(id) => Ok(Some(id)),
        Adopted::BeingCreated => Ok(None),
    }
}

fn being_created(vmid: Vmid) -> Error {
    Error::Conflict(format!(
        "Container {vmid} is being created by Berth: it will be managed without adopting it"
    ))
}
