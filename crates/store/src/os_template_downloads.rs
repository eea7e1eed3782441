//! Downloads of OS templates, each of a node, and the wizards that wait for one.

use berth_domain::os_template::{DownloadState, OsTemplateDownload};
use berth_domain::{DraftId, NodeId, OsTemplateDownloadId, UserId};
use sqlx::{Connection as _, PgConnection, PgExecutor};
use time::OffsetDateTime;

use crate::error::{Result, corrupt};
use crate::text;

/// How often [`begin`] looks again when a live download ends at the very moment it is joined.
const LOOKS: usize = 3;

/// What [`begin`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// A new one was stored: the caller, and nobody else, asks the node for it.
    Ours(OsTemplateDownloadId),
    /// The same file is on its way already; the draft waits for that.
    Joined(OsTemplateDownloadId),
}

/// Stores a download and makes the draft wait for it, or for one of the same file that is under way. None when the user has no such
/// node or draft.
pub async fn begin(
    conn: &mut PgConnection,
    user: UserId,
    draft: DraftId,
    (node, storage, file): (NodeId, &str, &str),
    now: OffsetDateTime,
) -> Result<Option<Begun>> {
    let mut tx = conn.begin().await?;
    let mut begun = None;
    for _ in 0..LOOKS {
        begun = insert_or_join(&mut tx, user, (node, storage, file), now).await?;
        if begun.is_some() {
            break;
        }
    }
    let Some(begun) = begun else { return Ok(None) };
    let (Begun::Ours(id) | Begun::Joined(id)) = begun;
    let waiting = sqlx::query!(
        "update drafts set os_template_download = $3 where id = $1 and user_id = $2",
        draft.uuid(),
        user.uuid(),
        id.uuid(),
    )
    .execute(&mut *tx)
    .await?;
    if waiting.rows_affected() == 0 {
        return Ok(None);
    }
    tx.commit().await?;
    Ok(Some(begun))
}

async fn insert_or_join(
    conn: &mut PgConnection,
    user: UserId,
    (node, storage, file): (NodeId, &str, &str),
    now: OffsetDateTime,
) -> Result<Option<Begun>> {
    let id = OsTemplateDownloadId::new();
    let (storage, file) = (text::storable(storage), text::storable(file));
    let inserted = sqlx::query!(
        "insert into os_template_downloads (id, node_id, storage, file, state, created_at)
         select $1, n.id, $4, $5, 'running', $6 from nodes n where n.id = $2 and n.user_id = $3
         on conflict (node_id, storage, file) where state = 'running' do nothing",
        id.uuid(),
        node.uuid(),
        user.uuid(),
        storage,
        file,
        now,
    )
    .execute(&mut *conn)
    .await?;
    if inserted.rows_affected() == 1 {
        return Ok(Some(Begun::Ours(id)));
    }
    let live = sqlx::query_scalar!(
        "select d.id from os_template_downloads d join nodes n on n.id = d.node_id
         where n.id = $1 and n.user_id = $2 and d.storage = $3 and d.file = $4 and d.state = 'running'",
        node.uuid(),
        user.uuid(),
        storage,
        file,
    )
    .fetch_optional(conn)
    .await?;
    Ok(live.map(|id| Begun::Joined(id.into())))
}

/// The download that one of the user's drafts waits for, or waited for last.
pub async fn find(
    pg: impl PgExecutor<'_>,
    user: UserId,
    draft: DraftId,
) -> Result<Option<OsTemplateDownload>> {
    let row = sqlx::query!(
        "select d.id, d.node_id, d.storage, d.file, d.upid, d.state, d.error, d.created_at
         from os_template_downloads d
         join drafts w on w.os_template_download = d.id
         join nodes n on n.id = d.node_id and n.user_id = w.user_id
         where w.id = $1 and w.user_id = $2",
        draft.uuid(),
        user.uuid(),
    )
    .fetch_optional(pg)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(OsTemplateDownload {
        id: row.id.into(),
        node_id: row.node_id.into(),
        storage: row.storage,
        file: row.file,
        upid: row.upid,
        state: DownloadState::from_name(&row.state).ok_or_else(corrupt("a download's state"))?,
        error: row.error,
        created_at: row.created_at,
    }))
}

/// Remembers the task that downloads it, unless one is known already or it has ended.
pub async fn set_upid(pg: impl PgExecutor<'_>, id: OsTemplateDownloadId, upid: &str) -> Result<()> {
    sqlx::query!(
        "update os_template_downloads set upid = $2 where id = $1 and upid is null and state = 'running'",
        id.uuid(),
        upid,
    )
    .execute(pg)
    .await?;
    Ok(())
}

/// Stores how it ended. Only the first end counts: false when it had ended before.
pub async fn finish(
    pg: impl PgExecutor<'_>,
    id: OsTemplateDownloadId,
    state: DownloadState,
    error: Option<&str>,
    now: OffsetDateTime,
) -> Result<bool> {
    let error = error.map(text::storable);
    let done = sqlx::query!(
        "update os_template_downloads set state = $2, error = $3, finished_at = $4 where id = $1 and state = 'running'",
        id.uuid(),
        state.name(),
        error.as_deref(),
        now,
    )
    .execute(pg)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Forgets those older than `since` that no draft waits for; returns how many.
pub async fn delete_older_than(pg: impl PgExecutor<'_>, since: OffsetDateTime) -> Result<u64> {
    let done = sqlx::query!(
        "delete from os_template_downloads d where d.created_at < $1
         and not exists (select from drafts w where w.os_template_download = d.id)",
        since,
    )
    .execute(pg)
    .await?;
    Ok(done.rows_affected())
}
