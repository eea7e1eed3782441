//! The parts of a creation's syncing phase.

use berth_domain::creation::{Step, StepKind, StepState};
use berth_domain::{CreationId, UserId};
use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;

use super::NewStep;
use super::lease::held;
use crate::error::{Error, Result, corrupt, decode};

/// A step as its worker needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepRecord {
    /// The step.
    pub step: Step,
    /// How many bytes of its log inside the container are stored.
    pub log_offset: u64,
}

struct Row {
    position: i32,
    kind: String,
    name: String,
    state: String,
    exit_code: Option<i32>,
    log_offset: i64,
    started_at: Option<OffsetDateTime>,
    finished_at: Option<OffsetDateTime>,
}

const fn kind_name(kind: StepKind) -> &'static str {
    match kind {
        StepKind::Packages => "packages",
        StepKind::Script => "script",
    }
}

fn state(name: &str) -> Result<StepState> {
    match name {
        "waiting" => Ok(StepState::Waiting),
        "running" => Ok(StepState::Running),
        "done" => Ok(StepState::Done),
        "failed" => Ok(StepState::Failed),
        _ => Err(corrupt("creation_steps.state")()),
    }
}

impl TryFrom<Row> for StepRecord {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        let kind =
            [StepKind::Packages, StepKind::Script].into_iter().find(|kind| kind_name(*kind) == row.kind);
        let step = Step {
            position: decode(row.position, "creation_steps.position")?,
            kind: kind.ok_or_else(corrupt("creation_steps.kind"))?,
            name: row.name,
            state: state(&row.state)?,
            exit_code: row.exit_code,
            started_at: row.started_at,
            finished_at: row.finished_at,
        };
        Ok(Self { step, log_offset: decode(row.log_offset, "creation_steps.log_offset")? })
    }
}

/// A position as the column takes it.
pub(crate) fn position_column(position: u32) -> i32 {
    i32::try_from(position).unwrap_or(i32::MAX)
}

pub(super) async fn insert(conn: &mut PgConnection, id: CreationId, steps: &[NewStep]) -> Result<()> {
    let kinds: Vec<_> = steps.iter().map(|step| kind_name(step.kind).to_owned()).collect();
    let names: Vec<_> = steps.iter().map(|step| step.name.clone()).collect();
    sqlx::query!(
        "insert into creation_steps (creation_id, position, kind, name, state)
         select $1, ordinality::integer - 1, kind, name, 'waiting'
         from unnest($2::text[], $3::text[]) with ordinality as step (kind, name)",
        id.uuid(),
        &kinds,
        &names,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The steps of one of the user's creations in order; empty when the user has no such creation.
pub async fn steps(pg: impl PgExecutor<'_>, user: UserId, id: CreationId) -> Result<Vec<Step>> {
    sqlx::query_as!(
        Row,
        "select s.position, s.kind, s.name, s.state, s.exit_code, s.log_offset, s.started_at, s.finished_at
         from creation_steps s join creations c on c.id = s.creation_id
         where c.id = $1 and c.user_id = $2 order by s.position",
        id.uuid(),
        user.uuid(),
    )
    .fetch_all(pg)
    .await?
    .into_iter()
    .map(|row| Ok(StepRecord::try_from(row)?.step))
    .collect()
}

/// The steps of a creation in order, with how far their logs are stored, for its worker.
pub async fn step_records(pg: impl PgExecutor<'_>, id: CreationId) -> Result<Vec<StepRecord>> {
    sqlx::query_as!(
        Row,
        "select position, kind, name, state, exit_code, log_offset, started_at, finished_at
         from creation_steps where creation_id = $1 order by position",
        id.uuid(),
    )
    .fetch_all(pg)
    .await?
    .into_iter()
    .map(StepRecord::try_from)
    .collect()
}

/// Notes that a step runs; repeating it keeps the first start.
pub async fn step_started(pg: impl PgExecutor<'_>, id: CreationId, owner: &str, position: u32) -> Result<()> {
    let done = sqlx::query!(
        "with held as (select id from creations where id = $1 and lease_owner = $2 for update)
         update creation_steps set state = 'running', exit_code = null, finished_at = null,
             started_at = coalesce(started_at, now())
         from held where creation_id = held.id and position = $3",
        id.uuid(),
        owner,
        position_column(position),
    )
    .execute(pg)
    .await?;
    held(&done)
}

/// Notes how a step ended: done with exit code 0, else failed; no exit code means that it was cut off.
pub async fn step_finished(
    pg: impl PgExecutor<'_>,
    id: CreationId,
    owner: &str,
    position: u32,
    exit_code: Option<i32>,
) -> Result<()> {
    let done = sqlx::query!(
        "with held as (select id from creations where id = $1 and lease_owner = $2 for update)
         update creation_steps set state = case when $4::integer = 0 then 'done' else 'failed' end,
             exit_code = $4, finished_at = now()
         from held where creation_id = held.id and position = $3",
        id.uuid(),
        owner,
        position_column(position),
        exit_code,
    )
    .execute(pg)
    .await?;
    held(&done)
}
