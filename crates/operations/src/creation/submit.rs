//! The wizard's last step: a draft becomes a creation.

use berth_domain::creation::CreationSpec;
use berth_domain::{CreationId, DraftId, NodeId, UserId};
use berth_proxmox::cluster::VmidState;
use berth_store::creations::{self, NewCreation, NewStep};

use super::form::CreationForm;
use super::steps;
use crate::node_options::{self, NodeOptions};
use crate::{Context, Error, FieldErrors, NodeConnection, Result, drafts, vmids};

/// Submits one of the user's drafts. Submitted twice, it is the same creation: it has the draft's id.
///
/// [`Error::Invalid`] beside the fields of [`CreationForm`], [`Error::Node`] when the node does not answer; the draft stays then.
pub async fn submit(ctx: &Context, user: UserId, draft: DraftId) -> Result<CreationId> {
    let id = CreationId::from(draft.uuid());
    if submitted_before(ctx, user, id).await? {
        drafts::discard(ctx, user, draft).await?;
        return Ok(id);
    }
    let form = drafts::find(ctx, user, draft).await?.form;
    let (node, spec) = checked(ctx, user, &form).await?;
    let connection = match NodeConnection::for_user(ctx, user, node).await {
        Err(Error::NotFound) => return Err(FieldErrors::one("node", "choose a node").into()),
        other => other?,
    };
    on_the_node(&connection, &spec).await?;
    insert(ctx, user, id, &connection, spec).await?;
    super::enqueue(ctx, id).await;
    vmids::invalidate(ctx, &connection.node.cluster).await;
    drafts::discard(ctx, user, draft).await?;
    tracing::info!(%user, creation = %id, node = %node, "creation submitted");
    Ok(id)
}

async fn submitted_before(ctx: &Context, user: UserId, id: CreationId) -> Result<bool> {
    Ok(creations::find(&ctx.pg, user, id).await?.is_some())
}

/// What can be told without asking the node.
async fn checked(ctx: &Context, user: UserId, form: &CreationForm) -> Result<(NodeId, CreationSpec)> {
    let recipe = match form.container_template.parse() {
        Ok(id) => berth_store::container_templates::find(&ctx.pg, user, id).await?,
        Err(_) => None,
    };
    let spec = form.to_spec(recipe.as_ref())?;
    let node = form.node_id().ok_or_else(|| FieldErrors::one("node", "choose a node"))?;
    Ok((node, spec))
}

/// What only the node can tell. The authority is asked for the VMID: a token sees only the guests it may audit.
async fn on_the_node(connection: &NodeConnection, spec: &CreationSpec) -> Result<()> {
    if connection.ssh.is_none() {
        return Err(FieldErrors::one("node", connection.without_ssh().to_string()).into());
    }
    let (state, options) =
        tokio::join!(vmids::authority(connection, spec.vmid), node_options::of(connection));
    let mut errors = absent(&options, spec);
    if let VmidState::Taken { .. } = state? {
        errors.add("vmid", format!("{} is taken: choose another", spec.vmid));
    }
    errors.into_result(())
}

/// What was chosen and is not on the node. A part that could not be listed refuses nothing: Proxmox has the last word.
fn absent(options: &NodeOptions, spec: &CreationSpec) -> FieldErrors {
    let mut errors = FieldErrors::new();
    let node = &options.node.name;
    let mut need = |present: Option<bool>, field, what: &str| {
        if present == Some(false) {
            errors.add(field, format!("{node} has no {what}: choose another"));
        }
    };
    let os_templates = options.os_templates.as_ref().ok();
    need(
        os_templates.map(|all| all.iter().any(|each| each.volid == spec.os_template)),
        "os_template",
        &format!("OS template {}", spec.os_template),
    );
    let storages = options.storages.as_ref().ok();
    need(
        storages.map(|all| all.iter().any(|each| each.name == spec.storage)),
        "storage",
        &format!("working storage {} that takes containers", spec.storage),
    );
    let bridges = options.bridges.as_ref().ok();
    let bridge = &spec.network.bridge;
    need(
        bridges.map(|all| all.iter().any(|each| each.name == *bridge)),
        "bridge",
        &format!("bridge {bridge}"),
    );
    errors
}

async fn insert(
    ctx: &Context,
    user: UserId,
    id: CreationId,
    connection: &NodeConnection,
    spec: CreationSpec,
) -> Result<()> {
    let steps =
        steps::plan(&spec).into_iter().map(|step| NewStep { kind: step.kind, name: step.name }).collect();
    let (vmid, new) = (spec.vmid, NewCreation { node_id: connection.node.id, spec, steps });
    let mut conn = ctx.pg.acquire().await.map_err(berth_store::Error::from)?;
    match creations::insert_as(&mut conn, id, user, &new, ctx.clock.now()).await {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(FieldErrors::one("node", "choose a node").into()),
        // The same draft from two tabs conflicts by its VMID or by its id, whichever index is looked at first.
        Err(error) if error.is_conflict(creations::ID) || error.is_conflict(creations::LIVE_VMID) => {
            if submitted_before(ctx, user, id).await? {
                return Ok(());
            }
            let message = format!("{vmid} was just taken by another creation: choose another");
            Err(FieldErrors::one("vmid", message).into())
        }
        Err(error) => Err(error.into()),
    }
}
