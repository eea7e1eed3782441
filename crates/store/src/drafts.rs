//! Wizards that have not been submitted yet.

use berth_domain::{DraftId, UserId};
use sqlx::PgExecutor;
use time::OffsetDateTime;

use crate::error::Result;
use crate::text;

/// A wizard's form so far. The form must hold no secret: it is stored in clear text.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// The row's id.
    pub id: DraftId,
    /// What was typed.
    pub form: serde_json::Value,
    /// When the wizard was opened.
    pub created_at: OffsetDateTime,
    /// When it was last changed.
    pub updated_at: OffsetDateTime,
}

/// Opens a wizard.
pub async fn insert(
    pg: impl PgExecutor<'_>,
    user: UserId,
    form: &serde_json::Value,
    now: OffsetDateTime,
) -> Result<Draft> {
    let (id, form) = (DraftId::new(), text::json(form));
    sqlx::query!(
        "insert into drafts (id, user_id, form, created_at, updated_at) values ($1, $2, $3, $4, $4)",
        id.uuid(),
        user.uuid(),
        form,
        now,
    )
    .execute(pg)
    .await?;
    Ok(Draft { id, form, created_at: now, updated_at: now })
}

/// One of the user's wizards.
pub async fn find(pg: impl PgExecutor<'_>, user: UserId, id: DraftId) -> Result<Option<Draft>> {
    let row = sqlx::query!(
        "select form, created_at, updated_at from drafts where id = $1 and user_id = $2",
        id.uuid(),
        user.uuid(),
    )
    .fetch_optional(pg)
    .await?;
    Ok(row.map(|row| Draft { id, form: row.form, created_at: row.created_at, updated_at: row.updated_at }))
}

/// The user's wizards in which something was typed, the latest first; at most 20.
pub async fn list(pg: impl PgExecutor<'_>, user: UserId) -> Result<Vec<Draft>> {
    let rows = sqlx::query!(
        "select id, form, created_at, updated_at from drafts where user_id = $1 and updated_at > created_at order by updated_at desc limit 20",
        user.uuid(),
    )
    .fetch_all(pg)
    .await?;
    let drafts = rows.into_iter().map(|row| Draft {
        id: row.id.into(),
        form: row.form,
        created_at: row.created_at,
        updated_at: row.updated_at,
    });
    Ok(drafts.collect())
}

/// Stores the form as it is now. False when the user has no such draft.
pub async fn update(
    pg: impl PgExecutor<'_>,
    user: UserId,
    id: DraftId,
    form: &serde_json::Value,
    now: OffsetDateTime,
) -> Result<bool> {
    let done = sqlx::query!(
        "update drafts set form = $3, updated_at = $4 where id = $1 and user_id = $2",
        id.uuid(),
        user.uuid(),
        text::json(form),
        now,
    )
    .execute(pg)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Throws a draft away. False when the user has no such draft: it may have been submitted in another tab.
pub async fn delete(pg: impl PgExecutor<'_>, user: UserId, id: DraftId) -> Result<bool> {
    let done = sqlx::query!("delete from drafts where id = $1 and user_id = $2", id.uuid(), user.uuid())
        .execute(pg)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Throws away what nobody has touched since then; returns how many.
pub async fn delete_older_than(pg: impl PgExecutor<'_>, since: OffsetDateTime) -> Result<u64> {
    Ok(sqlx::query!("delete from drafts where updated_at < $1", since).execute(pg).await?.rows_affected())
}
