//! The jobs that make containers. The row is the truth; the queue only delivers ids.
//!
//! A worker holds a creation by a lease: its name in `lease_owner`, until `lease_until` by the database's
//! clock. Every write of a worker names it and is refused with [`Error::LeaseLost`] once the lease is
//! somebody else's.
//!
//! [`Error::LeaseLost`]: crate::Error::LeaseLost

mod lease;
mod owner;
mod row;
mod steps;
mod sweep;
mod work;

use std::collections::BTreeSet;

use berth_domain::creation::{Creation, CreationSpec, ProgressEvent, StepKind};
use berth_domain::{ContainerTemplateId, CreationId, NodeId, UserId, Vmid};
use sqlx::{Connection as _, PgConnection, PgExecutor};
use time::OffsetDateTime;

pub use lease::{Claimed, Renewed, claim, release, renew};
pub use owner::{Cancelled, delete, request_cancel, retry};
pub(crate) use steps::position_column;
pub use steps::{StepRecord, step_finished, step_records, step_started, steps};
pub use sweep::{mark_enqueued, stranded};
pub use work::{Outcome, finish, set_phase, set_upid};

use crate::error::{Result, decode};
use crate::{progress, text};
use row::{Outlined, select};

/// The index that gives a VMID to one live creation of a cluster.
pub const LIVE_VMID: &str = "creations_live_vmid";
/// The key that keeps a creation from being stored twice.
pub const ID: &str = "creations_pkey";

/// How many creations a user may have queued or running. Each keeps a VMID from everybody of the cluster, and which cluster that is is their
/// node's word.
pub const MOST_LIVE: i64 = 20;

/// A creation to be queued.
#[derive(Clone, Debug)]
pub struct NewCreation {
    /// The node it works on.
    pub node_id: NodeId,
    /// What it makes.
    pub spec: CreationSpec,
    /// The parts of its syncing phase, in order.
    pub steps: Vec<NewStep>,
}

/// A step to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewStep {
    /// Packages or script.
    pub kind: StepKind,
    /// The manager's or the script's name.
    pub name: String,
}

/// Stores a creation as queued, its steps and its first event. None when the user has no such node. Conflict:
/// [`LIVE_VMID`]; [`Error::TooManyLive`] beyond [`MOST_LIVE`].
///
/// [`Error::TooManyLive`]: crate::Error::TooManyLive
pub async fn insert(
    conn: &mut PgConnection,
    user: UserId,
    new: &NewCreation,
    now: OffsetDateTime,
) -> Result<Option<CreationId>> {
    insert_as(conn, CreationId::new(), user, new, now).await
}

/// The same under an id that the caller knows beforehand, so that a submission that comes twice stores one creation.
/// Conflicts: [`ID`], [`LIVE_VMID`], and beyond [`MOST_LIVE`].
pub async fn insert_as(
    conn: &mut PgConnection,
    id: CreationId,
    user: UserId,
    new: &NewCreation,
    now: OffsetDateTime,
) -> Result<Option<CreationId>> {
    let mut tx = conn.begin().await?;
    // The lock waits for whoever is deleting the node, and then finds it gone.
    let done = sqlx::query!(
        "insert into creations
             (id, user_id, node_id, cluster, vmid, spec, state, phase, percent, created_at, container_template_id)
         select $1, n.user_id, n.id, n.cluster, $4, $5, 'queued', 'creating', 0, $6,
             (select t.id from container_templates t where t.id = $7 and (t.user_id is null or t.user_id = $2))
         from nodes n where n.id = $3 and n.user_id = $2 for key share",
        id.uuid(),
        user.uuid(),
        new.node_id.uuid(),
        vmid_column(new.spec.vmid),
        text::json(&new.spec),
        now,
        new.spec.container_template.as_ref().and_then(|origin| origin.id).map(ContainerTemplateId::uuid),
    )
    .execute(&mut *tx)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(None);
    }
    owner::check_live(&mut tx, user).await?;
    steps::insert(&mut tx, id, &new.steps).await?;
    progress::append_in(&mut tx, id, None, &[ProgressEvent::Queued], None, now).await?;
    tx.commit().await?;
    Ok(Some(id))
}

/// One of the user's creations.
pub async fn find(pg: impl PgExecutor<'_>, user: UserId, id: CreationId) -> Result<Option<Creation>> {
    select!("where id = $1 and user_id = $2", id.uuid(), user.uuid())
        .fetch_optional(pg)
        .await?
        .map(Creation::try_from)
        .transpose()
}

/// Whether the user has such a creation.
pub async fn exists(pg: impl PgExecutor<'_>, user: UserId, id: CreationId) -> Result<bool> {
    let exists = sqlx::query_scalar!(
        r#"select exists (select from creations where id = $1 and user_id = $2) as "exists!""#,
        id.uuid(),
        user.uuid(),
    );
    Ok(exists.fetch_one(pg).await?)
}

/// The user's creations that are queued or running, the newest first.
pub async fn list_live(pg: impl PgExecutor<'_>, user: UserId) -> Result<Vec<Creation>> {
    select!(
        "where user_id = $1 and state in ('queued', 'running') order by created_at desc, id desc",
        user.uuid()
    )
    .fetch_all(pg)
    .await?
    .into_iter()
    .map(Creation::try_from)
    .collect()
}

/// The user's `limit` newest creations in any state.
pub async fn list_recent(pg: impl PgExecutor<'_>, user: UserId, limit: u32) -> Result<Vec<Creation>> {
    select!("where user_id = $1 order by created_at desc, id desc limit $2", user.uuid(), i64::from(limit))
        .fetch_all(pg)
        .await?
        .into_iter()
        .map(Creation::try_from)
        .collect()
}

/// The user's `limit` newest creations that are under way, or that ended early and wait for their owner's word.
pub async fn list_unfinished(pg: impl PgExecutor<'_>, user: UserId, limit: u32) -> Result<Vec<Creation>> {
    select!(
        "where user_id = $1 and state <> 'ready' order by created_at desc, id desc limit $2",
        user.uuid(),
        i64::from(limit)
    )
    .fetch_all(pg)
    .await?
    .into_iter()
    .map(Creation::try_from)
    .collect()
}

/// The VMIDs that live creations of a cluster, anybody's, are about to take.
pub async fn live_vmids(pg: impl PgExecutor<'_>, cluster: &str) -> Result<BTreeSet<Vmid>> {
    let vmids = sqlx::query_scalar!(
        "select vmid from creations where cluster = $1 and state in ('queued', 'running')",
        cluster
    );
    vmids.fetch_all(pg).await?.into_iter().map(vmid).collect()
}

/// A live creation of a cluster that is about to take a VMID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// The container's host name; none when it is another user's: which cluster a node belongs to is the node's own word.
    pub hostname: Option<String>,
}

/// One of the user's nodes, and who is about to take a VMID of its cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The node's name.
    pub node_name: String,
    /// Its cluster.
    pub cluster: String,
    /// Who is about to take the VMID there.
    pub reservation: Option<Reservation>,
}

/// The same with the user's node that is asked about; none when the user has no such node. One query: it is asked at each keystroke.
pub async fn reservation_at(
    pg: impl PgExecutor<'_>,
    user: UserId,
    node: NodeId,
    vmid: Vmid,
) -> Result<Option<Place>> {
    let row = sqlx::query!(
        r#"select n.name, n.cluster, c.id as "creation?",
                  case when c.user_id = $1 then c.outline ->> 'hostname' end as hostname
           from nodes n
           left join creations c on c.cluster = n.cluster and c.vmid = $3 and c.state in ('queued', 'running')
           where n.user_id = $1 and n.id = $2"#,
        user.uuid(),
        node.uuid(),
        vmid_column(vmid),
    );
    Ok(row.fetch_optional(pg).await?.map(|row| Place {
        node_name: row.name,
        cluster: row.cluster,
        reservation: row.creation.map(|_| Reservation { hostname: row.hostname }),
    }))
}

/// Who is about to take a VMID of a cluster.
pub async fn reservation(
    pg: impl PgExecutor<'_>,
    user: UserId,
    cluster: &str,
    vmid: Vmid,
) -> Result<Option<Reservation>> {
    let row = sqlx::query_scalar!(
        r#"select case when user_id = $2 then outline ->> 'hostname' end as hostname from creations
           where cluster = $1 and vmid = $3 and state in ('queued', 'running')"#,
        cluster,
        user.uuid(),
        vmid_column(vmid),
    );
    Ok(row.fetch_optional(pg).await?.map(|hostname| Reservation { hostname }))
}

fn vmid_column(vmid: Vmid) -> i32 {
    i32::try_from(vmid.get()).expect("the largest VMID is below 2^31")
}

fn vmid(column: i32) -> Result<Vmid> {
    decode(decode::<u32, _>(column, "creations.vmid")?, "creations.vmid")
}
