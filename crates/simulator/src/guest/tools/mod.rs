//! The programs a guest or the host has that are this program under another name.

mod accounts;
mod apk;
mod apt;
pub(crate) mod clients;
mod daemon;
mod docker;
pub(crate) mod host;
mod journalctl;
mod manager;
mod network;
mod openrc;
mod owner;
mod passwords;
mod ss;
mod switch_user;
mod systemctl;
mod systemd_run;
mod tar;
mod uptime;

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::init;

/// Acts as the program this process was called as; `None` when that is the simulator itself.
pub fn run() -> Option<i32> {
    let mut words = std::env::args_os();
    let called = words.next()?;
    // Outside a guest nothing is called anything else.
    if !Path::new(super::sandbox::TOOL).exists() {
        return None;
    }
    let name = Path::new(&called).file_name()?.to_string_lossy().into_owned();
    let raw: Vec<OsString> = words.collect();
    let args: Vec<String> = raw.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    Some(match name.trim_start_matches('-') {
        "init" => init::main(),
        "systemctl" if Path::new(init::HOST_SOCKET).exists() => host::systemctl(&raw),
        "systemctl" => systemctl::main(&args),
        "service" => systemctl::service(&args),
        "systemd-run" => systemd_run::main(&args),
        "journalctl" => journalctl::main(&args),
        "apt" | "apt-get" | "apt-cache" | "apt-mark" => apt::main(&name, &args),
        "apk" => apk::main(&args),
        "rc-service" | "rc-update" | "rc-status" => openrc::main(&name, &args),
        "hostname" => network::hostname(&args),
        "ip" => network::ip(&args),
        "uptime" => uptime::main(&args),
        "ss" => ss::main(&args),
        "tar" => tar::main(&raw),
        "docker" | "docker-compose" => docker::main(&name, &args),
        "pct" | "pvesh" | "pvesm" | "pveam" | "pveversion" | "qm" | "pveum" | "pvecm" => {
            host::program(&name, &raw)
        }
        "adduser" => accounts::adduser(&args),
        "deluser" => accounts::deluser(&args),
        "passwd" => accounts::passwd(&args),
        "chpasswd" if Path::new(init::HOST_SOCKET).exists() => accounts::chpasswd(),
        "chpasswd" => accounts::chpasswd_of_guest(),
        "useradd" => accounts::useradd(&args),
        "visudo" => accounts::visudo(&args),
        "lxc-attach" => host::attach(&raw),
        "sudo" if Path::new(init::HOST_SOCKET).exists() => host::sudo(&raw),
        "su" | "runuser" | "sudo" => switch_user::main(&name, &args),
        "chown" | "chgrp" => owner::change(&name, &raw),
        "install" => owner::install(&raw),
        other => clients::main(other, &args).unwrap_or_else(|| daemon::main(other, &args)),
    })
}

/// Writes to standard output; a reader that went away is no error of ours.
fn out(text: impl AsRef<str>) {
    let _ = std::io::stdout().write_all(text.as_ref().as_bytes());
    let _ = std::io::stdout().flush();
}

/// Writes a line to standard error.
fn err(text: impl AsRef<str>) {
    let mut line = text.as_ref().as_bytes().to_vec();
    line.push(b'\n');
    let _ = std::io::stderr().write_all(&line);
}

/// The value of an option, as `--name=value` or as the next word; the index is moved past it.
fn value_of(args: &[String], index: &mut usize, names: &[&str]) -> Option<String> {
    let word = &args[*index];
    for name in names {
        if word == name {
            *index += 1;
            return Some(args.get(*index).cloned().unwrap_or_default());
        }
        let rest = word.strip_prefix(name);
        if let Some(rest) = rest.filter(|rest| rest.starts_with('=') || !name.starts_with("--")) {
            return Some(rest.trim_start_matches('=').to_owned());
        }
    }
    None
}

fn is_full() -> bool {
    Path::new(init::DISK_FULL).exists()
}

/// Raw bytes of a word.
fn bytes(word: &OsString) -> &[u8] {
    word.as_os_str().as_bytes()
}
