//! Files that were sent with a form that is not saved yet.

use berth_domain::UserId;
use berth_domain::container_template::ContentHash;
use sqlx::{PgExecutor, query, query_scalar};
use time::OffsetDateTime;

use super::hash;
use crate::error::Result;

/// Keeps a content for the user's forms. Sent again, it is kept anew from `now`.
pub async fn upload(
    pg: impl PgExecutor<'_>,
    user: UserId,
    content: &[u8],
    now: OffsetDateTime,
) -> Result<ContentHash> {
    let hash = hash(content);
    query!(
        "insert into container_template_uploads (user_id, sha256, content, created_at) values ($1, $2, $3, $4)
         on conflict (user_id, sha256) do update set created_at = excluded.created_at",
        user.uuid(),
        hash.as_str(),
        content,
        now,
    )
    .execute(pg)
    .await?;
    Ok(hash)
}

/// How many bytes are kept for the user's forms.
pub async fn uploaded_bytes(pg: impl PgExecutor<'_>, user: UserId) -> Result<u64> {
    let bytes = query_scalar!(
        r#"select coalesce(sum(octet_length(content)), 0)::bigint as "bytes!" from container_template_uploads where user_id = $1"#,
        user.uuid(),
    )
    .fetch_one(pg)
    .await?;
    Ok(u64::try_from(bytes).unwrap_or(0))
}

/// Throws away what was sent before `since`; answers how many.
pub async fn expire_uploads(pg: impl PgExecutor<'_>, since: OffsetDateTime) -> Result<u64> {
    Ok(query!("delete from container_template_uploads where created_at < $1", since)
        .execute(pg)
        .await?
        .rows_affected())
}
