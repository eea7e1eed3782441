//! One worker's check of one node.

use std::time::Duration;

use berth_domain::NodeId;
use berth_domain::node_health::{ApiHealth, ClusterMember, SshHealth};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::error::Result;
use crate::text;

/// The right to check a node, until it runs out or is void.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The node.
    pub node: NodeId,
    pub(crate) token: Uuid,
}

/// A node that the caller is to check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The right to.
    pub lease: Lease,
    /// Whether its API is due.
    pub api: bool,
    /// Whether its SSH server is due.
    pub ssh: bool,
}

/// How long to wait for the next check: `first`, and twice as long each time that the same is seen again, up to `longest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pauses {
    /// After a state is seen for the first time.
    pub first: Duration,
    /// At most.
    pub longest: Duration,
}

/// A node's cluster, as `/cluster/status` tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Its name; none for a standalone host.
    pub name: Option<String>,
    /// Its other members.
    pub members: Vec<ClusterMember>,
}

/// Takes up to `most` nodes that are due, the longest waiting first, and that nobody else checks.
///
/// What was taken is not due again for `api` and `ssh`, whatever becomes of the caller: a check that kills its worker
/// each time must not become a storm of logins.
pub async fn take_due(
    pg: impl PgExecutor<'_>,
    most: u32,
    lease: Duration,
    api: Duration,
    ssh: Duration,
) -> Result<Vec<Taken>> {
    let rows = sqlx::query!(
        r#"with due as (
             select node_id, api_due <= now() as api, ssh_due <= now() as ssh from node_health
             where least(api_due, ssh_due) <= now() and (lease_until is null or lease_until <= now())
             order by least(api_due, ssh_due) limit $1 for update skip locked)
           update node_health h set lease = gen_random_uuid(), lease_until = now() + make_interval(secs => $2),
               api_due = case when due.api then now() + make_interval(secs => $3) else api_due end,
               ssh_due = case when due.ssh then now() + make_interval(secs => $4) else ssh_due end
           from due where h.node_id = due.node_id
           returning h.node_id, h.lease as "lease!", due.api as "api!", due.ssh as "ssh!""#,
        i64::from(most),
        lease.as_secs_f64(),
        api.as_secs_f64(),
        ssh.as_secs_f64(),
    )
    .fetch_all(pg)
    .await?;
    let taken = rows.into_iter().map(|row| Taken {
        lease: Lease { node: row.node_id.into(), token: row.lease },
        api: row.api,
        ssh: row.ssh,
    });
    Ok(taken.collect())
}

/// Writes how the API is; without `cluster` what is known of it stays. An API that is gone or back makes SSH due, too,
/// unless its login was refused. False when the lease is void.
pub async fn record_api(
    pg: impl PgExecutor<'_>,
    lease: Lease,
    state: &ApiHealth,
    cluster: Option<&Cluster>,
    pauses: Pauses,
) -> Result<bool> {
    let done = sqlx::query!(
        "update node_health h set api = $3, api_checked_at = now(), api_repeats = next.repeats,
             api_since = case when next.repeats > 0 then api_since else now() end,
             api_due = now() + make_interval(secs => least($4 * power(2, next.repeats), $5)),
             ssh_due = case when $6 <> (api ->> 'state' in ('reachable', 'privileges_missing'))
                     and ssh ->> 'state' <> 'login_refused' then now() else ssh_due end,
             cluster_name = case when $7::jsonb is null then cluster_name else $8 end,
             members = coalesce($7, members)
         from (select node_id, case when api ->> 'state' = $3::jsonb ->> 'state' then least(api_repeats + 1, 16)
                   else 0 end as repeats from node_health where node_id = $1) next
         where h.node_id = next.node_id and h.lease = $2",
        lease.node.uuid(),
        lease.token,
        text::json(state),
        pauses.first.as_secs_f64(),
        pauses.longest.as_secs_f64(),
        state.is_usable(),
        cluster.map(|cluster| text::json(&cluster.members)),
        cluster.and_then(|cluster| cluster.name.as_deref()).map(text::storable),
    )
    .execute(pg)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Writes how the SSH server is; none for a node without SSH access, which is not due again until it is edited. False
/// when the lease is void.
pub async fn record_ssh(
    pg: impl PgExecutor<'_>,
    lease: Lease,
    seen: Option<(&SshHealth, Pauses)>,
) -> Result<bool> {
    let Some((state, pauses)) = seen else {
        let done = sqlx::query!(
            "update node_health set ssh = null, ssh_checked_at = null, ssh_since = null, ssh_due = 'infinity'
             where node_id = $1 and lease = $2",
            lease.node.uuid(),
            lease.token,
        )
        .execute(pg)
        .await?;
        return Ok(done.rows_affected() == 1);
    };
    let done = sqlx::query!(
        "update node_health h set ssh = $3, ssh_checked_at = now(), ssh_repeats = next.repeats,
             ssh_since = case when next.repeats > 0 then ssh_since else now() end,
             ssh_due = now() + make_interval(secs => least($4 * power(2, next.repeats), $5))
         from (select node_id, case when ssh ->> 'state' = $3::jsonb ->> 'state' then least(ssh_repeats + 1, 16)
                   else 0 end as repeats from node_health where node_id = $1) next
         where h.node_id = next.node_id and h.lease = $2",
        lease.node.uuid(),
        lease.token,
        text::json(state),
        pauses.first.as_secs_f64(),
        pauses.longest.as_secs_f64(),
    )
    .execute(pg)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Ends the check: the node can be taken again when it is due.
pub async fn release(pg: impl PgExecutor<'_>, lease: Lease) -> Result<()> {
    sqlx::query!(
        "update node_health set lease = null, lease_until = null where node_id = $1 and lease = $2",
        lease.node.uuid(),
        lease.token,
    )
    .execute(pg)
    .await?;
    Ok(())
}
