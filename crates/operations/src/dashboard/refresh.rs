//! Asks nodes for their containers while somebody looks: each node once per interval, whichever process does it.

use std::collections::BTreeSet;
use std::time::Duration;

use berth_domain::guest::{Guest, Sighting, Usage};
use berth_domain::{NodeId, UserId, Vmid};
use berth_proxmox::cluster::{Resource, ResourceKind};
use berth_store::guests::News;
use berth_store::{changes, guests};

use crate::foreign::shortened;
use crate::{Context, NodeConnection, Result};

/// How often a node is asked while somebody looks. Proxmox itself renews its list about every 10 s.
pub const INTERVAL: Duration = Duration::from_secs(10);
/// How often one is asked that does not answer.
const IN_TROUBLE: Duration = Duration::from_secs(20);
/// How long a node may take to answer.
const DEADLINE: Duration = Duration::from_secs(5);
/// Bytes of a node's list, of which a container takes some hundred.
const MOST_BYTES: usize = 4 << 20;
/// Characters of a name, lock or tag. Proxmox itself takes no longer names.
const LONGEST: usize = 100;
/// Tags of a container.
const MOST_TAGS: usize = 50;
/// A turn ends this much before the next may be taken, so that clocks need not agree to the millisecond.
const SLACK: Duration = Duration::from_millis(500);

/// What came of a try to ask a node.
pub(super) enum Asked {
    /// It gave its list, or did not; ask again after so long.
    Answered(Duration),
    /// Another process has the turn.
    NotOurTurn,
}

/// Asks a node if it is this process's turn, stores what it says, and announces that.
pub(super) async fn ask(ctx: &Context, user: UserId, node: NodeId) -> Result<Asked> {
    if !guests::take_turn(&ctx.redis, node, INTERVAL.saturating_sub(SLACK)).await? {
        return Ok(Asked::NotOurTurn);
    }
    let answer = list(ctx, user, node).await;
    let now = ctx.clock.now();
    let (sighting, next) = match answer {
        Ok(guests) => (Sighting::seen(now, guests), INTERVAL),
        Err(message) => (last(ctx, node).await?.unwrap_or_default().failed(now, message), IN_TROUBLE),
    };
    guests::store(&ctx.redis, node, &sighting).await?;
    changes::announce_guests(&ctx.pg, user).await?;
    Ok(Asked::Answered(next))
}

/// What a node last said; none when it was never asked.
pub(super) async fn last(ctx: &Context, node: NodeId) -> Result<Option<Sighting>> {
    let news = guests::read(&ctx.redis, &[(node, None)]).await?.pop();
    Ok(match news {
        Some(News::New(_, sighting)) => Some(sighting),
        Some(News::Nothing | News::Same) | None => None,
    })
}

async fn list(ctx: &Context, user: UserId, node: NodeId) -> Result<Vec<Guest>, String> {
    let connection = NodeConnection::for_user(ctx, user, node).await.map_err(|error| error.to_string())?;
    let client = connection.client.within(DEADLINE).max_response(MOST_BYTES);
    let resources = client.resources(Some(ResourceKind::Vm)).await.map_err(|error| error.to_string())?;
    let mut seen = BTreeSet::new();
    let guests = resources.into_iter().filter(|it| it.kind == "lxc").filter_map(guest);
    Ok(guests.filter(|guest| seen.insert(guest.vmid)).collect())
}

fn guest(resource: Resource) -> Option<Guest> {
    let usage = Usage {
        cpu: resource.cpu,
        cpus: resource.maxcpu,
        memory: resource.mem.zip(resource.maxmem),
        disk: resource.disk.zip(resource.maxdisk),
        uptime: resource.uptime,
    };
    let tags = resource.tags.unwrap_or_default();
    let tags = tags.split([';', ',', ' ']).filter(|tag| !tag.is_empty());
    Some(Guest {
        vmid: Vmid::new(resource.vmid?).ok()?,
        name: resource.name.map(|name| shortened(&name, LONGEST)),
        pve_node: shortened(&resource.node.unwrap_or_default(), LONGEST),
        running: match resource.status.as_deref() {
            Some("running") => Some(true),
            Some("stopped") => Some(false),
            _ => None,
        },
        lock: resource.lock.filter(|lock| !lock.is_empty()).map(|lock| shortened(&lock, LONGEST)),
        tags: tags.take(MOST_TAGS).map(|tag| shortened(tag, LONGEST)).collect(),
        is_clone_source: resource.is_clone_source,
        usage,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_cannot_say_more_than_fits() {
        let told = serde_json::json!({
            "type": "lxc", "id": "lxc/101", "vmid": 101, "status": "running", "name": "n".repeat(1000),
            "node": "p".repeat(1000), "lock": "l".repeat(1000), "tags": "a;".repeat(100_000),
        });
        let guest = guest(serde_json::from_value(told).unwrap()).unwrap();
        let lengths = [&guest.name.unwrap(), &guest.pve_node, &guest.lock.unwrap()].map(String::len);
        assert_eq!((lengths, guest.tags.len()), ([LONGEST; 3], MOST_TAGS));
    }
}
