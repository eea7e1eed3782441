//! The log of the Proxmox task that a creation waits for.

use berth_domain::CreationId;
use berth_domain::creation::{ProgressEvent, StoredEvent};
use sqlx::{PgExecutor, PgPool};
use time::OffsetDateTime;

use super::{announce, append_in};
use crate::error::{Error, Result, decode};
use crate::redis::Redis;

/// How many lines of the task's log are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskLines {
    /// Before these events.
    pub from: u64,
    /// With them.
    pub to: u64,
}

/// How many lines of the noted task's log are stored. [`Error::LeaseLost`] when the creation is gone.
pub async fn task_lines(pg: impl PgExecutor<'_>, id: CreationId) -> Result<u64> {
    let lines = sqlx::query_scalar!("select task_lines from creations where id = $1", id.uuid())
        .fetch_optional(pg)
        .await?;
    decode(lines.ok_or(Error::LeaseLost)?, "creations.task_lines")
}

/// Stores lines of the noted task's log and how many they are, both or neither. [`Error::LinesMoved`] says
/// that they are stored already.
pub async fn append_task_lines(
    pg: &PgPool,
    redis: &Redis,
    id: CreationId,
    owner: &str,
    events: &[ProgressEvent],
    lines: TaskLines,
    now: OffsetDateTime,
) -> Result<Vec<StoredEvent>> {
    let column = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let mut tx = pg.begin().await?;
    let stored = append_in(&mut tx, id, Some(owner), events, None, now).await?;
    let done = sqlx::query!(
        "update creations set task_lines = $3 where id = $1 and task_lines = $2",
        id.uuid(),
        column(lines.from),
        column(lines.to),
    )
    .execute(&mut *tx)
    .await?;
    if done.rows_affected() == 0 {
        return Err(Error::LinesMoved { expected: lines.from });
    }
    tx.commit().await?;
    announce(redis, id, &stored).await;
    Ok(stored)
}
