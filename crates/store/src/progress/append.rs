//! Storing events.

use berth_domain::CreationId;
use berth_domain::creation::{ProgressEvent, StoredEvent};
use fred::clients::Pipeline;
use fred::interfaces::{KeysInterface as _, PubsubInterface as _, StreamsInterface as _};
use fred::types::Value;
use sqlx::{Connection as _, PgConnection, PgPool};
use time::OffsetDateTime;

use super::{FIELD, Notice, REDIS};
use crate::creations::position_column;
use crate::error::{Error, Result};
use crate::redis::Redis;
use crate::text;

/// How many events a stream keeps, roughly.
const KEEP: i64 = 10_000;
/// How long a stream outlives its last event, in seconds.
const EXPIRE: i64 = 24 * 3600;
/// How many events are sent to Redis at once.
const BATCH: usize = 500;
/// Up to how many bytes a notice carries its events itself.
const NOTICE: usize = 64 * 1024;

/// How far a step's log inside the container is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogOffset {
    /// The step's position.
    pub step: u32,
    /// Bytes stored before these events.
    pub from: u64,
    /// Bytes stored with them.
    pub to: u64,
}

/// Stores events of a creation under the numbers that follow its last one, and announces them.
///
/// A worker names itself as `owner` and gets [`Error::LeaseLost`] when it holds the creation no more; the
/// same answer means that the creation is gone. With `offset`, lines and offset are stored together or not at
/// all, and [`Error::OffsetMoved`] says that those bytes are stored already: so a write whose answer was lost
/// can be repeated.
pub async fn append(
    pg: &PgPool,
    redis: &Redis,
    id: CreationId,
    owner: Option<&str>,
    events: &[ProgressEvent],
    offset: Option<LogOffset>,
    now: OffsetDateTime,
) -> Result<Vec<StoredEvent>> {
    let mut conn = pg.acquire().await?;
    let stored = append_in(&mut conn, id, owner, events, offset, now).await?;
    drop(conn);
    announce(redis, id, &stored).await;
    Ok(stored)
}

/// [`append`] within the caller's transaction. Nobody hears of the events before they read again, a few
/// seconds later.
pub async fn append_in(
    conn: &mut PgConnection,
    id: CreationId,
    owner: Option<&str>,
    events: &[ProgressEvent],
    offset: Option<LogOffset>,
    now: OffsetDateTime,
) -> Result<Vec<StoredEvent>> {
    let count = i64::try_from(events.len()).expect("a slice is shorter than 2^63");
    let mut tx = conn.begin().await?;
    // Locks the creation's row: numbers are given out one transaction after the other, without gaps.
    let last = sqlx::query_scalar!(
        "update creations set last_seq = last_seq + $2
         where id = $1 and ($3::text is null or lease_owner = $3) returning last_seq",
        id.uuid(),
        count,
        owner,
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(Error::LeaseLost)?;
    let stored: Vec<_> = (last - count + 1..)
        .zip(events)
        .map(|(seq, event)| StoredEvent { seq, at: stored_precision(now), event: storable(event) })
        .collect();
    insert(&mut tx, id, &stored).await?;
    if let Some(offset) = offset {
        move_offset(&mut tx, id, offset).await?;
    }
    tx.commit().await?;
    Ok(stored)
}

/// PostgreSQL keeps microseconds; what is announced must equal what is read later.
fn stored_precision(at: OffsetDateTime) -> OffsetDateTime {
    at.replace_nanosecond(at.microsecond() * 1000).expect("microseconds of a second are within a second")
}

/// The event with texts that PostgreSQL takes.
fn storable(event: &ProgressEvent) -> ProgressEvent {
    let mut event = event.clone();
    match &mut event {
        ProgressEvent::Line { text: foreign, .. }
        | ProgressEvent::Step { name: foreign, .. }
        | ProgressEvent::Error { message: foreign } => *foreign = text::storable(foreign),
        ProgressEvent::Queued
        | ProgressEvent::Phase { .. }
        | ProgressEvent::Complete
        | ProgressEvent::Cancelled => {}
    }
    event
}

async fn insert(conn: &mut PgConnection, id: CreationId, stored: &[StoredEvent]) -> Result<()> {
    let (Some(first), false) = (stored.first(), stored.is_empty()) else { return Ok(()) };
    let seqs: Vec<i64> = stored.iter().map(|stored| stored.seq).collect();
    let events: Vec<serde_json::Value> = stored.iter().map(|stored| text::json(&stored.event)).collect();
    sqlx::query!(
        "insert into creation_events (creation_id, seq, at, event)
         select $1, seq, $4, event from unnest($2::bigint[], $3::jsonb[]) as stored (seq, event)",
        id.uuid(),
        &seqs,
        &events,
        first.at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn move_offset(conn: &mut PgConnection, id: CreationId, offset: LogOffset) -> Result<()> {
    let column = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
    let done = sqlx::query!(
        "update creation_steps set log_offset = $4
         where creation_id = $1 and position = $2 and log_offset = $3",
        id.uuid(),
        position_column(offset.step),
        column(offset.from),
        column(offset.to),
    )
    .execute(conn)
    .await?;
    if done.rows_affected() == 1 {
        Ok(())
    } else {
        Err(Error::OffsetMoved { step: offset.step, expected: offset.from })
    }
}

/// Tells whoever watches, once the events are committed. What goes wrong here is logged and forgotten:
/// watchers read PostgreSQL when they miss a number.
pub(crate) async fn announce(redis: &Redis, id: CreationId, stored: &[StoredEvent]) {
    for batch in stored.chunks(BATCH) {
        let sent = tokio::time::timeout(REDIS, send(redis, id, batch)).await;
        if let Err(error) = sent.unwrap_or_else(|_| Err(Error::redis_is_slow())) {
            tracing::warn!(creation = %id, %error, "progress was stored but not announced");
            return;
        }
    }
}

async fn send(redis: &Redis, id: CreationId, stored: &[StoredEvent]) -> Result<()> {
    let key = redis.key("progress", id);
    let pipeline: Pipeline<_> = redis.pool().next().pipeline();
    for event in stored {
        let fields = vec![(FIELD, text_of(event))];
        let id = format!("{}-0", event.seq);
        let () = pipeline.xadd(&key, false, ("MAXLEN", "~", KEEP), id, fields).await?;
    }
    let () = pipeline.expire(&key, EXPIRE, None).await?;
    let () = pipeline.publish(redis.progress_channel(), notice(id, stored)).await?;
    for result in pipeline.try_all::<Value>().await {
        // An id that is there already, or one below it, because two writers met: the reader sees the gap.
        result
            .or_else(|error| if error.details().contains("XADD") { Ok(Value::Null) } else { Err(error) })?;
    }
    Ok(())
}

fn text_of(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("events have no maps with keys other than text")
}

fn notice(id: CreationId, stored: &[StoredEvent]) -> String {
    let last_seq = stored.last().map_or(0, |event| event.seq);
    let whole = text_of(&Notice { creation: id, last_seq, events: stored.to_vec() });
    if whole.len() <= NOTICE {
        return whole;
    }
    text_of(&Notice { creation: id, last_seq, events: Vec::new() })
}
