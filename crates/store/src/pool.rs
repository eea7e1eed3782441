//! Connections to PostgreSQL.

use std::str::FromStr;
use std::time::Duration;

use sqlx::PgPool;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::error::{Error, Result};

/// The schema's history, embedded in the binary.
pub static MIGRATOR: Migrator = sqlx::migrate!("../../migrations");

/// How long a request waits for a connection, in a full pool or from a silent server.
const ACQUIRE: Duration = Duration::from_secs(5);

/// A pool of at most `max` connections. One connection is made at once, so that a wrong URL shows now.
pub async fn connect_postgres(url: &str, max: u32) -> Result<PgPool> {
    // The parser's message could repeat the URL, and with it a password.
    let options = PgConnectOptions::from_str(url)
        .map_err(|_| {
            Error::Url("the PostgreSQL URL does not parse: postgres://user:password@host/database".into())
        })?
        // A statement that hangs must not hold its connection for ever.
        .options([("statement_timeout", "30s"), ("idle_in_transaction_session_timeout", "60s")])
        .application_name("berth");
    Ok(PgPoolOptions::new()
        .max_connections(max)
        .acquire_timeout(ACQUIRE)
        .test_before_acquire(true)
        .connect_with(options)
        .await?)
}

/// Brings the schema up to date. Safe to run in several processes at once: the first holds a lock.
pub async fn migrate(pool: &PgPool) -> Result<()> {
    Ok(MIGRATOR.run(pool).await?)
}

/// Whether PostgreSQL answers.
pub async fn ping(pool: &PgPool) -> Result<()> {
    sqlx::query_scalar!(r#"select 1 as "one!""#).fetch_one(pool).await?;
    Ok(())
}
