//! What has happened to containers: kept when container and node are gone.

use berth_domain::container_event::{ContainerEvent, EventKind};
use berth_domain::{ContainerEventId, ContainerId, CreationId, NodeId, UserId};
use sqlx::PgExecutor;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::error::{Error, Result, corrupt, decode};
use crate::text;

/// Characters of an event's text: what a person reads in a line.
const LONGEST: usize = 2000;

struct Row {
    id: Uuid,
    container_id: Option<Uuid>,
    hostname: String,
    vmid: i32,
    node_name: String,
    kind: String,
    actor: String,
    text: String,
    at: OffsetDateTime,
}

impl TryFrom<Row> for ContainerEvent {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        let vmid: u32 = decode(row.vmid, "container_events.vmid")?;
        Ok(Self {
            id: row.id.into(),
            container_id: row.container_id.map(Into::into),
            hostname: row.hostname,
            vmid: vmid.try_into().map_err(|_| corrupt("container_events.vmid")())?,
            node_name: row.node_name,
            kind: EventKind::from_name(&row.kind).ok_or_else(corrupt("container_events.kind"))?,
            actor: row.actor,
            text: row.text,
            at: row.at,
        })
    }
}

/// Which events are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only of this container.
    pub container: Option<ContainerId>,
    /// Only of this kind.
    pub kind: Option<EventKind>,
    /// Only those that have this in them, in whatever case.
    pub search: Option<String>,
    /// Only those older than this one.
    pub before: Option<ContainerEventId>,
}

pub(crate) fn shortened(text: &str) -> String {
    text::storable(text).chars().take(LONGEST).collect()
}

/// Adds an event of one of the user's containers. False when they have no such container, or its node is gone.
pub async fn append(
    pg: impl PgExecutor<'_>,
    user: UserId,
    container: ContainerId,
    (kind, text): (EventKind, &str),
    now: OffsetDateTime,
) -> Result<bool> {
    let done = sqlx::query!(
        "insert into container_events (id, user_id, container_id, hostname, vmid, node_name, kind, actor, text, at)
         select $1, u.id, c.id, c.hostname, c.vmid, n.name, $4, u.userid, $5, $6
         from containers c join nodes n on n.id = c.node_id join users u on u.id = n.user_id
         where c.id = $3 and u.id = $2",
        ContainerEventId::new().uuid(),
        user.uuid(),
        container.uuid(),
        kind.name(),
        shortened(text),
        now,
    )
    .execute(pg)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Adds how a creation has ended.
pub(crate) async fn append_of_creation(
    pg: impl PgExecutor<'_>,
    creation: CreationId,
    (kind, text): (EventKind, &str),
    now: OffsetDateTime,
) -> Result<()> {
    sqlx::query!(
        "insert into container_events (id, user_id, container_id, hostname, vmid, node_name, kind, actor, text, at)
         select $1, u.id, c.container_id, c.outline ->> 'hostname', c.vmid, n.name, $3, u.userid, $4, $5
         from creations c join nodes n on n.id = c.node_id join users u on u.id = c.user_id
         where c.id = $2",
        ContainerEventId::new().uuid(),
        creation.uuid(),
        kind.name(),
        shortened(text),
        now,
    )
    .execute(pg)
    .await?;
    Ok(())
}

/// Notes of each container on a node that it is forgotten with its node.
pub(crate) async fn append_of_node(pg: impl PgExecutor<'_>, node: NodeId) -> Result<()> {
    sqlx::query!(
        "insert into container_events (id, user_id, container_id, hostname, vmid, node_name, kind, actor, text, at)
         select gen_random_uuid(), u.id, c.id, c.hostname, c.vmid, n.name, $2, u.userid, 'With its node. On Proxmox it stays', now()
         from containers c join nodes n on n.id = c.node_id join users u on u.id = n.user_id
         where n.id = $1 and c.gone_at is null",
        node.uuid(),
        EventKind::Forgotten.name(),
    )
    .execute(pg)
    .await?;
    Ok(())
}

/// The user's events, the newest first.
pub async fn list(
    pg: impl PgExecutor<'_>,
    user: UserId,
    filter: &Filter,
    limit: u32,
) -> Result<Vec<ContainerEvent>> {
    let rows = sqlx::query_as!(
        Row,
        "select id, container_id, hostname, vmid, node_name, kind, actor, text, at from container_events
         where user_id = $1 and ($2::uuid is null or container_id = $2) and ($3::text is null or kind = $3)
             and ($4::text is null
                  or strpos(lower(concat_ws(' ', hostname, vmid, node_name, actor, text)), lower($4)) > 0)
             and ($5::uuid is null
                  or (at, id) < (select at, id from container_events where id = $5 and user_id = $1))
         order by at desc, id desc limit $6",
        user.uuid(),
        filter.container.map(ContainerId::uuid),
        filter.kind.map(EventKind::name),
        filter.search.as_deref().map(text::storable),
        filter.before.map(ContainerEventId::uuid),
        i64::from(limit),
    );
    rows.fetch_all(pg).await?.into_iter().map(ContainerEvent::try_from).collect()
}

/// Forgets of each user what is beyond their `most` newest events; returns how many.
pub async fn delete_beyond(pg: impl PgExecutor<'_>, most: u32) -> Result<u64> {
    let done = sqlx::query!(
        "delete from container_events where id in (
             select id from (select id, row_number() over (partition by user_id order by at desc, id desc) as place
                             from container_events) as numbered
             where place > $1)",
        i64::from(most),
    );
    Ok(done.execute(pg).await?.rows_affected())
}
