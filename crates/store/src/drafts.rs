//! Wizards that have not been submitted yet.

use berth_domain::{DraftId, UserId};
use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;

use crate::error::Result;
use crate::text;

/// How many drafts a person may have in which nothing was typed; the oldest give way to new ones.
const MOST_UNTOUCHED: i64 = 50;
/// How many discarded ones; the oldest are gone for good.
const MOST_DISCARDED: i64 = 50;

/// A wizard's form so far. The form must hold no secret: it is stored in clear text.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// The row's id.
    pub id: DraftId,
    /// What was typed.
    pub form: serde_json::Value,
    /// Grows with each change, from 1; from 2 if it was filled in from elsewhere.
    pub version: i32,
    /// Whether it was discarded; it can be brought back for a while.
    pub discarded: bool,
    /// When the wizard was opened.
    pub created_at: OffsetDateTime,
    /// When it was last changed.
    pub updated_at: OffsetDateTime,
}

/// Opens a wizard. One that is `filled_in` from elsewhere counts as if somebody had typed that.
pub async fn insert(
    pg: impl PgExecutor<'_>,
    user: UserId,
    form: &serde_json::Value,
    filled_in: bool,
    now: OffsetDateTime,
) -> Result<Draft> {
    let (id, form) = (DraftId::new(), text::json(form));
    let version = if filled_in { 2 } else { 1 };
    sqlx::query!(
        "with untouched as (
             select id from drafts where user_id = $2 and version = 1 and coalesce(form ->> 'hostname', '') = ''
             order by created_at desc offset $5
         ), gone as (delete from drafts where id in (select id from untouched))
         insert into drafts (id, user_id, form, version, created_at, updated_at) values ($1, $2, $3, $6, $4, $4)",
        id.uuid(),
        user.uuid(),
        form,
        now,
        MOST_UNTOUCHED - 1,
        version,
    )
    .execute(pg)
    .await?;
    Ok(Draft { id, form, version, discarded: false, created_at: now, updated_at: now })
}

/// How many the user has of those that [`list`] answers.
pub async fn count(pg: impl PgExecutor<'_>, user: UserId) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from drafts
           where user_id = $1 and discarded_at is null and (version > 1 or coalesce(form ->> 'hostname', '') <> '')"#,
        user.uuid(),
    );
    Ok(count.fetch_one(pg).await?)
}

/// One of the user's wizards, a discarded one included.
pub async fn find(pg: impl PgExecutor<'_>, user: UserId, id: DraftId) -> Result<Option<Draft>> {
    let row = sqlx::query!(
        "select form, version, discarded_at, created_at, updated_at from drafts where id = $1 and user_id = $2",
        id.uuid(),
        user.uuid(),
    )
    .fetch_optional(pg)
    .await?;
    Ok(row.map(|row| Draft {
        id,
        form: row.form,
        version: row.version,
        discarded: row.discarded_at.is_some(),
        created_at: row.created_at,
        updated_at: row.updated_at,
    }))
}

/// The user's wizards in which something was typed or filled in from elsewhere, the latest first, without discarded ones.
pub async fn list(pg: impl PgExecutor<'_>, user: UserId) -> Result<Vec<Draft>> {
    let rows = sqlx::query!(
        "select id, form, version, created_at, updated_at from drafts
         where user_id = $1 and discarded_at is null and (version > 1 or coalesce(form ->> 'hostname', '') <> '')
         order by updated_at desc",
        user.uuid(),
    )
    .fetch_all(pg)
    .await?;
    let drafts = rows.into_iter().map(|row| Draft {
        id: row.id.into(),
        form: row.form,
        version: row.version,
        discarded: false,
        created_at: row.created_at,
        updated_at: row.updated_at,
    });
    Ok(drafts.collect())
}

/// Stores the form in place of that version, and answers the new one; a discarded draft is back by that, if it is to be. None when the user
/// has no such draft, or it has been changed since.
pub async fn update(
    pg: impl PgExecutor<'_>,
    user: UserId,
    id: DraftId,
    version: i32,
    form: &serde_json::Value,
    bring_back: bool,
    now: OffsetDateTime,
) -> Result<Option<i32>> {
    Ok(sqlx::query_scalar!(
        "update drafts set form = $4, version = version + 1, updated_at = $5, discarded_at = null
         where id = $1 and user_id = $2 and version = $3 and ($6 or discarded_at is null) returning version",
        id.uuid(),
        user.uuid(),
        version,
        text::json(form),
        now,
        bring_back,
    )
    .fetch_optional(pg)
    .await?)
}

/// Puts a draft aside, to be brought back or swept. False when the user has no such draft that is not aside already.
pub async fn discard(
    pg: impl PgExecutor<'_>,
    user: UserId,
    id: DraftId,
    now: OffsetDateTime,
) -> Result<bool> {
    let done = sqlx::query!(
        "with aside as (
             select id from drafts where user_id = $2 and discarded_at is not null
                 and exists (select from drafts where id = $1 and user_id = $2 and discarded_at is null)
             order by discarded_at desc, id offset $4
         ), gone as (delete from drafts where id in (select id from aside))
         update drafts set discarded_at = $3 where id = $1 and user_id = $2 and discarded_at is null",
        id.uuid(),
        user.uuid(),
        now,
        MOST_DISCARDED - 1,
    )
    .execute(pg)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Brings a discarded draft back. False when the user has no such draft.
pub async fn restore(
    pg: impl PgExecutor<'_>,
    user: UserId,
    id: DraftId,
    now: OffsetDateTime,
) -> Result<bool> {
    let done = sqlx::query!(
        "update drafts set discarded_at = null, updated_at = $3 where id = $1 and user_id = $2",
        id.uuid(),
        user.uuid(),
        now,
    )
    .execute(pg)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes that version of a draft away, for the creation that it becomes in the same transaction. False when the user has no such draft,
/// or it has been changed since.
pub async fn take(conn: &mut PgConnection, user: UserId, id: DraftId, version: i32) -> Result<bool> {
    let done = sqlx::query!(
        "delete from drafts where id = $1 and user_id = $2 and version = $3",
        id.uuid(),
        user.uuid(),
        version,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// What is swept, each kind by when it was last touched.
#[derive(Clone, Copy, Debug)]
pub struct Sweep {
    /// Drafts in which something was typed.
    pub kept_since: OffsetDateTime,
    /// Discarded ones, and those in which nothing was typed.
    pub aside_since: OffsetDateTime,
}

/// Throws away what nobody has touched since then; returns how many.
pub async fn sweep(pg: impl PgExecutor<'_>, sweep: Sweep) -> Result<u64> {
    let done = sqlx::query!(
        "delete from drafts where updated_at < $1 or discarded_at < $2
             or (version = 1 and coalesce(form ->> 'hostname', '') = '' and updated_at < $2)",
        sweep.kept_since,
        sweep.aside_since,
    )
    .execute(pg)
    .await?;
    Ok(done.rows_affected())
}
