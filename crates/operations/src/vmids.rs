//! Which VMIDs are taken: a cache per user and cluster for the hints while typing, and Proxmox itself on submit.

use std::collections::BTreeMap;
use std::time::Duration;

use berth_domain::{DraftId, NodeId, UserId, Vmid};
use berth_proxmox::cluster::{ResourceKind, VmidState};
use berth_store::creations;
use berth_store::vmids::{self as cache, Claim, Guest, Lookup, RefreshLock, Space};
use tokio::time::{Instant, sleep};

use crate::foreign::shortened;
use crate::{Context, Error, NodeConnection, Result};

/// How long the host may take to list its guests, and how long others wait for whoever asks it.
const REFRESH: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(50);
/// More guests than one cluster has, and few enough that Redis keeps them at once.
const MOST_GUESTS: usize = 20_000;
/// The largest list of guests that is read, in bytes: so many are smaller.
const MOST_BYTES: usize = 8 << 20;
/// How much of a name is kept, in characters.
const LONGEST_NAME: usize = 100;
/// How long a free VMID is looked for.
const SEARCH: Duration = Duration::from_secs(10);

/// Whether a VMID can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Availability {
    /// Nobody is known to have it.
    Available,
    /// Somebody has it.
    Taken(By),
    /// It is no VMID; the message says what is.
    Invalid(String),
    /// It could not be checked, and why.
    Unknown(String),
}

/// Who has a VMID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// A guest.
    Guest {
        /// Its name.
        name: String,
        /// The PVE node it is on.
        node: String,
    },
    /// One of the user's containers that is being created; its host name.
    Creation(String),
    /// A container that another user is creating.
    SomebodyElsesCreation,
    /// A guest that the cluster knows and the list of guests does not show, or not yet.
    Unlisted,
}

/// Whether `text` is a VMID that can be used on a node: the hint while somebody types. Nobody's node but the user's is asked.
pub async fn check(ctx: &Context, user: UserId, node: NodeId, text: &str) -> Result<Availability> {
    let vmid: Vmid = match text.parse() {
        Ok(vmid) => vmid,
        Err(error) => return Ok(Availability::Invalid(error.to_string())),
    };
    let place = creations::reservation_at(&ctx.pg, user, node, vmid).await?.ok_or(Error::NotFound)?;
    if let Some(creation) = place.reservation {
        return Ok(Availability::Taken(creation.hostname.map_or(By::SomebodyElsesCreation, By::Creation)));
    }
    let view = View { node, node_name: place.node_name, space: Space { user, cluster: place.cluster } };
    let known = match known(ctx, &view, vmid).await {
        Ok(Lookup { guest, settled: false }) => ask_again(ctx, &view, vmid, guest).await,
        known => known.map(|lookup| lookup.guest.map(guest)),
    };
    match known {
        Ok(None) => Ok(Availability::Available),
        Ok(Some(by)) => Ok(Availability::Taken(by)),
        Err(Error::Internal(cause)) => Err(Error::Internal(cause)),
        Err(error) => Ok(Availability::Unknown(error.to_string())),
    }
}

fn guest(Guest { name, node }: Guest) -> By {
    By::Guest { name, node }
}

/// A cluster as one of a user's nodes shows it.
#[derive(Clone)]
struct View {
    node: NodeId,
    node_name: String,
    space: Space,
}

impl View {
    async fn connect(&self, ctx: &Context) -> Result<NodeConnection> {
        NodeConnection::for_user(ctx, self.space.user, self.node).await
    }
}

/// While Proxmox's list may not yet know a guest that was just made, or still know one that was just deleted, the authority is asked.
async fn ask_again(ctx: &Context, view: &View, vmid: Vmid, listed: Option<Guest>) -> Result<Option<By>> {
    Ok(match authority(&view.connect(ctx).await?, vmid).await? {
        VmidState::Free => None,
        VmidState::Taken { .. } => Some(listed.map_or(By::Unlisted, guest)),
    })
}

async fn known(ctx: &Context, view: &View, vmid: Vmid) -> Result<Lookup> {
    if let Some(found) = cache::look_up(&ctx.redis, &view.space, vmid).await? {
        return Ok(found);
    }
    ask_or_wait(ctx, view.clone()).await?;
    // Not cached even now: something was made or deleted in this very moment.
    let found = cache::look_up(&ctx.redis, &view.space, vmid).await?;
    Ok(found.unwrap_or(Lookup { guest: None, settled: false }))
}

/// Asks the cluster anew, as the wizard does when it is opened.
pub async fn refresh(ctx: &Context, user: UserId, node: NodeId) -> Result<()> {
    let node = berth_store::nodes::find(&ctx.pg, user, node).await?.ok_or(Error::NotFound)?;
    let space = Space { user, cluster: node.cluster };
    ask_or_wait(ctx, View { node: node.id, node_name: node.name, space }).await
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

/// One asks, the others wait for what it hears; if it hears nothing, the next one asks. Whoever begins goes on to the end: somebody who
/// types on does not wait for the answer, and the lock must not stay behind.
async fn ask_or_wait(ctx: &Context, view: View) -> Result<()> {
    let ctx = ctx.clone();
    let asking = tokio::spawn(async move { one_at_a_time(&ctx, &view).await });
    asking.await.unwrap_or_else(|error| Err(Error::Internal(Box::new(error))))
}

async fn one_at_a_time(ctx: &Context, view: &View) -> Result<()> {
    let deadline = Instant::now() + REFRESH;
    loop {
        if let Some(lock) = cache::try_refresh_lock(&ctx.redis, &view.space).await? {
            return ask_and_store(ctx, view, lock).await;
        }
        while cache::is_refreshing(&ctx.redis, &view.space).await? {
            if Instant::now() > deadline {
                let message = "{} takes its time to list its guests. Wait a moment and try again";
                return Err(Error::Conflict(message.replace("{}", &view.node_name)));
            }
            sleep(POLL).await;
        }
        if cache::taken(&ctx.redis, &view.space).await?.is_some() {
            return Ok(());
        }
    }
}

async fn ask_and_store(ctx: &Context, view: &View, lock: RefreshLock) -> Result<()> {
    match ask(ctx, view).await {
        Ok(guests) => {
            cache::store(&ctx.redis, lock, &guests).await?;
            Ok(())
        }
        Err(error) => {
            cache::release(&ctx.redis, lock).await?;
            Err(error)
        }
    }
}

/// `/cluster/resources?type=vm`: QEMU guests and the other members count too.
async fn ask(ctx: &Context, view: &View) -> Result<BTreeMap<Vmid, Guest>> {
    let connection = view.connect(ctx).await?;
    let client = connection.client.within(REFRESH).max_response(MOST_BYTES);
    let resources = client.resources(Some(ResourceKind::Vm)).await;
    let resources = resources.map_err(|error| connection.trouble(error))?;
    if resources.len() > MOST_GUESTS {
        let text = format!(
            "{} lists more than {MOST_GUESTS} guests, too many to look through. Choose any VMID: the node is asked for it when you create",
            view.node_name
        );
        return Err(Error::Conflict(text));
    }
    Ok(resources
        .into_iter()
        .filter_map(|guest| {
            let vmid = Vmid::new(guest.vmid?).ok()?;
            let name = shortened(guest.name.as_deref().unwrap_or(&guest.id), LONGEST_NAME);
            let node = shortened(guest.node.as_deref().unwrap_or_default(), LONGEST_NAME);
            Some((vmid, Guest { name, node }))
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
    let deadline = Instant::now() + SEARCH;
    let client = connection.client.within(REFRESH);
    let first = client.next_vmid().await.map_err(|error| connection.trouble(error))?;
    let reserved = creations::live_vmids(&ctx.pg, &connection.node.cluster).await?;
    let space = Space { user, cluster: connection.node.cluster.clone() };
    let listed = cache::taken(&ctx.redis, &space).await?.unwrap_or_default();
    let candidates = (first.get()..).map_while(|number| Vmid::new(number).ok());
    let candidates = candidates.filter(|vmid| !reserved.contains(vmid));
    for vmid in candidates.filter(|vmid| *vmid == first || !listed.contains(vmid)) {
        if vmid == first || authority(&connection, vmid).await? == VmidState::Free {
            return Ok(vmid);
        }
        if Instant::now() > deadline {
            break;
        }
    }
    Err(Error::Conflict(format!("No free VMID was found from {first} on. Type one yourself")))
}

/// Whether a creation in flight has a VMID.
pub(crate) async fn is_reserved(ctx: &Context, user: UserId, cluster: &str, vmid: Vmid) -> Result<bool> {
    Ok(creations::reservation(&ctx.pg, user, cluster, vmid).await?.is_some())
}

/// Keeps a VMID to a draft that is being submitted; none while another draft has it. The database decides in the end: this spares the
/// host the questions of those who come too late.
pub(crate) async fn claim(ctx: &Context, cluster: &str, vmid: Vmid, draft: DraftId) -> Result<Option<Claim>> {
    Ok(cache::claim(&ctx.redis, cluster, vmid, draft).await?)
}

/// Gives a claim back. One that cannot be given back runs out by itself.
pub(crate) async fn give_back(ctx: &Context, claim: Claim) {
    if let Err(error) = cache::give_back(&ctx.redis, claim).await {
        tracing::warn!(%error, "a VMID stays claimed for a moment");
    }
}
