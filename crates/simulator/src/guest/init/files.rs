//! `pct push` and `pct pull`, the inner half.

use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, fchown};
use std::os::unix::net::UnixStream;
use std::path::Path;

use crate::guest::wire::{self, Reply};

/// Copies the source descriptor into a file; fails with the text `pct push` prints.
pub(super) fn push(
    path: &Path,
    mode: Option<u32>,
    user: Option<&str>,
    group: Option<&str>,
    source: OwnedFd,
) -> Reply {
    match store(path, mode, user, group, source) {
        Ok(()) => Reply::Done,
        Err(text) => Reply::Failed(text),
    }
}

fn store(
    path: &Path,
    mode: Option<u32>,
    user: Option<&str>,
    group: Option<&str>,
    source: OwnedFd,
) -> Result<(), String> {
    let uid = user
        .map(|name| lookup("/etc/passwd", name).ok_or(format!("failed to get uid for: {name}")))
        .transpose()?;
    let gid = group
        .map(|name| lookup("/etc/group", name).ok_or(format!("failed to get gid for: {name}")))
        .transpose()?;
    let creating =
        |error: io::Error| format!("failed to create file: {}: {}", path.display(), describe(&error));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o644)
        .open(path)
        .map_err(creating)?;
    io::copy(&mut File::from(source), &mut file)
        .map_err(|error| format!("failed to write: {}", describe(&error)))?;
    if let Some(mode) = mode {
        file.set_permissions(Permissions::from_mode(mode))
            .map_err(|error| format!("failed to chmod: {error}"))?;
    }
    // An unprivileged sandbox has no other owner than 0 to give.
    if (uid.is_some() || gid.is_some()) && super::all_ids_mapped() {
        fchown(&file, uid, gid).map_err(|error| format!("failed to chown: {}", describe(&error)))?;
    }
    Ok(())
}

/// Opens a file for `pct pull` and sends its descriptor.
pub(super) fn pull(path: &Path, reply: &UnixStream) -> io::Result<()> {
    match File::open(path) {
        Ok(file) => wire::send(reply, &Reply::Done, &[file.as_fd()]),
        Err(error) => {
            let text = format!("failed to open {}: {}", path.display(), describe(&error));
            wire::send(reply, &Reply::Failed(text), &[])
        }
    }
}

/// A user or group as number, by name or already as number.
pub(crate) fn lookup(file: &str, name: &str) -> Option<u32> {
    if let Ok(number) = name.parse() {
        return Some(number);
    }
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.split(':').next() == Some(name))?;
    line.split(':').nth(2)?.parse().ok()
}

/// The system's text for an error, without Rust's number behind it.
pub(crate) fn describe(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}
