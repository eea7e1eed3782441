//! `chown`, `chgrp` and `install` where the sandbox knows no user but root: checked and noted, not done.

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use super::{bytes, err};
use crate::guest::init::{all_ids_mapped, lookup};

/// What was asked for and cannot be done: one line per call.
const NOTES: &str = "/var/log/ownership.log";

/// Becomes the machine's own program.
fn become_real(name: &str, args: &[OsString]) -> i32 {
    let error = Command::new(format!("/usr/.machine/bin/{name}")).arg0(name).args(args).exec();
    err(format!("{name}: {error}"));
    127
}

/// `chown [OPTIONS] OWNER FILE …` and `chgrp`
pub(super) fn change(name: &str, args: &[OsString]) -> i32 {
    if all_ids_mapped() || args.iter().any(|arg| bytes(arg).starts_with(b"--reference") || arg == "--version")
    {
        return become_real(name, args);
    }
    let words: Vec<&OsString> = args.iter().filter(|arg| !bytes(arg).starts_with(b"-")).collect();
    let Some((owner, files)) = words.split_first().filter(|(_, files)| !files.is_empty()) else {
        return become_real(name, args);
    };
    let owner = owner.to_string_lossy();
    if let Some(unknown) = unknown_owner(name, &owner) {
        err(format!("{name}: invalid {}: ‘{unknown}’", if name == "chgrp" { "group" } else { "user" }));
        return 1;
    }
    let mut code = 0;
    for file in files.iter().filter(|file| Path::new(file).symlink_metadata().is_err()) {
        err(format!("{name}: cannot access '{}': No such file or directory", file.to_string_lossy()));
        code = 1;
    }
    note(&format!(
        "{name} {owner} {}",
        files.iter().map(|file| file.to_string_lossy()).collect::<Vec<_>>().join(" ")
    ));
    code
}

fn unknown_owner<'a>(name: &str, owner: &'a str) -> Option<&'a str> {
    let (user, group) =
        if name == "chgrp" { ("", owner) } else { owner.split_once([':', '.']).unwrap_or((owner, "")) };
    let known = |file: &str, name: &str| name.is_empty() || lookup(file, name).is_some();
    (!known("/etc/passwd", user) || !known("/etc/group", group)).then_some(owner)
}

fn note(line: &str) {
    let file = std::fs::OpenOptions::new().create(true).append(true).open(NOTES);
    // A note that cannot be kept is no reason to fail.
    let _ = file.and_then(|mut file| writeln!(file, "{line}"));
}

/// `install`, without the owner where there is none to give.
pub(super) fn install(args: &[OsString]) -> i32 {
    if all_ids_mapped() {
        return become_real("install", args);
    }
    let mut kept = Vec::new();
    let mut words = args.iter();
    while let Some(word) = words.next() {
        let text = bytes(word);
        if matches!(text, b"-o" | b"-g" | b"--owner" | b"--group") {
            if let Some(owner) = words.next() {
                note(&format!("install {}", owner.to_string_lossy()));
            }
        } else if !text.starts_with(b"--owner=") && !text.starts_with(b"--group=") {
            kept.push(word.clone());
        }
    }
    become_real("install", &kept)
}
