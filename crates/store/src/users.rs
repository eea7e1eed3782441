//! People.

use berth_domain::user::User;
use berth_domain::{HostPort, UserId};
use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;

use crate::error::{Result, decode};
use crate::login_hosts::address;

/// The account of a userid on a login host, made at the first login.
pub async fn upsert_login(
    pg: impl PgExecutor<'_>,
    login_host: &HostPort,
    userid: &str,
    now: OffsetDateTime,
) -> Result<User> {
    let id = sqlx::query_scalar!(
        "insert into users (id, login_host, login_port, userid, created_at, last_login_at)
         values ($1, $2, $3, $4, $5, $5)
         on conflict on constraint users_identity do update set last_login_at = excluded.last_login_at
         returning id",
        UserId::new().uuid(),
        login_host.host.as_str(),
        i32::from(login_host.port),
        userid,
        now,
    )
    .fetch_one(pg)
    .await?;
    Ok(User { id: id.into(), login_host: login_host.clone(), userid: userid.into() })
}

/// The user of a session.
pub async fn find(pg: impl PgExecutor<'_>, id: UserId) -> Result<Option<User>> {
    let row = sqlx::query!("select login_host, login_port, userid from users where id = $1", id.uuid())
        .fetch_optional(pg)
        .await?;
    row.map(|row| {
        let login_host = address(&row.login_host, decode(row.login_port, "users.login_port")?)?;
        Ok(User { id, login_host, userid: row.userid })
    })
    .transpose()
}

/// Until the transaction ends, nobody else who asks for this adds to what the person keeps: what is counted first stays true.
pub async fn lock_kept(conn: &mut PgConnection, user: UserId) -> Result<()> {
    let name = format!("what {user} keeps");
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended($1, 0))", name).execute(conn).await?;
    Ok(())
}
