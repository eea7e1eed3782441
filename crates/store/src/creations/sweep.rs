//! Creations that the queue may have forgotten.

use std::time::Duration;

use berth_domain::CreationId;
use sqlx::PgExecutor;

use crate::error::Result;

/// Live creations that nobody holds and that were not queued within `older_than`; they count as queued from
/// now on, so that of two sweeps at once only one gets each. The caller puts them in the queue.
pub async fn stranded(pg: impl PgExecutor<'_>, older_than: Duration) -> Result<Vec<CreationId>> {
    let ids = sqlx::query_scalar!(
        "update creations set enqueued_at = now()
         where state in ('queued', 'running') and (lease_until is null or lease_until <= now())
             and (enqueued_at is null or enqueued_at <= now() - make_interval(secs => $1))
         returning id",
        older_than.as_secs_f64(),
    )
    .fetch_all(pg)
    .await?;
    Ok(ids.into_iter().map(Into::into).collect())
}

/// Notes that a creation was just put in the queue.
pub async fn mark_enqueued(pg: impl PgExecutor<'_>, id: CreationId) -> Result<()> {
    sqlx::query!("update creations set enqueued_at = now() where id = $1", id.uuid()).execute(pg).await?;
    Ok(())
}
