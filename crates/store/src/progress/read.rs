//! Reading stored events.

use std::collections::HashMap;

use berth_domain::CreationId;
use berth_domain::creation::{ProgressEvent, StoredEvent};
use fred::interfaces::StreamsInterface as _;
use sqlx::PgPool;
use sqlx::types::Json;

use super::{FIELD, REDIS};
use crate::error::{Error, Result};
use crate::redis::Redis;

/// Up to `limit` events after number `after`, in order and without gaps: from Redis when it has the next one,
/// else from PostgreSQL. Empty only when PostgreSQL has no more. Whether the creation is the reader's is for
/// the caller to know.
pub async fn events_after(
    pg: &PgPool,
    redis: &Redis,
    id: CreationId,
    after: i64,
    limit: u32,
) -> Result<Vec<StoredEvent>> {
    let streamed = tokio::time::timeout(REDIS, from_stream(redis, id, after, limit)).await;
    match streamed.unwrap_or_else(|_| Err(Error::redis_is_slow())) {
        Ok(events) if !events.is_empty() => return Ok(events),
        Ok(_) => {}
        Err(error) => {
            tracing::debug!(creation = %id, %error, "reading progress from PostgreSQL instead of Redis");
        }
    }
    from_postgres(pg, id, after, limit).await
}

/// The events that follow `after` in the stream without a gap; none when the next one is not there.
async fn from_stream(redis: &Redis, id: CreationId, after: i64, limit: u32) -> Result<Vec<StoredEvent>> {
    let start = format!("{}-0", after.saturating_add(1).max(1));
    let entries: Vec<(String, HashMap<String, String>)> =
        redis.pool().xrange_values(redis.key("progress", id), start, "+", Some(u64::from(limit))).await?;
    let mut events = Vec::with_capacity(entries.len());
    for ((_, fields), expected) in entries.into_iter().zip(after.saturating_add(1)..) {
        let text = fields.get(FIELD).map(String::as_str).unwrap_or_default();
        let event: StoredEvent = serde_json::from_str(text)
            .map_err(|error| Error::Corrupt(format!("an event in Redis: {error}")))?;
        if event.seq != expected {
            break;
        }
        events.push(event);
    }
    Ok(events)
}

async fn from_postgres(pg: &PgPool, id: CreationId, after: i64, limit: u32) -> Result<Vec<StoredEvent>> {
    let rows = sqlx::query!(
        r#"select seq, at, event as "event: Json<ProgressEvent>" from creation_events
           where creation_id = $1 and seq > $2 order by seq limit $3"#,
        id.uuid(),
        after,
        i64::from(limit),
    )
    .fetch_all(pg)
    .await?;
    Ok(rows.into_iter().map(|row| StoredEvent { seq: row.seq, at: row.at, event: row.event.0 }).collect())
}

/// Whether the creation is still there.
pub(super) async fn exists(pg: &PgPool, id: CreationId) -> Result<bool> {
    let found = sqlx::query_scalar!("select id from creations where id = $1", id.uuid());
    Ok(found.fetch_optional(pg).await?.is_some())
}

/// One event by its number.
pub(super) async fn event(pg: &PgPool, id: CreationId, seq: i64) -> Result<Option<StoredEvent>> {
    Ok(from_postgres(pg, id, seq.saturating_sub(1), 1).await?.into_iter().find(|event| event.seq == seq))
}

/// The number of a creation's last event; 0 when it has none or is gone.
pub async fn last_seq(pg: &PgPool, id: CreationId) -> Result<i64> {
    let last = sqlx::query_scalar!("select last_seq from creations where id = $1", id.uuid())
        .fetch_optional(pg)
        .await?;
    Ok(last.unwrap_or(0))
}
