//! Proxmox VE hosts that users add.

mod api;
mod form;
mod overview;
mod privileges;
mod report;
mod setup;
mod ssh;
mod test;

use berth_domain::container::Container;
use berth_domain::node::{Node, SshAccess};
use berth_domain::{NodeId, UserId};
use berth_store::nodes::{self, NewNode, NodeDetails};

pub use form::NodeForm;
use form::NodeInput;
pub use overview::{Health, NodeOverview, cluster_name, list};
pub use report::{Check, CheckRow, CheckState, Found, TestReport};
pub use setup::{SetupCommands, setup_commands};
use test::Tested;

use crate::{Context, Error, FieldErrors, Result};

/// What adding a node leads to.
#[derive(Clone, Debug)]
pub enum Connected {
    /// It passed and is stored.
    Saved(Box<Node>),
    /// Nothing was stored: something failed, or waits to be confirmed.
    NotYet(Box<TestReport>),
}

/// What deleting a node leads to.
#[derive(Clone, Debug, PartialEq)]
pub enum Deleted {
    /// It is gone.
    Done,
    /// It has managed containers and nobody said to forget them.
    HasContainers(Vec<Container>),
}

/// Tests a node as typed and stores nothing. At most 10 s.
pub async fn test(form: &NodeForm) -> Result<TestReport> {
    Ok(test::run(&form.checked()?).await.report)
}

/// Tests a node as typed and adds it if it passes; the user's first becomes the default.
///
/// A failing API prevents that, and so does failing SSH unless [`NodeForm::without_ssh`] is ticked.
pub async fn connect(ctx: &Context, user: UserId, form: &NodeForm) -> Result<Connected> {
    let input = form.checked()?;
    let tested = test::run(&input).await;
    let Some(new) = passed(&input, &tested) else {
        return Ok(Connected::NotYet(Box::new(tested.report)));
    };
    let mut conn = ctx.pg.acquire().await.map_err(berth_store::Error::from)?;
    let node =
        nodes::insert(&mut conn, user, &new, &ctx.keyring, ctx.clock.now()).await.map_err(|error| {
            if error.is_conflict(nodes::NAME_UNIQUE) {
                FieldErrors::one("name", "you have a node of this name already: choose another").into()
            } else {
                Error::from(error)
            }
        })?;
    tracing::info!(%user, node = %node.id, name = node.name, address = %node.address, ssh = node.ssh.is_some(), "node added");
    Ok(Connected::Saved(Box::new(node)))
}

/// The node to store, unless something is in the way.
fn passed(input: &NodeInput, tested: &Tested) -> Option<NewNode> {
    let Tested { report, pin, host_key } = tested;
    let found = report.found.as_ref().filter(|_| report.api_works())?;
    let ssh = match (&input.ssh, host_key) {
        (Some(ssh), Some(host_key)) if report.ssh_works() => Some((ssh, host_key)),
        (Some(_), _) if !input.without_ssh => return None,
        _ => None,
    };
    let access = |(ssh, host_key): (&form::SshInput, &berth_proxmox::HostKey)| SshAccess {
        host: ssh.address.host.clone(),
        port: ssh.address.port,
        user: ssh.user.clone(),
        method: ssh.method,
        host_key: host_key.to_string(),
    };
    Some(NewNode {
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
    })
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
    let containers = containers_on(ctx, user, id).await?;
    let creating = berth_store::creations::list_live(&ctx.pg, user).await?;
    if let Some(creation) = creating.iter().find(|creation| creation.node_id == id) {
        let hostname = &creation.spec.hostname;
        return Err(Error::Conflict(format!(
            "{hostname} is being created on this node: wait until it is ready, or cancel it first"
        )));
    }
    if !containers.is_empty() && !forget {
        return Ok(Deleted::HasContainers(containers));
    }
    let mut conn = ctx.pg.acquire().await.map_err(berth_store::Error::from)?;
    if !nodes::delete(&mut conn, user, id).await? {
        return Err(Error::NotFound);
    }
    tracing::info!(%user, node = %id, forgotten = containers.len(), "node deleted");
    Ok(Deleted::Done)
}
