//! How nodes are. A worker takes what is due with a lease, asks the nodes, and writes what it has seen; pages only
//! read. All times are the database's.
//!
//! A write under a lease that is void, because the node was edited, deleted or asked for anew, comes to nothing.

mod check;

use std::time::Duration;

use berth_domain::node_health::{ApiHealth, ClusterMember, NodeHealth, Seen, SshHealth};
use berth_domain::{NodeId, UserId, Vmid};
use serde::de::DeserializeOwned;
use sqlx::PgExecutor;
use sqlx::types::Json;
use time::OffsetDateTime;

pub use check::{Cluster, Lease, Pauses, Taken, record_api, record_ssh, release, take_due};

use crate::error::{Result, corrupt, decode};

/// What the list of nodes shows of one of them, beside its own row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overview {
    /// The node.
    pub node_id: NodeId,
    /// How it is.
    pub health: NodeHealth,
    /// Whether a check is due that nobody makes.
    pub is_overdue: bool,
    /// The managed containers on it, by number.
    pub containers: Vec<ContainerName>,
}

/// A managed container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerName {
    /// Its host name.
    pub hostname: String,
    /// Its number.
    pub vmid: Vmid,
}

/// What is known of each of the user's nodes, in no order. A check is overdue when nobody has made it for `grace`.
pub async fn overview(pg: impl PgExecutor<'_>, user: UserId, grace: Duration) -> Result<Vec<Overview>> {
    let rows = sqlx::query!(
        r#"select h.node_id, h.api, h.api_checked_at, h.api_since, h.ssh, h.ssh_checked_at, h.ssh_since,
               h.cluster_name, h.members as "members: Json<Vec<ClusterMember>>",
               greatest(h.api_due, h.lease_until) <= now() - make_interval(secs => $2) as "is_overdue!",
               coalesce(array_agg(c.hostname order by c.vmid) filter (where c.id is not null), '{}')
                   as "hostnames!",
               coalesce(array_agg(c.vmid order by c.vmid) filter (where c.id is not null), '{}') as "vmids!"
           from node_health h join nodes n on n.id = h.node_id
               left join containers c on c.node_id = h.node_id and c.gone_at is null
           where n.user_id = $1 group by h.node_id"#,
        user.uuid(),
        grace.as_secs_f64(),
    )
    .fetch_all(pg)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Overview {
                node_id: row.node_id.into(),
                health: NodeHealth {
                    api: seen::<ApiHealth>(row.api, row.api_checked_at, row.api_since)?,
                    ssh: seen::<SshHealth>(row.ssh, row.ssh_checked_at, row.ssh_since)?,
                    cluster_name: row.cluster_name,
                    members: row.members.0,
                },
                is_overdue: row.is_overdue,
                containers: row
                    .hostnames
                    .into_iter()
                    .zip(row.vmids)
                    .map(|(hostname, number)| Ok(ContainerName { hostname, vmid: vmid(number)? }))
                    .collect::<Result<_>>()?,
            })
        })
        .collect()
}

fn vmid(column: i32) -> Result<Vmid> {
    decode(decode::<u32, _>(column, "containers.vmid")?, "containers.vmid")
}

fn seen<T: DeserializeOwned>(
    state: Option<serde_json::Value>,
    checked_at: Option<OffsetDateTime>,
    since: Option<OffsetDateTime>,
) -> Result<Option<Seen<T>>> {
    let (Some(state), Some(checked_at), Some(since)) = (state, checked_at, since) else { return Ok(None) };
    let state = serde_json::from_value(state).map_err(|_| corrupt("node_health")())?;
    Ok(Some(Seen { state, checked_at, since }))
}

/// What asking for a check led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It is due, and what was under way counts no more.
    Now,
    /// It was asked for less than `again` ago: that check counts.
    Before,
}

/// Makes a check of one of the user's nodes due, at most once in `again`: each is a login there. None when the user
/// has no such node.
pub async fn ask(
    pg: impl PgExecutor<'_>,
    user: UserId,
    id: NodeId,
    again: Duration,
) -> Result<Option<Asked>> {
    let asked = sqlx::query_scalar!(
        r#"with mine as (
             select h.node_id, coalesce(h.asked_at <= now() - make_interval(secs => $3), true) as allowed
             from node_health h join nodes n on n.id = h.node_id where n.id = $1 and n.user_id = $2
             for update of h),
           asked as (
             update node_health h set asked_at = now(), api_due = now(), ssh_due = now(), lease = null,
                 lease_until = null
             from mine where h.node_id = mine.node_id and mine.allowed)
           select allowed as "allowed!" from mine"#,
        id.uuid(),
        user.uuid(),
        again.as_secs_f64(),
    )
    .fetch_optional(pg)
    .await?;
    Ok(asked.map(|allowed| if allowed { Asked::Now } else { Asked::Before }))
}

/// How far the check is that was last asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nobody has begun.
    Waiting,
    /// A worker is at it.
    UnderWay,
    /// It has been made.
    Made,
}

/// How far the check of one of the user's nodes is that was last asked for. None when the user has no such node.
pub async fn answer(pg: impl PgExecutor<'_>, user: UserId, id: NodeId) -> Result<Option<Answer>> {
    let row = sqlx::query!(
        r#"select coalesce(h.lease_until > now(), false) as "leased!",
               coalesce(h.api_checked_at >= h.asked_at, false) as "checked!"
           from node_health h join nodes n on n.id = h.node_id where n.id = $1 and n.user_id = $2"#,
        id.uuid(),
        user.uuid(),
    );
    Ok(row.fetch_optional(pg).await?.map(|row| match (row.leased, row.checked) {
        (true, _) => Answer::UnderWay,
        (false, true) => Answer::Made,
        (false, false) => Answer::Waiting,
    }))
}
