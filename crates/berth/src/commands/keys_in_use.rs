//! Whether every key is given that the stored secrets need.

use berth_store::rotation::{self, Usage};
use berth_store::{Keyring, PgPool};

use super::rotate_key::usage;
use crate::config::{Wrong, keys};

/// Fails with the ids of the keys that are missing, now and not when a secret is first needed.
pub(crate) async fn ensure_given(pg: &PgPool, keyring: &Keyring) -> anyhow::Result<()> {
    let missing = rotation::missing(&usage(pg).await?, keyring);
    let lines = missing.iter().map(|(id, count)| {
        format!(
            "{count} stored secrets need the key {id}, which is not given: add it here, or, if it is lost, run `berth rotate-key --forget {id}`"
        )
    });
    if missing.is_empty() { Ok(()) } else { Err(Wrong::of(keys::OLD, lines).into()) }
}

/// Which key has sealed how many, for `berth check`.
pub(crate) async fn describe(pg: &PgPool, keyring: &Keyring) -> anyhow::Result<String> {
    let usage = usage(pg).await?;
    ensure_given(pg, keyring).await?;
    Ok(words(&usage, keyring))
}

fn words(usage: &Usage, keyring: &Keyring) -> String {
    let current = keyring.current();
    let count = |id| usage.get(&Some(id)).copied().unwrap_or_default();
    let mut words = vec![format!("{} secrets are under {current}, the current one", count(current))];
    for id in keyring.ids().filter(|id| *id != current) {
        let what =
            if count(id) == 0 { "it is needed only for older backups" } else { "run `berth rotate-key`" };
        words.push(format!("{} are under {id}: {what}", count(id)));
    }
    words.extend(usage.get(&None).map(|count| format!("{count} are damaged: `berth rotate-key` names them")));
    words.join("; ")
}
