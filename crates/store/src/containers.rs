//! Containers that Berth manages.

use berth_domain::container::Container;
use berth_domain::discovery::{Credential, Service};
use berth_domain::{ActionId, ContainerId, CreationId, NodeId, UserId, Vmid};
use sqlx::types::Json;
use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::error::{Error, Result, corrupt, decode};
use crate::text;

/// What was found inside a container.
#[derive(Clone, Copy, Debug, Default)]
pub struct Found<'a> {
    /// Its address.
    pub address: Option<&'a str>,
    /// What runs in it.
    pub services: &'a [Service],
    /// What its scripts have saved.
    pub credentials: &'a [Credential],
}

struct Row {
    id: Uuid,
    node_id: Uuid,
    creation_id: Option<Uuid>,
    vmid: i32,
    hostname: String,
    container_template: Option<String>,
    address: Option<String>,
    services: Json<Vec<Service>>,
    discovered_at: Option<OffsetDateTime>,
    created_at: OffsetDateTime,
}

impl TryFrom<Row> for Container {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        let vmid: u32 = decode(row.vmid, "containers.vmid")?;
        Ok(Self {
            id: row.id.into(),
            node_id: row.node_id.into(),
            creation_id: row.creation_id.map(Into::into),
            vmid: vmid.try_into().map_err(|_| corrupt("containers.vmid")())?,
            hostname: row.hostname,
            container_template: row.container_template,
            address: row.address,
            services: row.services.0,
            discovered_at: row.discovered_at,
            created_at: row.created_at,
        })
    }
}

macro_rules! select {
    ($($tail:tt)*) => {
        sqlx::query_as!(
            Row,
            r#"select c.id, c.node_id, c.creation_id, c.vmid, c.hostname, c.container_template, c.address,
                      c.services as "services: Json<Vec<Service>>", c.discovered_at, c.created_at
               from containers c join nodes n on n.id = c.node_id "# + $($tail)*
        )
    };
}

/// Stores the container of a creation that this worker holds, and links it to the creation. Repeating it
/// changes nothing. What Berth had stored under the same VMID of that node is gone from Proxmox, else the
/// VMID would not have been free. [`Error::LeaseLost`] when the lease is somebody else's by now.
pub async fn upsert_created(
    conn: &mut PgConnection,
    creation: CreationId,
    owner: &str,
    now: OffsetDateTime,
) -> Result<ContainerId> {
    use sqlx::Connection as _;
    let mut tx = conn.begin().await?;
    let creation_row = sqlx::query!(
        "select node_id, vmid, outline ->> 'hostname' as hostname, outline #>> '{container_template,title}' as recipe
         from creations where id = $1 and lease_owner = $2 for update",
        creation.uuid(),
        owner,
    )
    .fetch_optional(&mut *tx)
    .await?
    .ok_or(Error::LeaseLost)?;
    sqlx::query!(
        "update containers set gone_at = $4
         where node_id = $1 and vmid = $2 and gone_at is null and creation_id is distinct from $3",
        creation_row.node_id,
        creation_row.vmid,
        creation.uuid(),
        now,
    )
    .execute(&mut *tx)
    .await?;
    let id = sqlx::query_scalar!(
        "insert into containers (id, node_id, creation_id, vmid, hostname, container_template, created_at)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (node_id, vmid) where gone_at is null do update set hostname = excluded.hostname
         returning id",
        ContainerId::new().uuid(),
        creation_row.node_id,
        creation.uuid(),
        creation_row.vmid,
        creation_row.hostname.ok_or_else(corrupt("creations.spec"))?,
        creation_row.recipe,
        now,
    )
    .fetch_one(&mut *tx)
    .await?;
    sqlx::query!("update creations set container_id = $2 where id = $1", creation.uuid(), id)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(id.into())
}

/// The user's containers on all nodes, the newest first.
pub async fn list(pg: impl PgExecutor<'_>, user: UserId) -> Result<Vec<Container>> {
    select!("where n.user_id = $1 and c.gone_at is null order by c.created_at desc, c.id desc", user.uuid())
        .fetch_all(pg)
        .await?
        .into_iter()
        .map(Container::try_from)
        .collect()
}

/// One of the user's containers.
pub async fn find(pg: impl PgExecutor<'_>, user: UserId, id: ContainerId) -> Result<Option<Container>> {
    select!("where c.id = $1 and n.user_id = $2 and c.gone_at is null", id.uuid(), user.uuid())
        .fetch_optional(pg)
        .await?
        .map(Container::try_from)
        .transpose()
}

/// The container that an action is about, gone ones included, while its owner has its node; for the worker.
pub async fn of_action(pg: impl PgExecutor<'_>, action: ActionId) -> Result<Option<Container>> {
    select!(
        "join container_actions a on a.container_id = c.id and a.user_id = n.user_id where a.id = $1",
        action.uuid()
    )
    .fetch_optional(pg)
    .await?
    .map(Container::try_from)
    .transpose()
}

/// What [`adopt`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adopted {
    /// It is managed from now on.
    New(ContainerId),
    /// It was managed already.
    Already(ContainerId),
    /// Its VMID belongs to a creation that is under way; nothing was stored.
    BeingCreated,
}

/// Takes over a container on one of the user's nodes. None when they have no such node.
pub async fn adopt(
    conn: &mut PgConnection,
    user: UserId,
    node: NodeId,
    (vmid, hostname): (Vmid, &str),
    now: OffsetDateTime,
) -> Result<Option<Adopted>> {
    let vmid = i32::try_from(vmid.get()).expect("the largest VMID is below 2^31");
    let creating = sqlx::query_scalar!(
        r#"select exists (select from creations r where r.cluster = n.cluster and r.vmid = $3 and r.state in ('queued', 'running'))
               as "creating!"
           from nodes n where n.id = $1 and n.user_id = $2"#,
        node.uuid(),
        user.uuid(),
        vmid,
    );
    match creating.fetch_optional(&mut *conn).await? {
        None => return Ok(None),
        Some(true) => return Ok(Some(Adopted::BeingCreated)),
        Some(false) => {}
    }
    let new = sqlx::query_scalar!(
        "insert into containers (id, node_id, vmid, hostname, created_at)
         select $1, n.id, $4, $5, $6 from nodes n where n.id = $2 and n.user_id = $3
         on conflict (node_id, vmid) where gone_at is null do nothing returning id",
        ContainerId::new().uuid(),
        node.uuid(),
        user.uuid(),
        vmid,
        text::storable(hostname),
        now,
    );
    if let Some(id) = new.fetch_optional(&mut *conn).await? {
        return Ok(Some(Adopted::New(id.into())));
    }
    let there = sqlx::query_scalar!(
        "select c.id from containers c join nodes n on n.id = c.node_id
         where n.id = $1 and n.user_id = $2 and c.vmid = $3 and c.gone_at is null",
        node.uuid(),
        user.uuid(),
        vmid,
    );
    Ok(there.fetch_optional(conn).await?.map(|id| Adopted::Already(id.into())))
}

/// It is called otherwise by now.
pub async fn rename(pg: impl PgExecutor<'_>, id: ContainerId, hostname: &str) -> Result<()> {
    sqlx::query!("update containers set hostname = $2 where id = $1", id.uuid(), text::storable(hostname))
        .execute(pg)
        .await?;
    Ok(())
}

/// It is on another of the user's nodes by now; what Berth had stored there under its VMID is gone. False when it was moved before, or the
/// user has no such node.
pub async fn move_to(
    conn: &mut PgConnection,
    user: UserId,
    id: ContainerId,
    node: NodeId,
    now: OffsetDateTime,
) -> Result<bool> {
    sqlx::query!(
        "update containers c set gone_at = $4 from nodes n
         where n.id = $3 and n.user_id = $2 and c.node_id = n.id and c.gone_at is null and c.id <> $1
             and c.vmid = (select vmid from containers where id = $1)",
        id.uuid(),
        user.uuid(),
        node.uuid(),
        now,
    )
    .execute(&mut *conn)
    .await?;
    let moved = sqlx::query!(
        "update containers c set node_id = n.id from nodes n
         where c.id = $1 and c.node_id <> n.id and c.gone_at is null and n.id = $3 and n.user_id = $2
             and exists (select from nodes o where o.id = c.node_id and o.user_id = $2)",
        id.uuid(),
        user.uuid(),
        node.uuid(),
    );
    Ok(moved.execute(conn).await?.rows_affected() == 1)
}

/// What was found inside one of the user's containers. False when they have no such container.
pub async fn set_discovery(
    pg: impl PgExecutor<'_>,
    user: UserId,
    id: ContainerId,
    found: &Found<'_>,
    now: OffsetDateTime,
) -> Result<bool> {
    let done = sqlx::query!(
        "update containers c set address = $3, services = $4, credentials = $5, discovered_at = $6 from nodes n
         where c.id = $1 and n.id = c.node_id and n.user_id = $2 and c.gone_at is null",
        id.uuid(),
        user.uuid(),
        found.address.map(text::storable),
        text::json(&found.services),
        text::json(&found.credentials),
        now,
    )
    .execute(pg)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The credentials that were found in one of the user's containers, by name.
pub async fn credentials(
    pg: impl PgExecutor<'_>,
    user: UserId,
    id: ContainerId,
) -> Result<Option<Vec<Credential>>> {
    let found = sqlx::query_scalar!(
        r#"select c.credentials as "credentials: Json<Vec<Credential>>"
           from containers c join nodes n on n.id = c.node_id
           where c.id = $1 and n.user_id = $2 and c.gone_at is null"#,
        id.uuid(),
        user.uuid(),
    )
    .fetch_optional(pg)
    .await?;
    Ok(found.map(|credentials| credentials.0))
}

/// It was deleted on Proxmox, or its owner wants it forgotten. False when the user has no such container.
pub async fn mark_gone(
    pg: impl PgExecutor<'_>,
    user: UserId,
    id: ContainerId,
    now: OffsetDateTime,
) -> Result<bool> {
    let done = sqlx::query!(
        "update containers c set gone_at = $3 from nodes n
         where c.id = $1 and n.id = c.node_id and n.user_id = $2 and c.gone_at is null",
        id.uuid(),
        user.uuid(),
        now,
    )
    .execute(pg)
    .await?;
    Ok(done.rows_affected() == 1)
}
