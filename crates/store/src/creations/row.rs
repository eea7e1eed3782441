//! A creation's row.

use berth_domain::creation::{Creation, CreationSpec, CreationState, Phase, SpecOutline};
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::error::{Error, Result, corrupt, decode};

pub(super) struct Row<S> {
    pub(super) id: Uuid,
    pub(super) user_id: Uuid,
    pub(super) node_id: Uuid,
    pub(super) spec: Json<S>,
    pub(super) state: String,
    pub(super) phase: String,
    pub(super) percent: i16,
    pub(super) attempt: i32,
    pub(super) deliveries: i32,
    pub(super) cancel_requested: bool,
    pub(super) upid: Option<String>,
    pub(super) error: Option<String>,
    pub(super) container_id: Option<Uuid>,
    pub(super) created_at: OffsetDateTime,
    pub(super) started_at: Option<OffsetDateTime>,
    pub(super) finished_at: Option<OffsetDateTime>,
}

/// What its owner sees.
pub(super) type Outlined = Row<SpecOutline>;
/// What a worker needs.
pub(super) type Whole = Row<CreationSpec>;

/// `query_as!` of creations as their owner sees them, with what follows the columns.
macro_rules! select {
    ($($tail:tt)*) => {
        sqlx::query_as!(
            Outlined,
            r#"select id, user_id, node_id, outline as "spec: sqlx::types::Json<berth_domain::creation::SpecOutline>",
                      state, phase, percent, attempt, deliveries, cancel_requested, upid, error, container_id,
                      created_at, started_at, finished_at
               from creations "# + $($tail)*
        )
    };
}
pub(super) use select;

impl<S> TryFrom<Row<S>> for Creation<S> {
    type Error = Error;
    fn try_from(row: Row<S>) -> Result<Self> {
        Ok(Self {
            id: row.id.into(),
            user_id: row.user_id.into(),
            node_id: row.node_id.into(),
            state: CreationState::from_name(&row.state).ok_or_else(corrupt("creations.state"))?,
            phase: Phase::from_name(&row.phase).ok_or_else(corrupt("creations.phase"))?,
            percent: decode(row.percent, "creations.percent")?,
            attempt: decode(row.attempt, "creations.attempt")?,
            spec: row.spec.0,
            upid: row.upid,
            error: row.error,
            cancel_requested: row.cancel_requested,
            container_id: row.container_id.map(Into::into),
            created_at: row.created_at,
            started_at: row.started_at,
            finished_at: row.finished_at,
        })
    }
}
