//! `berth check`: what the configuration reaches.

use std::fmt::Display;
use std::path::Path;
use std::process::ExitCode;

use secrecy::ExposeSecret as _;

use super::{keys_in_use, say};
use crate::config::{Config, Connections};

/// One line for each thing that Berth needs; fails when one of them is not there.
pub(crate) async fn check(config: &Config, connections: &Connections, unknown: &[String]) -> ExitCode {
    for warning in unknown {
        say(&format!("warning  {warning}"));
    }
    let database = berth_store::connect_postgres(connections.database_url.expose_secret(), 1).await;
    let redis = berth_store::Redis::connect(connections.redis_url.expose_secret(), 1).await;
    let keys = match &database {
        Ok(pg) => keys_in_use::describe(pg, &connections.keys.keyring()).await,
        Err(_) => Err(anyhow::anyhow!("PostgreSQL has to answer first")),
    };
    let rows = [
        row("configuration", &Ok::<_, &str>("every variable is right".to_owned())),
        row("PostgreSQL", &database.map(|_| "answers".to_owned())),
        row("encryption keys", &keys.map_err(|error| format!("{error:#}"))),
        row("Redis", &redis.map(|_| "answers".to_owned())),
        row("container templates", &container_templates(&config.container_templates)),
    ];
    if rows.into_iter().all(|good| good) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn row(name: &str, outcome: &Result<String, impl Display>) -> bool {
    match outcome {
        Ok(text) => say(&format!("ok       {name}: {text}")),
        Err(error) => say(&format!("wrong    {name}: {error}")),
    }
    outcome.is_ok()
}

fn container_templates(directory: &Path) -> Result<String, String> {
    let shown = directory.display();
    let entries = std::fs::read_dir(directory).map_err(|error| {
        format!("cannot read {shown}: {error}; set BERTH_CONTAINER_TEMPLATES to their directory")
    })?;
    let count = entries.flatten().filter(|entry| entry.path().join("template.conf").is_file()).count();
    Ok(format!("{count} in {shown}"))
}
