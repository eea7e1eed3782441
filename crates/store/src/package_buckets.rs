//! Named lists of packages. Each belongs to one person.

use berth_domain::package::Package;
use berth_domain::package_bucket::{BucketName, PackageBucket};
use berth_domain::{PackageBucketId, UserId};
use sqlx::types::Json;
use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::error::{Result, decode};

/// The unique index on a person's names, whatever the case of their letters.
pub const NAME: &str = "package_buckets_name";

struct Row {
    id: Uuid,
    name: String,
    packages: Json<Vec<Package>>,
    revision: i32,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

impl Row {
    fn read(self) -> Result<PackageBucket> {
        Ok(PackageBucket {
            id: self.id.into(),
            name: decode(self.name, "package_buckets.name")?,
            packages: self.packages.0,
            revision: self.revision,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

/// The person's buckets by name.
pub async fn list(pg: impl PgExecutor<'_>, user: UserId) -> Result<Vec<PackageBucket>> {
    let rows = sqlx::query_as!(
        Row,
        r#"select id, name, packages as "packages: Json<Vec<Package>>", revision, created_at, updated_at
           from package_buckets where user_id = $1 order by lower(name)"#,
        user.uuid(),
    )
    .fetch_all(pg)
    .await?;
    rows.into_iter().map(Row::read).collect()
}

/// One of the person's buckets.
pub async fn find(
    pg: impl PgExecutor<'_>,
    user: UserId,
    id: PackageBucketId,
) -> Result<Option<PackageBucket>> {
    let row = sqlx::query_as!(
        Row,
        r#"select id, name, packages as "packages: Json<Vec<Package>>", revision, created_at, updated_at
           from package_buckets where id = $1 and user_id = $2"#,
        id.uuid(),
        user.uuid(),
    )
    .fetch_optional(pg)
    .await?;
    row.map(Row::read).transpose()
}

/// How many buckets the person has.
pub async fn count(pg: impl PgExecutor<'_>, user: UserId) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from package_buckets where user_id = $1"#,
        user.uuid()
    );
    Ok(count.fetch_one(pg).await?)
}

/// Those of these buckets that are the person's, which nobody else changes until the transaction ends; in the order of their ids, so that
/// two who lock the same ones do not wait for each other.
pub async fn lock(
    conn: &mut PgConnection,
    user: UserId,
    ids: &[PackageBucketId],
) -> Result<Vec<PackageBucket>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query_as!(
        Row,
        r#"select id, name, packages as "packages: Json<Vec<Package>>", revision, created_at, updated_at
           from package_buckets where id = any($1) and user_id = $2 order by id for update"#,
        &ids,
        user.uuid(),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Row::read).collect()
}

/// Makes a bucket. A conflict on [`NAME`] when the person has one of that name.
pub async fn insert(
    pg: impl PgExecutor<'_>,
    user: UserId,
    name: &BucketName,
    packages: &[Package],
    now: OffsetDateTime,
) -> Result<PackageBucket> {
    let id = PackageBucketId::new();
    sqlx::query!(
        "insert into package_buckets (id, user_id, name, packages, created_at, updated_at) values ($1, $2, $3, $4, $5, $5)",
        id.uuid(),
        user.uuid(),
        name.as_str(),
        Json(packages) as _,
        now,
    )
    .execute(pg)
    .await?;
    let (name, packages) = (name.clone(), packages.to_vec());
    Ok(PackageBucket { id, name, packages, revision: 1, created_at: now, updated_at: now })
}

/// Changes a bucket that is still as its reader has seen it. False when it is not, or when the person has no such bucket; a conflict on
/// [`NAME`] when the person has another one of that name.
pub async fn update(
    pg: impl PgExecutor<'_>,
    user: UserId,
    id: PackageBucketId,
    seen: i32,
    name: &BucketName,
    packages: &[Package],
    now: OffsetDateTime,
) -> Result<bool> {
    let done = sqlx::query!(
        "update package_buckets set name = $4, packages = $5, updated_at = $6, revision = revision + 1
         where id = $1 and user_id = $2 and revision = $3",
        id.uuid(),
        user.uuid(),
        seen,
        name.as_str(),
        Json(packages) as _,
        now,
    )
    .execute(pg)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Deletes a bucket. False when the person has no such bucket.
pub async fn delete(pg: impl PgExecutor<'_>, user: UserId, id: PackageBucketId) -> Result<bool> {
    let done =
        sqlx::query!("delete from package_buckets where id = $1 and user_id = $2", id.uuid(), user.uuid())
            .execute(pg)
            .await?;
    Ok(done.rows_affected() == 1)
}
