//! Removes what a failed creation has left behind, and opens the wizard with the same choices.

use std::time::Duration;

use berth_domain::container_event::EventKind;
use berth_domain::creation::Creation;
use berth_domain::{CreationId, DraftId, UserId};
use berth_proxmox::lxc::{DeleteOptions, RunState};
use berth_proxmox::{Error as HostError, Upid};
use berth_store::{container_events, containers, creations};

use super::create::is_ours;
use super::form::CreationForm;
use crate::{Context, Error, NodeConnection, Result, container_templates, drafts, vmids};

/// Stopping and destroying a container on a slow host; the page waits for it.
const DEADLINE: Duration = Duration::from_secs(12);

/// Destroys the container of a failed or cancelled creation, if there is one and it is the creation's own, forgets the creation, and
/// answers a draft with the same choices.
pub async fn remove_and_start_over(ctx: &Context, user: UserId, id: CreationId) -> Result<DraftId> {
    let creation = creations::find(&ctx.pg, user, id).await?.ok_or(Error::NotFound)?;
    if creation.state.is_live() {
        return Err(Error::Conflict("This creation is still under way: cancel it first".into()));
    }
    if creation.state == berth_domain::creation::CreationState::Ready {
        return Err(Error::Conflict("This container is ready: delete it on its own page".into()));
    }
    let connection = NodeConnection::for_user(ctx, user, creation.node_id).await?;
    let destroyed = destroy(&connection, &creation).await;
    // Whether or not all of it went well: a part of it may have.
    vmids::invalidate(ctx, &connection.node.cluster).await;
    destroyed.map_err(|error| connection.trouble(error))?;
    let mut form = CreationForm::from_spec(creation.node_id, &creation.spec);
    if creation.spec.container_template.is_some() {
        match container_templates::outline_of(ctx, user, &form.container_template).await {
            Ok(_) => {}
            Err(Error::NotFound) => form.choose(None),
            Err(error) => return Err(error),
        }
    }
    let draft = drafts::open(ctx, user, form).await?;
    if let Some(container) = creation.container_id {
        let event = (EventKind::Deleted, "Its creation was removed");
        container_events::append(&ctx.pg, user, container, event, ctx.clock.now()).await?;
        containers::mark_gone(&ctx.pg, user, container, ctx.clock.now()).await?;
    }
    creations::delete(&ctx.pg, user, id).await?;
    Ok(draft.id)
}

/// Looks first: another container may have taken the VMID since.
async fn destroy(connection: &NodeConnection, creation: &Creation) -> berth_proxmox::Result<()> {
    let (client, node, vmid) = (&connection.client, connection.pve_node(), creation.spec.vmid);
    match client.container_config(node, vmid).await {
        Ok(config) if is_ours(&config, creation.id) => {}
        Ok(_) | Err(HostError::NotFound { .. }) => return Ok(()),
        Err(error) => return Err(error),
    }
    if client.container_status(node, vmid).await?.status == RunState::Running {
        let stopping = client.stop_container(node, vmid).await?;
        wait(connection, &stopping).await?;
    }
    let destroying = client
        .delete_container(node, vmid, DeleteOptions { purge: true, ..DeleteOptions::default() })
        .await?;
    wait(connection, &destroying).await
}

async fn wait(connection: &NodeConnection, upid: &Upid) -> berth_proxmox::Result<()> {
    connection.client.wait_task(upid, DEADLINE, 1, |_| {}).await.map(drop)
}
