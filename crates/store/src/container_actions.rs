//! What is asked of containers. The row is the truth; the queue only delivers ids, as with creations.
//!
//! A container has at most one action that is under way, and keeps the last one that ended until the next.

mod work;

use berth_domain::action::{Action, ActionKind, ActionState, Remedy};
use berth_domain::{ActionId, ContainerId, NodeId, UserId, Vmid};
use sqlx::{Connection as _, PgConnection, PgExecutor};
use time::OffsetDateTime;
use uuid::Uuid;

pub use work::{
    Claimed, End, claim, finish, mark_enqueued, note_sending, release, renew, set_upid, stranded, unsent,
    waiting,
};

use crate::error::{Error, Result, corrupt, decode};

/// The index that gives a container one action at a time.
pub const LIVE: &str = "container_actions_live";

/// How often [`request`] looks again when a live action ends at the very moment it is joined.
const LOOKS: usize = 3;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// What is asked.
    pub kind: ActionKind,
    /// Delete: also take it out of backup jobs, replication and HA.
    pub purge: bool,
    /// Delete: although it runs.
    pub stop_first: bool,
}

/// What [`request`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requested {
    /// It is queued.
    Queued(Action),
    /// Another one, or the same asked for before, is under way; nothing was stored.
    UnderWay(Action),
    /// The container is being created; nothing was stored.
    BeingCreated,
}

struct Row {
    id: Uuid,
    container_id: Uuid,
    kind: String,
    state: String,
    error: Option<String>,
    remedy: Option<String>,
    created_at: OffsetDateTime,
    finished_at: Option<OffsetDateTime>,
}

impl TryFrom<Row> for Action {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: row.id.into(),
            container_id: row.container_id.into(),
            kind: ActionKind::from_name(&row.kind).ok_or_else(corrupt("container_actions.kind"))?,
            state: ActionState::from_name(&row.state).ok_or_else(corrupt("container_actions.state"))?,
            error: row.error,
            remedy: row
                .remedy
                .map(|name| Remedy::from_name(&name).ok_or_else(corrupt("container_actions.remedy")))
                .transpose()?,
            created_at: row.created_at,
            finished_at: row.finished_at,
        })
    }
}

macro_rules! select {
    ($($tail:tt)*) => {
        sqlx::query_as!(
            Row,
            "select a.id, a.container_id, a.kind, a.state, a.error, a.remedy, a.created_at, a.finished_at
             from container_actions a " + $($tail)*
        )
    };
}

/// Stores what a user asks of one of their containers, unless something is under way. None when they have no such container.
pub async fn request(
    conn: &mut PgConnection,
    user: UserId,
    container: ContainerId,
    wanted: Wanted,
    now: OffsetDateTime,
) -> Result<Option<Requested>> {
    let mut tx = conn.begin().await?;
    // Whoever deletes the container waits; whoever marks it gone at the end of an action does not, else each would wait for the other.
    let found = sqlx::query_scalar!(
        r#"select exists (select from creations r where r.container_id = c.id and r.state in ('queued', 'running')) as "creating!"
           from containers c join nodes n on n.id = c.node_id
           where c.id = $1 and n.user_id = $2 and c.gone_at is null for key share of c"#,
        container.uuid(),
        user.uuid(),
    );
    match found.fetch_optional(&mut *tx).await? {
        None => return Ok(None),
        Some(true) => return Ok(Some(Requested::BeingCreated)),
        Some(false) => {}
    }
    sqlx::query!(
        "delete from container_actions where container_id = $1 and state in ('done', 'failed')",
        container.uuid()
    )
    .execute(&mut *tx)
    .await?;
    for _ in 0..LOOKS {
        if let Some(requested) = insert_or_join(&mut tx, user, container, wanted, now).await? {
            tx.commit().await?;
            return Ok(Some(requested));
        }
    }
    Err(Error::Conflict { constraint: LIVE.into() })
}

async fn insert_or_join(
    conn: &mut PgConnection,
    user: UserId,
    container: ContainerId,
    wanted: Wanted,
    now: OffsetDateTime,
) -> Result<Option<Requested>> {
    let inserted = sqlx::query_as!(
        Row,
        "insert into container_actions (id, container_id, user_id, kind, purge, stop_first, state, created_at)
         values ($1, $2, $3, $4, $5, $6, 'queued', $7)
         on conflict (container_id) where state in ('queued', 'running') do nothing
         returning id, container_id, kind, state, error, remedy, created_at, finished_at",
        ActionId::new().uuid(),
        container.uuid(),
        user.uuid(),
        wanted.kind.name(),
        wanted.purge,
        wanted.stop_first,
        now,
    );
    if let Some(row) = inserted.fetch_optional(&mut *conn).await? {
        return Ok(Some(Requested::Queued(row.try_into()?)));
    }
    let live = select!("where a.container_id = $1 and a.state in ('queued', 'running')", container.uuid());
    live.fetch_optional(conn).await?.map(|row| Ok(Requested::UnderWay(row.try_into()?))).transpose()
}

/// What was last asked of one of the user's containers, gone ones included.
pub async fn last(pg: impl PgExecutor<'_>, user: UserId, container: ContainerId) -> Result<Option<Action>> {
    let last = select!(
        "join containers c on c.id = a.container_id join nodes n on n.id = c.node_id
         where a.container_id = $1 and n.user_id = $2 order by a.created_at desc limit 1",
        container.uuid(),
        user.uuid(),
    );
    last.fetch_optional(pg).await?.map(Action::try_from).transpose()
}

/// Which of the user's containers were deleted since then, and when: their node, VMID and the end of the action.
pub async fn list_deleted(
    pg: impl PgExecutor<'_>,
    user: UserId,
    since: OffsetDateTime,
) -> Result<Vec<(NodeId, Vmid, OffsetDateTime)>> {
    let rows = sqlx::query!(
        r#"select c.node_id, c.vmid, a.finished_at as "finished_at!"
           from container_actions a join containers c on c.id = a.container_id join nodes n on n.id = c.node_id
           where n.user_id = $1 and a.kind = 'delete' and a.state = 'done' and a.finished_at >= $2"#,
        user.uuid(),
        since,
    );
    let rows = rows.fetch_all(pg).await?.into_iter();
    rows.map(|row| {
        let vmid: u32 = decode(row.vmid, "containers.vmid")?;
        let vmid = vmid.try_into().map_err(|_| corrupt("containers.vmid")())?;
        Ok((row.node_id.into(), vmid, row.finished_at))
    })
    .collect()
}

/// What was last asked of each of the user's containers: what is under way, has failed and was not dismissed, or was done since then.
pub async fn list_current(
    pg: impl PgExecutor<'_>,
    user: UserId,
    since: OffsetDateTime,
) -> Result<Vec<Action>> {
    let current = select!(
        "join containers c on c.id = a.container_id join nodes n on n.id = c.node_id
         where n.user_id = $1 and c.gone_at is null and (a.state <> 'done' or a.finished_at >= $2)
         order by a.created_at",
        user.uuid(),
        since,
    );
    current.fetch_all(pg).await?.into_iter().map(Action::try_from).collect()
}

/// Forgets that an action failed. False when the user has no container with one.
pub async fn dismiss(pg: impl PgExecutor<'_>, user: UserId, container: ContainerId) -> Result<bool> {
    let done = sqlx::query!(
        "delete from container_actions a using containers c, nodes n
         where a.container_id = c.id and n.id = c.node_id and c.id = $1 and n.user_id = $2 and a.state = 'failed'",
        container.uuid(),
        user.uuid(),
    );
    Ok(done.execute(pg).await?.rows_affected() > 0)
}
