//! `berth rotate-key`: every stored secret sealed anew under the current key.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use berth_store::crypto::KeyId;
use berth_store::rotation::{self, Report, Rotation, Unreadable, Usage};
use berth_store::{Keyring, PgPool};
use clap::Args;
use secrecy::{ExposeSecret as _, SecretString};

use super::context::shutdown_on_signal;
use super::say;
use crate::config::{Keys, Variables, keys};
use crate::services::keys::KeyFiles;
use crate::services::place::Place;
use crate::services::postgres::Postgres;

/// What is asked for beside the rotation itself.
#[derive(Args)]
pub(crate) struct Options {
    /// For `berth up`: make the key that it takes when it starts the next time, and do nothing else
    ///
    /// Restart `berth up` then: it seals with the new key and re-encrypts every secret before it serves pages.
    #[arg(long, conflicts_with = "forget")]
    new_key: bool,
    /// Give up the secrets of a key that is lost: they become empty, and their owners have to type them again
    ///
    /// This cannot be undone. A key that is given is never given up.
    #[arg(long, value_name = "KEY-ID")]
    forget: Option<KeyId>,
}

impl Options {
    /// Whether only a new key is wanted.
    pub(crate) const fn new_key(&self) -> bool {
        self.new_key
    }
}

/// Takes what is not set from the data directory of a `berth up`, as its own web and worker do.
pub(crate) fn fall_back(variables: &mut Variables, data_dir: &Path) {
    let private = Place::private_of(data_dir);
    let (files, run) = (KeyFiles::of(&private), private.join("run"));
    if run.join(".s.PGSQL.5432").exists() {
        variables.fall_back("BERTH_DATABASE_URL", "BERTH_DATABASE_URL", Postgres::url_in(&run));
    }
    if files.current.exists()
        && variables.fall_back(keys::CURRENT, "BERTH_ENCRYPTION_KEY_FILE", &files.current)
    {
        variables.fall_back(keys::OLD, "BERTH_OLD_ENCRYPTION_KEYS_FILE", &files.old);
    }
}

/// Makes the next key of a `berth up`.
pub(crate) fn make_key(data_dir: &Path) -> anyhow::Result<()> {
    let files = KeyFiles::of(&Place::private_of(data_dir));
    anyhow::ensure!(
        files.current.exists(),
        "there is no key of a `berth up` in {}: where you set BERTH_ENCRYPTION_KEY yourself, see \"Changing the encryption key\" in docs/operating.md",
        data_dir.display()
    );
    let (id, fresh) = files.make_next()?;
    let state = if fresh { "was made" } else { "waits already" };
    say(&format!(
        "The key {id} {state}. Restart `berth up`: it takes that key and re-encrypts every secret."
    ));
    Ok(())
}

/// Re-encrypts what is left under older keys; fails while something is.
pub(crate) async fn rotate_key(
    database_url: &SecretString,
    keys: &Keys,
    options: &Options,
) -> anyhow::Result<ExitCode> {
    let keyring = keys.keyring();
    if let Some(id) = options.forget {
        anyhow::ensure!(
            !keyring.ids().any(|known| known == id),
            "the key {id} is given, so its secrets are not lost: run `berth rotate-key` without --forget"
        );
    }
    // Two: when it is told to stop, the first may still wait for somebody's lock.
    let pg = berth_store::connect_postgres(database_url.expose_secret(), 2).await?;
    let before = usage(&pg).await?;
    let stop = shutdown_on_signal();
    let mut rotation = Rotation::new(&pg, &keyring, options.forget);
    let stopped = loop {
        // Whatever a step was about to do when it is dropped, it is done or not.
        tokio::select! {
            () = stop.cancelled() => break true,
            more = rotation.step() => if !more? { break false },
        }
    };
    let report = rotation.report().clone();
    let left = left(&usage(&pg).await?, &keyring);
    tell(&report, &before, &keyring, left, stopped);
    Ok(if left == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Which keys the stored secrets need.
pub(crate) async fn usage(pg: &PgPool) -> anyhow::Result<Usage> {
    rotation::usage(pg).await.context("cannot read which keys are in use; has `berth migrate` been run?")
}

fn left(usage: &Usage, keyring: &Keyring) -> u64 {
    usage.iter().filter(|(id, _)| **id != Some(keyring.current())).map(|(_, count)| count).sum()
}

fn tell(report: &Report, before: &Usage, keyring: &Keyring, left: u64, stopped: bool) {
    let total: u64 = before.values().sum();
    let current = before.get(&Some(keyring.current())).copied().unwrap_or_default();
    let Report { sealed_anew, forgotten, unreadable } = report;
    say(&format!("{sealed_anew} of {total} secrets re-encrypted; {current} were current."));
    if *forgotten > 0 {
        say(&format!("{forgotten} given up: their nodes fail until their owners type the secrets again."));
    }
    for unreadable in unreadable {
        say(&format!("{}: {}", unreadable.place, remedy(unreadable, keyring)));
    }
    let id = keyring.current();
    let end = match left {
        0 => format!("Every secret is under the key {id}. Older keys are needed only for older backups."),
        _ if stopped => format!("Stopped; {left} are left. Run it again to go on."),
        _ => format!("{left} are left that are not under the key {id}."),
    };
    say(&end);
}

fn remedy(unreadable: &Unreadable, keyring: &Keyring) -> String {
    match unreadable.key.filter(|key| !keyring.ids().any(|known| known == *key)) {
        Some(key) => format!(
            "sealed with the key {key}, which is not given: add it to {} and run this again, or, if it is lost, run `berth rotate-key --forget {key}`",
            keys::OLD
        ),
        None => {
            "damaged, or moved there from elsewhere: its owner has to type it again in the node's settings"
                .into()
        }
    }
}
