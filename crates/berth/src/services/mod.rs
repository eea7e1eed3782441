//! The private PostgreSQL and Redis of `berth up`, and the keeping of child processes.

pub(crate) mod keys;
mod leftovers;
pub(crate) mod place;
pub(crate) mod postgres;
pub(crate) mod redis;
pub(crate) mod supervise;
#[cfg(test)]
mod tests;

pub(crate) use leftovers::end_leftover;

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use nix::unistd::{Gid, Uid, User};
use tokio::process::Command;

/// The user that PostgreSQL and Redis run as when Berth is root; PostgreSQL refuses to be root.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    /// User id.
    pub(crate) uid: Uid,
    /// Group id.
    pub(crate) gid: Gid,
}

impl Account {
    /// The user `postgres` for root, `None` (stay who we are) for everyone else.
    pub(crate) fn of_process() -> anyhow::Result<Option<Self>> {
        if !Uid::effective().is_root() {
            return Ok(None);
        }
        let user = User::from_name("postgres").context("cannot look up the user postgres")?;
        let user = user.context("PostgreSQL refuses to run as root, and there is no user postgres: install the package postgresql")?;
        Ok(Some(Self { uid: user.uid, gid: user.gid }))
    }
}

/// A command that runs as `account` and is sent `death_signal` when this process dies, however it dies.
pub(crate) fn command(program: &OsStr, account: Option<&Account>, death_signal: &str) -> Command {
    let Some(setpriv) = in_path("setpriv") else { return without_setpriv(program, account) };
    let mut command = Command::new(setpriv);
    if let Some(account) = account {
        command
            .arg(format!("--reuid={}", account.uid))
            .arg(format!("--regid={}", account.gid))
            .arg("--clear-groups");
    }
    command.arg("--pdeathsig").arg(death_signal).arg("--").arg(program);
    command
}

/// Where setpriv is missing, a killed `berth up` leaves its children; the next one ends them.
fn without_setpriv(program: &OsStr, account: Option<&Account>) -> Command {
    let mut command = Command::new(program);
    if let Some(account) = account {
        command.uid(account.uid.as_raw()).gid(account.gid.as_raw());
    }
    command
}

/// The program of this name in `PATH`.
pub(crate) fn in_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(program)).find(|file| file.is_file())
}

/// The end of a log file, for error messages.
pub(crate) fn tail(log: &Path) -> String {
    let text =
        std::fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(8)..].join("\n")
}

/// A log file opened for appending, begun anew once it is over 1 MiB.
pub(crate) fn open_log(log: &Path) -> anyhow::Result<File> {
    let too_long = std::fs::metadata(log).is_ok_and(|meta| meta.len() > 1 << 20);
    let mut options = OpenOptions::new();
    options.create(true).write(true).append(!too_long).truncate(too_long);
    options.open(log).with_context(|| format!("cannot write {}", log.display()))
}
