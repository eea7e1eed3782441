//! Word of changes, from every process to every process: PostgreSQL's notifications.
//!
//! Triggers announce what changes in `nodes`, `containers` and `creations`, so no writer can forget to; [`announce_guests`] announces what Redis
//! keeps. Whoever hears of nothing for a while reads again.

use std::time::Duration;

use berth_domain::UserId;
use sqlx::postgres::PgListener;
use sqlx::{PgExecutor, PgPool};
use uuid::Uuid;

use crate::error::Result;

/// The channel; the triggers in the migrations name it too.
const CHANNEL: &str = "berth_changes";
/// How soon a lost connection is tried again.
const AGAIN: Duration = Duration::from_secs(1);

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nodes, containers or creations of somebody.
    Rows(UserId),
    /// What a node of somebody said of its containers.
    Guests(UserId),
    /// Something may have changed unheard: the connection was lost.
    Unheard,
}

/// Hears of changes.
#[derive(Debug)]
pub struct Changes {
    pg: PgPool,
    listener: Option<PgListener>,
}

impl Changes {
    /// Listens from now on, with a connection of its own that comes back by itself.
    pub async fn listen(pg: &PgPool) -> Result<Self> {
        Ok(Self { pg: pg.clone(), listener: Some(connect(pg).await?) })
    }

    /// The next change. While PostgreSQL is away it waits.
    pub async fn next(&mut self) -> Change {
        loop {
            let Some(listener) = &mut self.listener else {
                match connect(&self.pg).await {
                    Ok(listener) => {
                        self.listener = Some(listener);
                        return Change::Unheard;
                    }
                    Err(error) => {
                        tracing::warn!(%error, "cannot listen for changes, trying again");
                        tokio::time::sleep(AGAIN).await;
                    }
                }
                continue;
            };
            match listener.try_recv().await {
                Ok(Some(notice)) => {
                    if let Some(change) = read(notice.payload()) {
                        return change;
                    }
                }
                Ok(None) => return Change::Unheard,
                Err(error) => {
                    tracing::warn!(%error, "the connection that listens for changes broke");
                    self.listener = None;
                }
            }
        }
    }
}

async fn connect(pg: &PgPool) -> Result<PgListener> {
    let mut listener = PgListener::connect_with(pg).await?;
    listener.listen(CHANNEL).await?;
    Ok(listener)
}

fn read(payload: &str) -> Option<Change> {
    let (kind, user) = payload.split_once(' ')?;
    let user = user.parse::<Uuid>().ok()?.into();
    match kind {
        "rows" => Some(Change::Rows(user)),
        "guests" => Some(Change::Guests(user)),
        _ => None,
    }
}

/// Announces that a node of the user has said something.
pub async fn announce_guests(pg: impl PgExecutor<'_>, user: UserId) -> Result<()> {
    sqlx::query!("select pg_notify($1, $2) as done", CHANNEL, format!("guests {user}")).fetch_one(pg).await?;
    Ok(())
}
