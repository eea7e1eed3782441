//! Who works on a creation.

use std::time::Duration;

use berth_domain::CreationId;
use berth_domain::creation::{Creation, CreationSpec};
use sqlx::PgExecutor;

use super::row::Whole;
use crate::error::{Error, Result, decode};

/// A creation that the caller holds from now on.
#[derive(Clone, Debug, PartialEq)]
pub struct Claimed {
    /// The creation as it stands: perhaps half done by a worker that died.
    pub creation: Creation<CreationSpec>,
    /// How often a worker has taken it, this time included, since it was submitted or last retried.
    pub deliveries: u32,
}

/// What a renewal tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Renewed {
    /// The owner has asked to stop it.
    pub cancel_requested: bool,
}

fn seconds(lease: Duration) -> f64 {
    lease.as_secs_f64()
}

/// Takes a queued or running creation that nobody holds. `owner` must be unique per worker process. None when
/// it is held (by this owner too: a second delivery), over or gone.
pub async fn claim(
    pg: impl PgExecutor<'_>,
    id: CreationId,
    owner: &str,
    lease: Duration,
) -> Result<Option<Claimed>> {
    let row = sqlx::query_as!(
        Whole,
        r#"update creations set state = 'running', started_at = coalesce(started_at, now()), lease_owner = $2,
               lease_until = now() + make_interval(secs => $3), deliveries = deliveries + 1
           where id = $1 and state in ('queued', 'running') and (lease_until is null or lease_until <= now())
           returning id, user_id, node_id,
               spec as "spec: sqlx::types::Json<berth_domain::creation::CreationSpec>", state, phase, percent,
               attempt, deliveries, cancel_requested, upid, error, container_id, created_at, started_at,
               finished_at"#,
        id.uuid(),
        owner,
        seconds(lease),
    )
    .fetch_optional(pg)
    .await?;
    row.map(|row| {
        let deliveries = decode(row.deliveries, "creations.deliveries")?;
        Ok(Claimed { creation: row.try_into()?, deliveries })
    })
    .transpose()
}

/// Extends the lease, even one that ran out while nobody else took it.
pub async fn renew(pg: impl PgExecutor<'_>, id: CreationId, owner: &str, lease: Duration) -> Result<Renewed> {
    let cancel_requested = sqlx::query_scalar!(
        "update creations set lease_until = now() + make_interval(secs => $3)
         where id = $1 and lease_owner = $2 returning cancel_requested",
        id.uuid(),
        owner,
        seconds(lease),
    )
    .fetch_optional(pg)
    .await?
    .ok_or(Error::LeaseLost)?;
    Ok(Renewed { cancel_requested })
}

/// Hands the lease back; the next sweep queues the creation again without waiting.
pub async fn release(pg: impl PgExecutor<'_>, id: CreationId, owner: &str) -> Result<()> {
    let done = sqlx::query!(
        "update creations set lease_owner = null, lease_until = null, enqueued_at = null
         where id = $1 and lease_owner = $2",
        id.uuid(),
        owner,
    )
    .execute(pg)
    .await?;
    held(&done)
}

/// Whether a fenced write found its row.
pub(super) fn held(done: &sqlx::postgres::PgQueryResult) -> Result<()> {
    if done.rows_affected() == 1 { Ok(()) } else { Err(Error::LeaseLost) }
}
