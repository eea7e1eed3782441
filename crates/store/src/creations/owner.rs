//! What a creation's owner may ask for.

use berth_domain::creation::ProgressEvent;
use berth_domain::{CreationId, UserId};
use sqlx::{PgConnection, PgExecutor, PgPool};
use time::OffsetDateTime;

use super::MOST_LIVE;
use crate::error::{Error, Result};
use crate::progress;
use crate::redis::Redis;

/// What became of a request to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// Nobody had begun: it is over.
    AtOnce,
    /// A worker has, or had, it, and will stop.
    Requested,
}

/// Stops a live creation. None when the user has no such live creation.
pub async fn request_cancel(
    pg: &PgPool,
    redis: &Redis,
    user: UserId,
    id: CreationId,
    now: OffsetDateTime,
) -> Result<Option<Cancelled>> {
    let mut tx = pg.begin().await?;
    let state = sqlx::query_scalar!(
        "update creations set cancel_requested = true,
             state = case when state = 'queued' then 'cancelled' else state end,
             finished_at = case when state = 'queued' then now() end
         where id = $1 and user_id = $2 and state in ('queued', 'running') returning state",
        id.uuid(),
        user.uuid(),
    )
    .fetch_optional(&mut *tx)
    .await?;
    let events = match state.as_deref() {
        Some("cancelled") => {
            progress::append_in(&mut tx, id, None, &[ProgressEvent::Cancelled], None, now).await?
        }
        Some(_) => Vec::new(),
        None => return Ok(None),
    };
    tx.commit().await?;
    progress::announce(redis, id, &events).await;
    Ok(Some(if events.is_empty() { Cancelled::Requested } else { Cancelled::AtOnce }))
}

/// Refuses one more live creation, which the caller has just made in its transaction, than somebody may have.
///
/// One by one: each must see what the one before it has left. The lock on the user comes after the one on the node, as it does where a node
/// is deleted.
pub(super) async fn check_live(conn: &mut PgConnection, user: UserId) -> Result<()> {
    sqlx::query_scalar!("select id from users where id = $1 for no key update", user.uuid())
        .fetch_one(&mut *conn)
        .await?;
    let live = sqlx::query_scalar!(
        r#"select count(*) as "count!" from creations where user_id = $1 and state in ('queued', 'running')"#,
        user.uuid(),
    );
    if live.fetch_one(conn).await? > MOST_LIVE { Err(Error::TooManyLive { most: MOST_LIVE }) } else { Ok(()) }
}

/// Queues a failed or cancelled creation again; it goes on in the phase where it ended. Steps that are done
/// stay so. False when the user has no such creation. Conflict: [`super::LIVE_VMID`]; [`Error::TooManyLive`].
pub async fn retry(
    pg: &PgPool,
    redis: &Redis,
    user: UserId,
    id: CreationId,
    now: OffsetDateTime,
) -> Result<bool> {
    let mut tx = pg.begin().await?;
    let done = sqlx::query!(
        "update creations set state = 'queued', attempt = attempt + 1, deliveries = 0, error = null,
             cancel_requested = false, finished_at = null, enqueued_at = null
         where id = $1 and user_id = $2 and state in ('failed', 'cancelled')",
        id.uuid(),
        user.uuid(),
    )
    .execute(&mut *tx)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    check_live(&mut tx, user).await?;
    // The new attempt logs to a directory of its own inside the container: from the first byte.
    sqlx::query!(
        "update creation_steps set state = 'waiting', exit_code = null, log_offset = 0, started_at = null,
             finished_at = null
         where creation_id = $1 and state <> 'done'",
        id.uuid(),
    )
    .execute(&mut *tx)
    .await?;
    let events = progress::append_in(&mut tx, id, None, &[ProgressEvent::Queued], None, now).await?;
    tx.commit().await?;
    progress::announce(redis, id, &events).await;
    Ok(true)
}

/// Forgets a creation that is over, its events included. False when the user has no such creation, or it is
/// live.
pub async fn delete(pg: impl PgExecutor<'_>, user: UserId, id: CreationId) -> Result<bool> {
    let done = sqlx::query!(
        "delete from creations where id = $1 and user_id = $2 and state not in ('queued', 'running')",
        id.uuid(),
        user.uuid(),
    )
    .execute(pg)
    .await?;
    Ok(done.rows_affected() == 1)
}
