//! `systemd-run`: a transient service that survives its caller.

use std::ffi::OsStr;
use std::path::Path;

use super::manager::{ask, full_name};
use super::{err, value_of};
use crate::guest::init::{Request, Response, resolve};

/// `systemd-run [OPTIONS] COMMAND …`
pub(super) fn main(args: &[String]) -> i32 {
    let (mut unit, mut description) = (None, None);
    let (mut properties, mut quiet, mut wait) = (Vec::new(), false, false);
    let mut index = 0;
    while index < args.len() && args[index].starts_with('-') {
        match args[index].as_str() {
            "--" => {
                index += 1;
                break;
            }
            "--quiet" | "-q" => quiet = true,
            "--wait" | "-P" | "--pipe" | "-t" | "--pty" => wait = true,
            "--collect" | "-G" => {
                properties.push(("CollectMode".to_owned(), "inactive-or-failed".to_owned()));
            }
            "--remain-after-exit" | "-r" => properties.push(("RemainAfterExit".to_owned(), "yes".to_owned())),
            "--no-block" | "--same-dir" | "-d" | "--scope" | "--no-ask-password" | "--system" => {}
            other => {
                let mut take = |names: &[&str]| value_of(args, &mut index, names);
                if let Some(name) = take(&["--unit", "-u"]) {
                    unit = Some(full_name(&name));
                } else if let Some(text) = take(&["--description"]) {
                    description = Some(text);
                } else if let Some(text) = take(&["--property", "-p"]) {
                    let (key, value) = text.split_once('=').unwrap_or((&text, ""));
                    properties.push((key.to_owned(), value.to_owned()));
                } else if let Some(text) = take(&["--setenv", "-E"]) {
                    properties.push(("Environment".to_owned(), format!("\"{text}\"")));
                } else if let Some(text) = take(&["--working-directory"]) {
                    properties.push(("WorkingDirectory".to_owned(), text));
                } else if let Some(text) = take(&["--uid"]) {
                    properties.push(("User".to_owned(), text));
                } else if take(&["--gid", "--slice", "--nice", "--service-type"]).is_none() {
                    err(format!("systemd-run: unrecognized option '{other}'"));
                    return 1;
                }
            }
        }
        index += 1;
    }
    let mut words: Vec<String> = args[index..].to_vec();
    let Some(program) = words.first().cloned() else {
        err("Command line to execute required.");
        return 1;
    };
    let path = std::env::var_os("PATH");
    if let Ok(found) = resolve(OsStr::new(&program), path.as_deref(), Path::new("/")) {
        words[0] = canonical(&found);
    } else {
        err(format!("Failed to find executable {program}: No such file or directory"));
        return 1;
    }
    let name = unit.unwrap_or_else(|| format!("run-u{}.service", std::process::id()));
    let description = description.unwrap_or_else(|| words.join(" "));
    match ask(&Request::Run { unit: name.clone(), description, argv: words, properties, wait }) {
        Response::Refused { text, code } => {
            err(text);
            code
        }
        Response::Ended(code) => code,
        _ => {
            if !quiet {
                err(format!("Running as unit: {name}"));
            }
            0
        }
    }
}

/// systemd shows the merged path of a program.
fn canonical(found: &Path) -> String {
    let text = found.display().to_string();
    if text.starts_with("/bin/") || text.starts_with("/sbin/") { format!("/usr{text}") } else { text }
}
