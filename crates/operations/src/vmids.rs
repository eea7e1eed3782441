//! Which VMIDs are taken: a cache per user and cluster for the hints while typing, and Proxmox itself on submit.

use std::collections::BTreeMap;
use std::time::Duration;

use berth_domain::node::Node;
use berth_domain::{NodeId, UserId, Vmid};
use berth_proxmox::cluster::{ResourceKind, VmidState};
use berth_store::vmids::{self as cache, Guest, Space};
use tokio::time::{Instant, sleep};

use crate::{Context, Error, NodeConnection, Result};

/// How long the host may take to list its guests, and how long others wait for whoever asks it.
const REFRESH: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(100);

/// Instead of the name of a container that is another user's.
const SOMEBODY: &str = "another user's container";

/// How many numbers are tried for a free one.
const TRIES: u32 = 100;

/// Whether a VMID can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Availability {
    /// Nobody is known to have it.
    Available,
    /// A guest has it.
    Taken {
        /// The guest's name.
        name: String,
        /// The PVE node it is on; none while it is being created.
        node: Option<String>,
    },
    /// It is no VMID; the message says what is.
    Invalid(String),
    /// It could not be checked, and why.
    Unknown(String),
}

/// Whether `text` is a VMID that can be used on a node: the hint while somebody types. Nobody's node but the user's is asked.
pub async fn check(ctx: &Context, user: UserId, node: NodeId, text: &str) -> Result<Availability> {
    let node = berth_store::nodes::find(&ctx.pg, user, node).await?.ok_or(Error::NotFound)?;
    let vmid: Vmid = match text.parse() {
        Ok(vmid) => vmid,
        Err(error) => return Ok(Availability::Invalid(error.to_string())),
    };
    if let Some((_, name)) = in_flight(ctx, user, &node).await?.into_iter().find(|(taken, _)| *taken == vmid)
    {
        let name = name.unwrap_or_else(|| SOMEBODY.into());
        return Ok(Availability::Taken { name, node: None });
    }
    Ok(match guests(ctx, user, &node).await {
        Ok(guests) => match guests.get(&vmid) {
            Some(Guest { name, node }) => {
                Availability::Taken { name: name.clone(), node: Some(node.clone()) }
            }
            None => Availability::Available,
        },
        Err(error) => Availability::Unknown(error.to_string()),
    })
}

async fn in_flight(ctx: &Context, user: UserId, node: &Node) -> Result<Vec<(Vmid, Option<String>)>> {
    Ok(berth_store::creations::live_vmids(&ctx.pg, user, &node.cluster).await?)
}

fn space(user: UserId, node: &Node) -> Space {
    Space { user, cluster: node.cluster.clone() }
}

/// Asks the cluster anew, as the wizard does when it is opened.
pub async fn refresh(ctx: &Context, user: UserId, node: NodeId) -> Result<()> {
    let node = berth_store::nodes::find(&ctx.pg, user, node).await?.ok_or(Error::NotFound)?;
    ask_or_wait(ctx, user, &node).await.map(|_| ())
}

/// Forgets what is cached of a cluster for everybody who has a node of it, after a guest was made or deleted. A cache that
/// cannot be reached runs out by itself.
pub async fn invalidate(ctx: &Context, cluster: &str) {
    if let Err(error) = forget(ctx, cluster).await {
        tracing::warn!(cluster, %error, "cached VMIDs were not forgotten");
    }
}

async fn forget(ctx: &Context, cluster: &str) -> berth_store::Result<()> {
    for user in berth_store::nodes::owners_in(&ctx.pg, cluster).await? {
        cache::invalidate(&ctx.redis, &Space { user, cluster: cluster.into() }).await?;
    }
    Ok(())
}

async fn guests(ctx: &Context, user: UserId, node: &Node) -> Result<BTreeMap<Vmid, Guest>> {
    match cache::taken(&ctx.redis, &space(user, node)).await? {
        Some(guests) => Ok(guests),
        None => ask_or_wait(ctx, user, node).await,
    }
}

/// One asks, the others wait for what it hears; if it hears nothing, each asks for itself.
async fn ask_or_wait(ctx: &Context, user: UserId, node: &Node) -> Result<BTreeMap<Vmid, Guest>> {
    let Some(lock) = cache::try_refresh_lock(&ctx.redis, &space(user, node)).await? else {
        let deadline = Instant::now() + REFRESH;
        while Instant::now() < deadline {
            sleep(POLL).await;
            if let Some(guests) = cache::taken(&ctx.redis, &space(user, node)).await? {
                return Ok(guests);
            }
        }
        return ask(ctx, user, node).await;
    };
    match ask(ctx, user, node).await {
        Ok(guests) => {
            cache::store(&ctx.redis, lock, &guests).await?;
            Ok(guests)
        }
        Err(error) => {
            cache::release(&ctx.redis, lock).await?;
            Err(error)
        }
    }
}

/// `/cluster/resources?type=vm`: QEMU guests and the other members count too.
async fn ask(ctx: &Context, user: UserId, node: &Node) -> Result<BTreeMap<Vmid, Guest>> {
    let connection = NodeConnection::for_user(ctx, user, node.id).await?;
    let resources = connection.client.within(REFRESH).resources(Some(ResourceKind::Vm)).await;
    let resources = resources.map_err(|error| connection.trouble(error))?;
    Ok(resources
        .into_iter()
        .filter_map(|guest| {
            let vmid = Vmid::new(guest.vmid?).ok()?;
            Some((vmid, Guest { name: guest.name.unwrap_or(guest.id), node: guest.node.unwrap_or_default() }))
        })
        .collect())
}

/// What the cluster itself says of a VMID, guests that the token may not see included: `/cluster/nextid?vmid=`.
pub async fn authority(connection: &NodeConnection, vmid: Vmid) -> Result<VmidState> {
    connection.client.within(REFRESH).vmid_state(vmid).await.map_err(|error| connection.trouble(error))
}

/// The smallest VMID that neither a guest nor a creation in flight has. Somebody else may still take it first.
pub async fn next_free(ctx: &Context, user: UserId, node: NodeId) -> Result<Vmid> {
    let connection = NodeConnection::for_user(ctx, user, node).await?;
    let client = connection.client.within(REFRESH);
    let first = client.next_vmid().await.map_err(|error| connection.trouble(error))?;
    let reserved: Vec<Vmid> =
        in_flight(ctx, user, &connection.node).await?.into_iter().map(|(vmid, _)| vmid).collect();
    let candidates = (first.get()..).map_while(|number| Vmid::new(number).ok());
    for vmid in candidates.filter(|vmid| !reserved.contains(vmid)).take(TRIES as usize) {
        if vmid == first || authority(&connection, vmid).await? == VmidState::Free {
            return Ok(vmid);
        }
    }
    Err(Error::Conflict(format!("no free VMID was found from {first} on: type one yourself")))
}
