//! Adding and editing: tested first, stored when it passes.

use std::time::Duration;

use berth_domain::node::{Node, SshAccess};
use berth_domain::{NodeId, UserId};
use berth_store::nodes::{self, Credentials, NewNode, NodeDetails};
use berth_store::throttle::{self, Verdict};

use super::form::NodeForm;
use super::input::{Basis, NodeInput, SshInput};
use super::report::{Check, CheckRow, Found, TestReport};
use super::test::{self, OnRow, Tested};
use super::{containers_on, members};
use crate::{Context, Error, FieldErrors, Result, dashboard};

/// How often one person may test in [`WINDOW`]: more than anybody types, and few for trying passwords or ports of others.
const MOST_TESTS: u32 = 60;
const WINDOW: Duration = Duration::from_mins(1);

/// What saving a node leads to.
#[derive(Clone, Debug)]
pub enum Saving {
    /// It passed and is stored.
    Saved {
        /// The node.
        node: Box<Node>,
        /// The other members of its cluster that its owner has not added, by PVE node name.
        members: Vec<String>,
    },
    /// Nothing was stored: something failed, or waits to be confirmed.
    NotYet(Box<TestReport>),
}

/// A stored node as the form that edits it shows it.
pub async fn form(ctx: &Context, user: UserId, id: NodeId) -> Result<NodeForm> {
    Ok(NodeForm::of(&super::find(ctx, user, id).await?))
}

/// Tests a node as typed and stores nothing; `id` is the node that is edited. At most 10 s; dropping it ends the test.
/// [`Error::Throttled`] after many in a minute.
pub async fn test(
    ctx: &Context,
    user: UserId,
    id: Option<NodeId>,
    form: &NodeForm,
    on_row: OnRow<'_>,
) -> Result<TestReport> {
    count(ctx, user).await?;
    let basis = basis(ctx, user, id, form).await?;
    Ok(tested(ctx, user, &basis, &form.checked(&basis)?, on_row).await?.report)
}

/// Tests a node as typed and, if it passes, adds it (the user's first becomes the default) or changes the stored one.
///
/// A failing API prevents that, and so does failing SSH unless [`NodeForm::without_ssh`] is ticked. Empty secrets of a
/// stored node stay, and are sent only to the host that they were stored for.
pub async fn save(
    ctx: &Context,
    user: UserId,
    id: Option<NodeId>,
    form: &NodeForm,
    on_row: OnRow<'_>,
) -> Result<Saving> {
    count(ctx, user).await?;
    let basis = basis(ctx, user, id, form).await?;
    let input = form.checked(&basis)?;
    let tested = tested(ctx, user, &basis, &input, on_row).await?;
    let Some((new, found)) = passed(&input, &tested) else {
        return Ok(Saving::NotYet(Box::new(tested.report)));
    };
    let node = store(ctx, user, id, &new, found).await?;
    tracing::info!(%user, node = %node.id, name = node.name, address = %node.address, ssh = node.ssh.is_some(), "node saved");
    let members = members::not_added(ctx, user, &node, found).await?;
    Ok(Saving::Saved { node: Box::new(node), members })
}

/// Changes nothing but the name, so that a host that is gone can be renamed.
pub async fn rename(ctx: &Context, user: UserId, id: NodeId, form: &NodeForm) -> Result<()> {
    let name = form.checked_name()?;
    let mut conn = ctx.pg.acquire().await.map_err(berth_store::Error::from)?;
    let renamed = nodes::rename(&mut conn, user, id, &name).await.map_err(name_taken)?;
    if renamed { Ok(()) } else { Err(Error::NotFound) }
}

/// Counts a test: whoever is logged in has it connect to any host, with any name and password.
async fn count(ctx: &Context, user: UserId) -> Result<()> {
    let who = user.to_string();
    match throttle::hit(&ctx.redis, "node-test", &who, MOST_TESTS, WINDOW).await? {
        Verdict::Allowed => Ok(()),
        Verdict::RetryAfter(retry_after) => {
            tracing::warn!(%user, "too many tests of nodes");
            Err(Error::Throttled { retry_after })
        }
    }
}

/// Whose secrets the form's empty fields stand for: always somebody's who is this user's.
async fn basis(ctx: &Context, user: UserId, id: Option<NodeId>, form: &NodeForm) -> Result<Basis> {
    if let Some(id) = id {
        return Ok(Basis::Stored(Box::new(credentials(ctx, user, id).await?)));
    }
    if form.member_of.is_empty() {
        return Ok(Basis::New);
    }
    members::basis(ctx, user, form).await
}

/// What is stored of a node that is edited. Secrets that do not open any more are as if there were none, so that they can be typed again.
async fn credentials(ctx: &Context, user: UserId, id: NodeId) -> Result<Credentials> {
    match nodes::credentials(&ctx.pg, user, id, &ctx.keyring).await {
        Ok(stored) => stored.ok_or(Error::NotFound),
        Err(berth_store::Error::Corrupt(cause)) => {
            tracing::error!(node = %id, cause, "a node's stored secrets do not open");
            let node = super::find(ctx, user, id).await?;
            Ok(Credentials { node, token_secret: "".into(), ssh_secret: None })
        }
        Err(error) => Err(error.into()),
    }
}

/// The test, with what only the database knows.
async fn tested(
    ctx: &Context,
    user: UserId,
    basis: &Basis,
    input: &NodeInput,
    on_row: OnRow<'_>,
) -> Result<Tested> {
    // TLS and SSH handshakes make it large.
    let mut tested = Box::pin(test::run(input, on_row)).await;
    let Basis::Stored(stored) = basis else { return Ok(tested) };
    if let Some(row) = moved(ctx, user, &stored.node, tested.report.found.as_ref()).await? {
        on_row(&row);
        tested.report.replace(row);
    }
    tested.report.offers_rename = !tested.report.passed() && only_name_differs(&stored.node, input);
    Ok(tested)
}

fn only_name_differs(node: &Node, input: &NodeInput) -> bool {
    let same_ssh = match (&node.ssh, &input.ssh) {
        (Some(old), Some(new)) => {
            (&old.host, old.port, &old.user) == (&new.address.host, new.address.port, &new.user)
                && new.kept_for.is_some()
        }
        (None, None) => true,
        _ => false,
    };
    let same_api =
        node.address == input.address && node.token_id == input.token_id && input.token_kept_for.is_some();
    node.name != input.name && same_api && same_ssh && !input.without_ssh
}

/// The row that refuses another PVE node in the place of one that has containers: they would be looked for there.
async fn moved(ctx: &Context, user: UserId, node: &Node, found: Option<&Found>) -> Result<Option<CheckRow>> {
    let Some(found) = found.filter(|found| !is_same(node, found)) else { return Ok(None) };
    let containers = containers_on(ctx, user, node.id).await?.len();
    let creating = berth_store::creations::list_live(&ctx.pg, user).await?;
    let creating = creating.iter().any(|creation| creation.node_id == node.id);
    let what = match containers {
        0 if creating => "a container is being created".to_owned(),
        0 => return Ok(None),
        1 => "a container of Berth is".to_owned(),
        count => format!("{count} containers of Berth are"),
    };
    let place = match &found.cluster_name {
        Some(cluster) => format!("the PVE node {} of the cluster {cluster}", found.pve_node_name),
        None => format!("the PVE node {}", found.pve_node_name),
    };
    let (old, at) = (&node.pve_node_name, &node.address);
    let message = format!("This is {place}, not {old} that was added at {at}, where {what}");
    Ok(Some(CheckRow::failed(
        Check::NodeName,
        message,
        "Add it as a node of its own, and leave this one as it is",
    )))
}

/// Whether it is the PVE node that was added: the same name below the same authority, whether or not it has joined a
/// cluster since.
fn is_same(node: &Node, found: &Found) -> bool {
    let authority = |key: &str| key.rsplit_once(':').map(|(_, authority)| authority.to_owned());
    let same_authority =
        authority(&node.cluster).is_some_and(|old| old.len() == 64 && Some(old) == authority(&found.cluster));
    node.pve_node_name == found.pve_node_name && (node.cluster == found.cluster || same_authority)
}

async fn store(
    ctx: &Context,
    user: UserId,
    id: Option<NodeId>,
    new: &NewNode,
    found: &Found,
) -> Result<Node> {
    let mut tx = ctx.pg.begin().await.map_err(berth_store::Error::from)?;
    let now = ctx.clock.now();
    let id = if let Some(id) = id {
        // Also what was kept: whatever another tab has stored meanwhile, a secret never stands beside another's address.
        nodes::update(&mut tx, user, id, new, &ctx.keyring, now).await.map_err(name_taken)?;
        id
    } else {
        nodes::insert(&mut tx, user, new, &ctx.keyring, now).await.map_err(name_taken)?.id
    };
    let members = members::known(&found.members);
    nodes::learn_cluster(&mut tx, user, id, found.cluster_name.as_deref(), &members).await?;
    tx.commit().await.map_err(berth_store::Error::from)?;
    dashboard::forget_node(ctx, id).await;
    super::find(ctx, user, id).await
}

fn name_taken(error: berth_store::Error) -> Error {
    if error.is_conflict(nodes::NAME_UNIQUE) {
        FieldErrors::one("name", "you have a node of this name already: choose another").into()
    } else {
        error.into()
    }
}

/// The node to store with the secrets that were tested, unless something is in the way.
fn passed<'a>(input: &NodeInput, tested: &'a Tested) -> Option<(NewNode, &'a Found)> {
    let Tested { report, pin, host_key } = tested;
    let found = report.found.as_ref().filter(|_| report.api_works())?;
    let ssh = match (&input.ssh, host_key) {
        (Some(ssh), Some(host_key)) if report.ssh_works() => Some((ssh, host_key)),
        (Some(_), _) if !input.without_ssh => return None,
        _ => None,
    };
    let access = |(ssh, host_key): (&SshInput, &berth_proxmox::HostKey)| SshAccess {
        host: ssh.address.host.clone(),
        port: ssh.address.port,
        user: ssh.user.clone(),
        method: ssh.method,
        host_key: host_key.to_string(),
    };
    let new = NewNode {
        details: NodeDetails {
            name: input.name.clone(),
            address: input.address.clone(),
            certificate: *pin,
            token_id: input.token_id.clone(),
            pve_node_name: found.pve_node_name.clone(),
            cluster: found.cluster.clone(),
            pve_version: found.pve_version.clone(),
            ssh: ssh.map(access),
        },
        token_secret: input.token_secret.clone(),
        ssh_secret: ssh.map(|(ssh, _)| ssh.secret.clone()),
    };
    Some((new, found))
}
