//! Those written in the page: each is its author's alone.

use berth_domain::container_template::{ContainerTemplate, ContentHash};
use berth_domain::{ContainerTemplateId, CreationId, UserId};
use sqlx::{Connection as _, PgConnection, PgExecutor, query, query_scalar};
use time::OffsetDateTime;

use super::{parts, replace_contents, uploaded_bytes};
use crate::error::Result;
use crate::{text, users};

/// What became of an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Updated {
    /// Stored.
    Done,
    /// Somebody has edited it since; this is its version now.
    Moved {
        /// The version that is stored.
        version: i32,
    },
    /// The user has no such container template.
    NotFound,
}

/// What became of a deletion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deleted {
    /// It is gone.
    Done,
    /// These creations still work with it.
    InUse(Vec<LiveCreation>),
    /// The user has no such container template.
    NotFound,
}

/// A creation that is queued or running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveCreation {
    /// Its id.
    pub id: CreationId,
    /// The host name of its container.
    pub hostname: String,
}

/// Stores a new one. Conflict: [`super::TITLE`].
pub async fn insert(
    conn: &mut PgConnection,
    user: UserId,
    recipe: &ContainerTemplate,
    now: OffsetDateTime,
) -> Result<ContainerTemplateId> {
    let id = ContainerTemplateId::new();
    let (outline, contents) = parts(recipe);
    let mut tx = conn.begin().await?;
    query!(
        "insert into container_templates (id, user_id, name, recipe, version, created_at, updated_at)
         values ($1, $2, $3, $4, 1, $5, $5)",
        id.uuid(),
        user.uuid(),
        recipe.name,
        text::json(&outline),
        now,
    )
    .execute(&mut *tx)
    .await?;
    replace_contents(&mut tx, id.uuid(), &contents).await?;
    forget_saved(&mut tx, user, &contents).await?;
    tx.commit().await?;
    Ok(id)
}

/// Stores one of the user's anew, if it is still as it was in that version. Of what it drops, so much is kept with the user's uploads that
/// those have at most `most_kept` bytes. Conflict: [`super::TITLE`].
pub async fn update(
    conn: &mut PgConnection,
    user: UserId,
    id: ContainerTemplateId,
    version: i32,
    recipe: &ContainerTemplate,
    most_kept: u64,
    now: OffsetDateTime,
) -> Result<Updated> {
    let (outline, contents) = parts(recipe);
    let mut tx = conn.begin().await?;
    let stored = query_scalar!(
        "select version from container_templates where id = $1 and user_id = $2 for no key update",
        id.uuid(),
        user.uuid(),
    )
    .fetch_optional(&mut *tx)
    .await?;
    match stored {
        None => return Ok(Updated::NotFound),
        Some(stored) if stored != version => return Ok(Updated::Moved { version: stored }),
        Some(_) => {}
    }
    forget_saved(&mut tx, user, &contents).await?;
    // A form that is open in another tab still refers to what this one drops.
    keep_dropped(&mut tx, user, id, &contents, most_kept, now).await?;
    query!(
        "update container_templates set name = $3, recipe = $4, version = version + 1, updated_at = $5
         where id = $1 and user_id = $2",
        id.uuid(),
        user.uuid(),
        recipe.name,
        text::json(&outline),
        now,
    )
    .execute(&mut *tx)
    .await?;
    replace_contents(&mut tx, id.uuid(), &contents).await?;
    tx.commit().await?;
    Ok(Updated::Done)
}

/// What a container template has now makes room for other uploads.
async fn forget_saved(
    conn: &mut PgConnection,
    user: UserId,
    contents: &[(ContentHash, &[u8])],
) -> Result<()> {
    let hashes: Vec<String> = contents.iter().map(|(hash, _)| hash.to_string()).collect();
    query!(
        "delete from container_template_uploads where user_id = $1 and sha256 = any($2)",
        user.uuid(),
        &hashes,
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn keep_dropped(
    conn: &mut PgConnection,
    user: UserId,
    id: ContainerTemplateId,
    contents: &[(ContentHash, &[u8])],
    most_kept: u64,
    now: OffsetDateTime,
) -> Result<()> {
    users::lock_kept(conn, user).await?;
    let left = most_kept.saturating_sub(uploaded_bytes(&mut *conn, user).await?);
    let hashes: Vec<String> = contents.iter().map(|(hash, _)| hash.to_string()).collect();
    query!(
        "insert into container_template_uploads (user_id, sha256, content, created_at)
         select $2, sha256, content, $3 from (
             select sha256, content, sum(octet_length(content)) over (order by octet_length(content), sha256) as so_far
             from container_template_contents where container_template_id = $1 and sha256 <> all($4)
         ) as dropped where so_far <= $5
         on conflict (user_id, sha256) do update set created_at = excluded.created_at",
        id.uuid(),
        user.uuid(),
        now,
        &hashes,
        i64::try_from(left).unwrap_or(i64::MAX),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What a person has written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// How many container templates.
    pub count: u64,
    /// What is in their scripts and files, in bytes.
    pub bytes: u64,
}

/// How much the user's own container templates are.
pub async fn written(pg: impl PgExecutor<'_>, user: UserId) -> Result<Written> {
    let found = query!(
        r#"select count(distinct t.id) as "count!", coalesce(sum(octet_length(c.content)), 0)::bigint as "bytes!"
           from container_templates t left join container_template_contents c on c.container_template_id = t.id
           where t.user_id = $1"#,
        user.uuid(),
    )
    .fetch_one(pg)
    .await?;
    let read = |number: i64| u64::try_from(number).unwrap_or(0);
    Ok(Written { count: read(found.count), bytes: read(found.bytes) })
}

/// Deletes one of the user's, unless a creation still works with it. Finished ones keep its name and title.
pub async fn delete(conn: &mut PgConnection, user: UserId, id: ContainerTemplateId) -> Result<Deleted> {
    let mut tx = conn.begin().await?;
    // Whoever submits a creation at this moment has locked the row, or finds it gone.
    let found = query_scalar!(
        "select id from container_templates where id = $1 and user_id = $2 for update",
        id.uuid(),
        user.uuid(),
    )
    .fetch_optional(&mut *tx)
    .await?;
    if found.is_none() {
        return Ok(Deleted::NotFound);
    }
    let live = query!(
        r#"select id, outline ->> 'hostname' as "hostname!" from creations
           where container_template_id = $1 and user_id = $2 and state in ('queued', 'running') order by created_at, id"#,
        id.uuid(),
        user.uuid(),
    )
    .fetch_all(&mut *tx)
    .await?;
    if !live.is_empty() {
        let live = live.into_iter().map(|row| LiveCreation { id: row.id.into(), hostname: row.hostname });
        return Ok(Deleted::InUse(live.collect()));
    }
    query!("delete from container_templates where id = $1 and user_id = $2", id.uuid(), user.uuid())
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(Deleted::Done)
}
