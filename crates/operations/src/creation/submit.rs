//! The wizard's last step: a draft becomes a creation.

use berth_domain::creation::CreationSpec;
use berth_domain::{CreationId, DraftId, NodeId, UserId, Vmid};
use berth_proxmox::cluster::VmidState;
use berth_store::creations::{self, NewCreation, NewStep};

use super::form::CreationForm;
use super::steps;
use crate::drafts::{self, Draft};
use crate::node_options::{self, NodeOptions};
use crate::{Context, Error, FieldErrors, NodeConnection, Result, os_templates, vmids};

/// Submits one of the user's drafts as it is stored. Submitted twice, it is the same creation: it has the draft's id.
///
/// Errors as with [`submit_as_read`].
pub async fn submit(ctx: &Context, user: UserId, draft: DraftId) -> Result<CreationId> {
    let id = CreationId::from(draft.uuid());
    if submitted_before(ctx, user, id).await? {
        return Ok(id);
    }
    submit_as_read(ctx, user, drafts::find(ctx, user, draft).await?).await
}

/// Submits a draft as its owner has seen it, and goes on to the end even if they do not wait for it.
///
/// [`Error::Invalid`] beside the fields of [`CreationForm`], or beside `creations` when too many are under way, [`Error::Node`] when the node does not answer, [`Error::Behind`] when the draft
/// has been changed since it was read; the draft stays then.
pub async fn submit_as_read(ctx: &Context, user: UserId, draft: Draft) -> Result<CreationId> {
    let ctx = ctx.clone();
    // A browser that sends a form twice hangs up on the first: that one must not end half way.
    let submitting = tokio::spawn(async move { submit_once(&ctx, user, &draft).await });
    submitting.await.unwrap_or_else(|error| Err(Error::Internal(Box::new(error))))
}

/// Whatever stood in the way: if the same draft has become a creation meanwhile, that is the answer.
async fn submit_once(ctx: &Context, user: UserId, draft: &Draft) -> Result<CreationId> {
    let id = CreationId::from(draft.id.uuid());
    if submitted_before(ctx, user, id).await? {
        return Ok(id);
    }
    let submitted = claim_and_insert(ctx, user, draft).await;
    match submitted {
        Err(_) if submitted_before(ctx, user, id).await? => Ok(id),
        other => other.map(|()| id),
    }
}

/// Of many who want the same VMID at once one asks the host; the others are told without.
async fn claim_and_insert(ctx: &Context, user: UserId, draft: &Draft) -> Result<()> {
    let (node, spec) = checked(ctx, user, &draft.form).await?;
    let connection = match NodeConnection::for_user(ctx, user, node).await {
        Err(Error::NotFound) => return Err(node_is_gone()),
        other => other?,
    };
    if os_templates::is_on_its_way(ctx, user, draft.id, &spec.os_template).await? {
        let text = "it is still being downloaded: wait until it is there, or choose another";
        return Err(FieldErrors::one("os_template", text).into());
    }
    let cluster = connection.node.cluster.clone();
    let Some(claim) = vmids::claim(ctx, &cluster, spec.vmid, draft.id).await? else {
        return Err(just_taken(spec.vmid));
    };
    let inserted = insert_if_free(ctx, user, draft, &connection, spec).await;
    vmids::give_back(ctx, claim).await;
    inserted?;
    vmids::invalidate(ctx, &cluster).await;
    let id = CreationId::from(draft.id.uuid());
    super::enqueue(ctx, id).await;
    tracing::info!(%user, creation = %id, node = %node, "creation submitted");
    Ok(())
}

async fn insert_if_free(
    ctx: &Context,
    user: UserId,
    draft: &Draft,
    connection: &NodeConnection,
    spec: CreationSpec,
) -> Result<()> {
    if vmids::is_reserved(ctx, user, &connection.node.cluster, spec.vmid).await? {
        return Err(just_taken(spec.vmid));
    }
    on_the_node(connection, &spec).await?;
    insert(ctx, user, draft, connection, spec).await
}

fn just_taken(vmid: Vmid) -> Error {
    FieldErrors::one("vmid", format!("{vmid} was just taken by another creation: choose another")).into()
}

fn node_is_gone() -> Error {
    FieldErrors::one("node", "This node is not there any more: choose another").into()
}

async fn submitted_before(ctx: &Context, user: UserId, id: CreationId) -> Result<bool> {
    Ok(creations::exists(&ctx.pg, user, id).await?)
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

/// The draft becomes the creation, in one transaction: neither is ever there without, or beside, the other.
async fn insert(
    ctx: &Context,
    user: UserId,
    draft: &Draft,
    connection: &NodeConnection,
    spec: CreationSpec,
) -> Result<()> {
    let id = CreationId::from(draft.id.uuid());
    let steps =
        steps::plan(&spec).into_iter().map(|step| NewStep { kind: step.kind, name: step.name }).collect();
    let (vmid, new) = (spec.vmid, NewCreation { node_id: connection.node.id, spec, steps });
    let mut tx = ctx.pg.begin().await.map_err(berth_store::Error::from)?;
    if !berth_store::drafts::take(&mut tx, user, draft.id, draft.version).await? {
        return Err(Error::Behind);
    }
    match creations::insert_as(&mut tx, id, user, &new, ctx.clock.now()).await {
        Ok(Some(_)) => Ok(tx.commit().await.map_err(berth_store::Error::from)?),
        Ok(None) => Err(node_is_gone()),
        Err(error) if error.is_conflict(creations::LIVE_VMID) => Err(just_taken(vmid)),
        Err(berth_store::Error::TooManyLive { most }) => {
            Err(FieldErrors::one("creations", super::too_many(most)).into())
        }
        Err(error) => Err(error.into()),
    }
}
