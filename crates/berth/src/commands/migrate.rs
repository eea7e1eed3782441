//! `berth migrate`: the schema, brought up to date.

use secrecy::{ExposeSecret as _, SecretString};

/// Applies what is missing. Safe to run in several places at once.
pub(crate) async fn migrate(database_url: &SecretString) -> anyhow::Result<()> {
    let pool = berth_store::connect_postgres(database_url.expose_secret(), 1).await?;
    berth_store::migrate(&pool).await?;
    tracing::info!("the database's schema is up to date");
    pool.close().await;
    Ok(())
}
