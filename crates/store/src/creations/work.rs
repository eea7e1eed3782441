//! What a worker writes while it holds a creation.

use berth_domain::CreationId;
use berth_domain::container_event::EventKind;
use berth_domain::creation::{Phase, ProgressEvent, StoredEvent};
use sqlx::{PgExecutor, PgPool};
use time::OffsetDateTime;

use super::lease::held;
use crate::error::{Error, Result};
use crate::redis::Redis;
use crate::{container_events, progress, text};

/// How a creation ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The container is ready.
    Ready,
    /// A phase failed.
    Failed {
        /// What went wrong and what to do.
        message: String,
    },
    /// Its owner stopped it.
    Cancelled,
}

impl Outcome {
    const fn state(&self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Failed { .. } => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    fn event(&self) -> ProgressEvent {
        match self {
            Self::Ready => ProgressEvent::Complete,
            Self::Failed { message } => ProgressEvent::Error { message: message.clone() },
            Self::Cancelled => ProgressEvent::Cancelled,
        }
    }
}

/// Enters a phase or goes on in it. The caller appends the event.
pub async fn set_phase(
    pg: impl PgExecutor<'_>,
    id: CreationId,
    owner: &str,
    phase: Phase,
    percent: u8,
) -> Result<()> {
    let done = sqlx::query!(
        "update creations set phase = $3, percent = $4 where id = $1 and lease_owner = $2",
        id.uuid(),
        owner,
        phase.name(),
        i16::from(percent),
    )
    .execute(pg)
    .await?;
    held(&done)
}

/// Notes the Proxmox task that is waited for, or that none is.
pub async fn set_upid(
    pg: impl PgExecutor<'_>,
    id: CreationId,
    owner: &str,
    upid: Option<&str>,
) -> Result<()> {
    let done = sqlx::query!(
        "update creations set upid = $3,
             task_lines = case when upid is distinct from $3 then 0 else task_lines end
         where id = $1 and lease_owner = $2",
        id.uuid(),
        owner,
        upid,
    )
    .execute(pg)
    .await?;
    held(&done)
}

/// Ends a creation, drops the lease and reports the last event, all or nothing.
pub async fn finish(
    pg: &PgPool,
    redis: &Redis,
    id: CreationId,
    owner: &str,
    outcome: &Outcome,
    now: OffsetDateTime,
) -> Result<Vec<StoredEvent>> {
    let mut tx = pg.begin().await?;
    let events = progress::append_in(&mut tx, id, Some(owner), &[outcome.event()], None, now).await?;
    let error = match outcome {
        Outcome::Failed { message } => Some(text::storable(message)),
        Outcome::Ready | Outcome::Cancelled => None,
    };
    sqlx::query!(
        "update creations set state = $2, error = $3, finished_at = now(), lease_owner = null,
             lease_until = null, upid = null, percent = case when $2 = 'ready' then 100 else percent end
         where id = $1",
        id.uuid(),
        outcome.state(),
        error,
    )
    .execute(&mut *tx)
    .await?;
    match outcome {
        Outcome::Ready => {
            container_events::append_of_creation(&mut *tx, id, (EventKind::Created, ""), now).await?;
        }
        Outcome::Failed { message } => {
            container_events::append_of_creation(&mut *tx, id, (EventKind::CreationFailed, message), now)
                .await?;
        }
        Outcome::Cancelled => {}
    }
    // A step that was running when the creation ended was cut off.
    sqlx::query!(
        "update creation_steps set state = 'failed', finished_at = now()
         where creation_id = $1 and state = 'running'",
        id.uuid(),
    )
    .execute(&mut *tx)
    .await?;
    tx.commit().await.map_err(Error::from)?;
    progress::announce(redis, id, &events).await;
    Ok(events)
}
