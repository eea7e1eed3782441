//! OpenRC's `rc-service`, `rc-update` and `rc-status` over the same manager of units.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::manager::{ask, full_name, show};
use super::{err, out};
use crate::guest::init::{Request, Response, find_unit};

/// One of the three programs.
pub(super) fn main(called: &str, args: &[String]) -> i32 {
    let words: Vec<&str> = args.iter().map(String::as_str).filter(|word| !word.starts_with('-')).collect();
    match (called, words.as_slice()) {
        ("rc-service", [name, action]) => service(name, action),
        ("rc-update", ["add", name, ..]) => enable(name),
        ("rc-update", ["del" | "delete", name, ..]) => {
            // Not enabled is what was asked for.
            let _ =
                fs::remove_file(format!("/etc/systemd/system/multi-user.target.wants/{}", full_name(name)));
            out(format!(" * service {name} removed from runlevel default\n"));
            0
        }
        ("rc-update", _) => {
            for name in services(true) {
                out(format!("{name:>20} | default\n"));
            }
            0
        }
        ("rc-status", _) => status(),
        _ => {
            err(format!("{called}: usage: {called} NAME ACTION"));
            1
        }
    }
}

fn service(name: &str, action: &str) -> i32 {
    let unit = full_name(name);
    if find_unit(&unit).is_none() {
        err(format!(" * rc-service: service `{name}' does not exist"));
        return 1;
    }
    let request = match action {
        "start" => Request::Start(unit),
        "stop" => Request::Stop(unit),
        "restart" => Request::Restart(unit),
        "reload" => Request::Reload(unit),
        _ => {
            let active = show(&[unit]).first().is_some_and(|info| info.active == "active");
            out(if active { " * status: started\n" } else { " * status: stopped\n" });
            return if active { 0 } else { 3 };
        }
    };
    if let Response::Refused { text, .. } = ask(&request) {
        err(format!(" * {text}"));
        return 1;
    }
    out(format!(" * {}ing {name} ... [ ok ]\n", if action == "stop" { "Stopp" } else { "Start" }));
    0
}

fn enable(name: &str) -> i32 {
    let unit = full_name(name);
    let Some(path) = find_unit(&unit) else {
        err(format!(" * rc-update: service `{name}' does not exist"));
        return 1;
    };
    let wants = Path::new("/etc/systemd/system/multi-user.target.wants");
    let link = wants.join(&unit);
    let made = fs::create_dir_all(wants)
        .and_then(|()| if link.symlink_metadata().is_ok() { Ok(()) } else { symlink(path, link) });
    if let Err(error) = made {
        err(format!(" * rc-update: {error}"));
        return 1;
    }
    out(format!(" * service {name} added to runlevel default\n"));
    0
}

/// Service names, of all or of those enabled.
fn services(enabled: bool) -> Vec<String> {
    let directory = if enabled { "/etc/systemd/system/multi-user.target.wants" } else { "/etc/init.d" };
    let mut names: Vec<String> = fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some(entry.file_name().to_str()?.trim_end_matches(".service").to_owned()))
        .collect();
    names.sort();
    names
}

fn status() -> i32 {
    out("Runlevel: default\n");
    for name in services(false) {
        let active = show(&[full_name(&name)]).first().is_some_and(|info| info.active == "active");
        out(format!(" {name:<60} [  {}  ]\n", if active { "started" } else { "stopped" }));
    }
    0
}
