//! What a worker stores of an action, under its lease.

use std::time::Duration;

use berth_domain::action::{ActionKind, Remedy};
use berth_domain::container_event::EventKind;
use berth_domain::{ActionId, ContainerId, UserId};
use sqlx::{PgExecutor, PgPool};
use time::OffsetDateTime;

use super::Wanted;
use crate::error::{Error, Result, corrupt, decode};
use crate::{container_events, text};

/// An action that the caller holds from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// The action.
    pub id: ActionId,
    /// The container it is about.
    pub container_id: ContainerId,
    /// Who asked for it.
    pub user: UserId,
    /// What is asked.
    pub wanted: Wanted,
    /// The newest task of this kind before the request was sent; empty when there was none.
    pub known_upid: Option<String>,
    /// When the request was about to be sent: it may have been.
    pub sent_at: Option<OffsetDateTime>,
    /// How often it was.
    pub sendings: u32,
    /// The task that does it.
    pub upid: Option<String>,
    /// How often a worker has taken it, this time included.
    pub deliveries: u32,
}

/// How an action ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End<'a> {
    /// It came about.
    Done {
        /// What the history calls it.
        kind: EventKind,
        /// What more the history tells.
        text: &'a str,
        /// Whether the container is gone from Proxmox.
        gone: bool,
    },
    /// It did not.
    Failed {
        /// Why, with the remedy.
        error: &'a str,
        /// What the page offers.
        remedy: Option<Remedy>,
        /// What the history tells.
        text: &'a str,
    },
}

/// Takes an action that is under way and that nobody holds, as [`crate::creations::claim`] does; none either while so many others of the same
/// person are held: nobody shall keep all workers to themselves.
pub async fn claim(
    pg: impl PgExecutor<'_>,
    id: ActionId,
    owner: &str,
    lease: Duration,
    share: u32,
) -> Result<Option<Claimed>> {
    let row = sqlx::query!(
        "update container_actions a set state = 'running', started_at = coalesce(started_at, now()), lease_owner = $2,
             lease_until = now() + make_interval(secs => $3), deliveries = deliveries + 1
         where id = $1 and state in ('queued', 'running') and (lease_until is null or lease_until <= now())
             and (select count(*) from container_actions other
                  where other.user_id = a.user_id and other.state = 'running' and other.lease_until > now()) < $4
         returning id, container_id, user_id, kind, purge, stop_first, known_upid, sent_at, sendings, upid, deliveries",
        id.uuid(),
        owner,
        lease.as_secs_f64(),
        i64::from(share),
    );
    let Some(row) = row.fetch_optional(pg).await? else { return Ok(None) };
    Ok(Some(Claimed {
        id: row.id.into(),
        container_id: row.container_id.into(),
        user: row.user_id.into(),
        wanted: Wanted {
            kind: ActionKind::from_name(&row.kind).ok_or_else(corrupt("container_actions.kind"))?,
            purge: row.purge,
            stop_first: row.stop_first,
        },
        known_upid: row.known_upid,
        sent_at: row.sent_at,
        sendings: decode(row.sendings, "container_actions.sendings")?,
        upid: row.upid,
        deliveries: decode(row.deliveries, "container_actions.deliveries")?,
    }))
}

/// What a person has waited for longest of what nobody has begun.
pub async fn waiting(pg: impl PgExecutor<'_>, user: UserId) -> Result<Option<ActionId>> {
    let waiting = sqlx::query_scalar!(
        "select id from container_actions where user_id = $1 and state = 'queued' order by created_at limit 1",
        user.uuid(),
    );
    Ok(waiting.fetch_optional(pg).await?.map(Into::into))
}

/// Extends the lease, even one that ran out while nobody else took it.
pub async fn renew(pg: impl PgExecutor<'_>, id: ActionId, owner: &str, lease: Duration) -> Result<()> {
    let done = sqlx::query!(
        "update container_actions set lease_until = now() + make_interval(secs => $3)
         where id = $1 and lease_owner = $2",
        id.uuid(),
        owner,
        lease.as_secs_f64(),
    );
    held(&done.execute(pg).await?)
}

/// Hands the lease back; the next sweep queues the action again without waiting.
pub async fn release(pg: impl PgExecutor<'_>, id: ActionId, owner: &str) -> Result<()> {
    let done = sqlx::query!(
        "update container_actions set lease_owner = null, lease_until = null, enqueued_at = null
         where id = $1 and lease_owner = $2",
        id.uuid(),
        owner,
    );
    held(&done.execute(pg).await?)
}

/// Notes that the request is about to be sent, and the newest task of its kind that there is before it.
pub async fn note_sending(
    pg: impl PgExecutor<'_>,
    id: ActionId,
    owner: &str,
    known_upid: Option<&str>,
    now: OffsetDateTime,
) -> Result<()> {
    let done = sqlx::query!(
        "update container_actions set known_upid = $3, sent_at = $4, sendings = sendings + 1
         where id = $1 and lease_owner = $2",
        id.uuid(),
        owner,
        known_upid.map_or_else(String::new, text::storable),
        now,
    );
    held(&done.execute(pg).await?)
}

/// Notes that the request was refused, or never left: nothing that it asked for has begun.
pub async fn unsent(pg: impl PgExecutor<'_>, id: ActionId, owner: &str) -> Result<()> {
    let done = sqlx::query!(
        "update container_actions set known_upid = null, sent_at = null where id = $1 and lease_owner = $2",
        id.uuid(),
        owner,
    );
    held(&done.execute(pg).await?)
}

/// Notes the task that does it.
pub async fn set_upid(pg: impl PgExecutor<'_>, id: ActionId, owner: &str, upid: &str) -> Result<()> {
    let done = sqlx::query!(
        "update container_actions set upid = $3 where id = $1 and lease_owner = $2",
        id.uuid(),
        owner,
        upid,
    );
    held(&done.execute(pg).await?)
}

/// Ends an action, drops the lease and writes the event, all or nothing.
pub async fn finish(
    pg: &PgPool,
    action: &Claimed,
    owner: &str,
    end: End<'_>,
    now: OffsetDateTime,
) -> Result<()> {
    let mut tx = pg.begin().await?;
    let (state, error, remedy, event, gone) = match end {
        End::Done { kind, text, gone } => ("done", None, None, (kind, text), gone),
        End::Failed { error, remedy, text } => (
            "failed",
            Some(container_events::shortened(error)),
            remedy.map(Remedy::name),
            (EventKind::Failed, text),
            false,
        ),
    };
    let done = sqlx::query!(
        "update container_actions set state = $3, error = $4, remedy = $5, finished_at = $6, lease_owner = null,
             lease_until = null
         where id = $1 and lease_owner = $2",
        action.id.uuid(),
        owner,
        state,
        error,
        remedy,
        now,
    );
    held(&done.execute(&mut *tx).await?)?;
    container_events::append(&mut *tx, action.user, action.container_id, event, now).await?;
    if gone {
        sqlx::query!(
            "update containers set gone_at = $2 where id = $1 and gone_at is null",
            action.container_id.uuid(),
            now
        )
        .execute(&mut *tx)
        .await?;
    }
    tx.commit().await.map_err(Error::from)
}

/// Actions under way that nobody holds and that were not queued within `older_than`; they count as queued from now on.
pub async fn stranded(pg: impl PgExecutor<'_>, older_than: Duration) -> Result<Vec<ActionId>> {
    let ids = sqlx::query_scalar!(
        "update container_actions set enqueued_at = now()
         where state in ('queued', 'running') and (lease_until is null or lease_until <= now())
             and (enqueued_at is null or enqueued_at <= now() - make_interval(secs => $1))
         returning id",
        older_than.as_secs_f64(),
    );
    Ok(ids.fetch_all(pg).await?.into_iter().map(Into::into).collect())
}

/// Notes that an action was just put in the queue.
pub async fn mark_enqueued(pg: impl PgExecutor<'_>, id: ActionId) -> Result<()> {
    sqlx::query!("update container_actions set enqueued_at = now() where id = $1", id.uuid())
        .execute(pg)
        .await?;
    Ok(())
}

/// Whether a fenced write found its row.
fn held(done: &sqlx::postgres::PgQueryResult) -> Result<()> {
    if done.rows_affected() == 1 { Ok(()) } else { Err(Error::LeaseLost) }
}
