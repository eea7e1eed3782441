//! `adduser`, `deluser`, `passwd`, `chpasswd` and `visudo` of the host, `useradd` and `chpasswd` of guests. What they print is Debian 13's, from its own
//! sources: there is no recording of them.

use std::fs;
use std::io::{self, BufRead, Write};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

use super::{err, out, value_of};
use crate::guest::init::all_ids_mapped;
use crate::{sudoers, unix};

const ROOT: &str = "/";

/// Who runs this program. Where the sandbox knows no user but root, the environment tells.
pub(super) fn whoami() -> String {
    if !all_ids_mapped() {
        return std::env::var("LOGNAME").unwrap_or_else(|_| "root".to_owned());
    }
    let uid = nix::unistd::geteuid().as_raw();
    let found = unix::accounts(Path::new(ROOT)).into_iter().find(|account| account.uid == uid);
    found.map_or_else(|| uid.to_string(), |account| account.name)
}

/// `adduser [--disabled-password] [--gecos TEXT] [--home DIR] [--shell SHELL] USER [GROUP]`
pub(super) fn adduser(args: &[String]) -> i32 {
    let (mut gecos, mut home, mut shell) = (String::new(), None, "/bin/bash".to_owned());
    let (mut names, mut without_password, mut index) = (Vec::new(), false, 0);
    while index < args.len() {
        match args[index].as_str() {
            "--disabled-password" | "--disabled-login" => without_password = true,
            word if word.starts_with("--") => {
                if let Some(value) = value_of(args, &mut index, &["--gecos", "--comment"]) {
                    gecos = value;
                } else if let Some(value) = value_of(args, &mut index, &["--home"]) {
                    home = Some(value);
                } else if let Some(value) = value_of(args, &mut index, &["--shell"]) {
                    shell = value;
                }
            }
            name => names.push(name.to_owned()),
        }
        index += 1;
    }
    if whoami() != "root" {
        err("fatal: Only root may add a user or group to the system.");
        return 1;
    }
    match names.as_slice() {
        [name, group] => told(join_group(name, group)),
        [name] => {
            let home = home.unwrap_or_else(|| format!("/home/{name}"));
            let made = add(name, &gecos, &home, &shell);
            if made.is_ok() && !without_password { passwd(std::slice::from_ref(name)) } else { told(made) }
        }
        _ => told(Err("fatal: Only one or two names allowed.".to_owned())),
    }
}

fn told(result: Result<(), String>) -> i32 {
    result.map_or_else(
        |text| {
            err(text);
            1
        },
        |()| 0,
    )
}

fn append(path: &str, line: &str) -> Result<(), String> {
    let file = fs::OpenOptions::new().create(true).append(true).open(path);
    file.and_then(|mut file| writeln!(file, "{line}")).map_err(|error| format!("fatal: {path}: {error}"))
}

fn add(name: &str, gecos: &str, home: &str, shell: &str) -> Result<(), String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
    if !name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_') || !name.chars().all(plain) {
        return Err(format!(
            "fatal: Please enter a username matching the regular expression (invalid: {name})."
        ));
    }
    let all = unix::accounts(Path::new(ROOT));
    if all.iter().any(|account| account.name == name) {
        return Err(format!("fatal: The user `{name}' already exists."));
    }
    let id = all.iter().map(|account| account.uid).filter(|id| (1000..60_000).contains(id)).max();
    let id = id.map_or(1000, |id| id + 1);
    out(format!(
        "info: Adding user `{name}' ...\ninfo: Adding new group `{name}' ({id}) ...\ninfo: Adding new user `{name}' ({id}) with group `{name} ({id})' ...\ninfo: Creating home directory `{home}' ...\n"
    ));
    append("/etc/group", &format!("{name}:x:{id}:"))?;
    append("/etc/passwd", &format!("{name}:x:{id}:{id}:{gecos}:{home}:{shell}"))?;
    append("/etc/shadow", &format!("{name}:!:20000:0:99999:7:::"))?;
    let made = fs::create_dir_all(home)
        .and_then(|()| fs::set_permissions(home, fs::Permissions::from_mode(0o700)))
        .and_then(|()| if all_ids_mapped() { chown(home, Some(id), Some(id)) } else { Ok(()) });
    made.map_err(|error| format!("fatal: {home}: {error}"))
}

fn join_group(name: &str, group: &str) -> Result<(), String> {
    let text = fs::read_to_string("/etc/group").unwrap_or_default();
    let mut known = false;
    let lines = text.lines().map(|line| {
        if line.split(':').next() != Some(group) {
            return line.to_owned();
        }
        known = true;
        if line.ends_with(':') { format!("{line}{name}") } else { format!("{line},{name}") }
    });
    let changed: Vec<String> = lines.collect();
    if !known {
        return Err(format!("fatal: The group `{group}' does not exist."));
    }
    if unix::find(Path::new(ROOT), name).is_none() {
        return Err(format!("fatal: The user `{name}' does not exist."));
    }
    out(format!("info: Adding user `{name}' to group `{group}' ...\n"));
    fs::write("/etc/group", changed.join("\n") + "\n").map_err(|error| format!("fatal: /etc/group: {error}"))
}

/// `deluser [--remove-home] USER`
pub(super) fn deluser(args: &[String]) -> i32 {
    let name = args.iter().find(|arg| !arg.starts_with("--")).cloned().unwrap_or_default();
    let Some(account) = unix::find(Path::new(ROOT), &name).filter(|_| whoami() == "root") else {
        err(format!("fatal: The user `{name}' does not exist."));
        return 2;
    };
    out(format!("info: Removing user `{name}' ...\n"));
    for path in ["/etc/passwd", "/etc/shadow", "/etc/group"] {
        let text = fs::read_to_string(path).unwrap_or_default();
        let kept: Vec<&str> = text.lines().filter(|line| line.split(':').next() != Some(&name)).collect();
        if let Err(error) = fs::write(path, kept.join("\n") + "\n") {
            return told(Err(format!("fatal: {path}: {error}")));
        }
    }
    if args.iter().any(|arg| arg == "--remove-home") {
        // A home that is gone already is what was asked for.
        let _ = fs::remove_dir_all(account.home);
    }
    0
}

fn ask(prompt: &str) -> String {
    let _ = io::stderr().write_all(prompt.as_bytes());
    let mut line = String::new();
    let _ = io::stdin().lock().read_line(&mut line);
    line.trim_end_matches(['\r', '\n']).to_owned()
}

/// `passwd [USER]`: the new password comes on standard input, twice.
pub(super) fn passwd(args: &[String]) -> i32 {
    let me = whoami();
    let name = args.first().filter(|name| !name.starts_with('-')).cloned().unwrap_or_else(|| me.clone());
    if me != "root" {
        err(format!("passwd: You may not view or modify password information for {name}."));
        return 1;
    }
    if unix::find(Path::new(ROOT), &name).is_none() {
        err(format!("passwd: user '{name}' does not exist"));
        return 1;
    }
    let (one, two) = (ask("New password: "), ask("Retype new password: "));
    if one != two || one.is_empty() {
        err(if one.is_empty() { "No password has been supplied." } else { "Sorry, passwords do not match." });
        err("passwd: Authentication token manipulation error\npasswd: password unchanged");
        return 10;
    }
    let code = keep(&name, one);
    if code == 0 {
        err("passwd: password updated successfully");
    }
    code
}

/// The simulator keeps passwords: it is the one that checks them.
fn keep(name: &str, password: String) -> i32 {
    super::host::command("chpasswd", &[name.into(), password.into()])
}

/// `useradd [--system] [--create-home] [--home-dir DIR] [--shell SHELL] [--groups GROUP,…] USER` of a guest.
pub(super) fn useradd(args: &[String]) -> i32 {
    let (mut home, mut shell, mut groups) = (None, "/bin/sh".to_owned(), String::new());
    let (mut system, mut with_home, mut name, mut index) = (false, false, String::new(), 0);
    while index < args.len() {
        match args[index].as_str() {
            "--system" | "-r" => system = true,
            "--create-home" | "-m" => with_home = true,
            word => {
                if let Some(value) = value_of(args, &mut index, &["--home-dir", "-d"]) {
                    home = Some(value);
                } else if let Some(value) = value_of(args, &mut index, &["--shell", "-s"]) {
                    shell = value;
                } else if let Some(value) = value_of(args, &mut index, &["--groups", "-G"]) {
                    groups = value;
                } else if !word.starts_with('-') {
                    word.clone_into(&mut name);
                }
            }
        }
        index += 1;
    }
    let home = home.unwrap_or_else(|| format!("/home/{name}"));
    let made = new_account(&name, &home, &shell, system, with_home);
    told(made.and_then(|()| {
        groups.split(',').filter(|group| !group.is_empty()).try_for_each(|group| join_group(&name, group))
    }))
}

fn new_account(name: &str, home: &str, shell: &str, system: bool, with_home: bool) -> Result<(), String> {
    let all = unix::accounts(Path::new(ROOT));
    if name.is_empty() || all.iter().any(|account| account.name == name) {
        return Err(format!("useradd: user '{name}' already exists"));
    }
    let range = if system { 200..999 } else { 1000..60_000 };
    let used = all.iter().map(|account| account.uid).filter(|id| range.contains(id)).max();
    let id = used.map_or(range.start, |id| id + 1);
    append("/etc/group", &format!("{name}:x:{id}:"))?;
    append("/etc/passwd", &format!("{name}:x:{id}:{id}::{home}:{shell}"))?;
    if !with_home {
        return Ok(());
    }
    let made = fs::create_dir_all(home)
        .and_then(|()| if all_ids_mapped() { chown(home, Some(id), Some(id)) } else { Ok(()) });
    made.map_err(|error| format!("useradd: {home}: {error}"))
}

/// `chpasswd` of a guest: nobody logs in there with a password, so none is kept.
pub(super) fn chpasswd_of_guest() -> i32 {
    let unknown = io::stdin().lock().lines().map_while(Result::ok).find(|line| {
        line.split_once(':').is_none_or(|(name, _)| unix::find(Path::new(ROOT), name).is_none())
    });
    told(unknown.map_or(Ok(()), |_| Err("chpasswd: a line has no known user".to_owned())))
}

/// `chpasswd`: lines of `USER:PASSWORD` on standard input.
pub(super) fn chpasswd() -> i32 {
    if whoami() != "root" {
        err("chpasswd: Cannot determine your user name.");
        return 1;
    }
    for (index, line) in io::stdin().lock().lines().map_while(Result::ok).enumerate() {
        let Some((name, password)) = line.split_once(':') else {
            err(format!("chpasswd: line {}: missing new password", index + 1));
            return 1;
        };
        if unix::find(Path::new(ROOT), name).is_none() {
            err(format!("chpasswd: line {}: user '{name}' does not exist", index + 1));
            return 1;
        }
        let code = keep(name, password.to_owned());
        if code != 0 {
            return code;
        }
    }
    0
}

/// `visudo -c`: the files, with what is wrong in them.
pub(super) fn visudo(args: &[String]) -> i32 {
    if whoami() != "root" {
        err("visudo: /etc/sudoers: Permission denied");
        return 1;
    }
    if !args.iter().any(|arg| arg == "-c" || arg == "--check" || arg.starts_with("-c")) {
        err("visudo: no editor found (editor path = /usr/bin/editor)");
        return 1;
    }
    let mut code = 0;
    for path in sudoers::files(Path::new(ROOT)) {
        let name = path.display();
        let mode = path.metadata().map_or(0, |meta| meta.permissions().mode() & 0o7777);
        let (_, errors) = sudoers::parse(&fs::read_to_string(&path).unwrap_or_default());
        for error in &errors {
            err(format!("{name}:{}:1: syntax error", error.line));
        }
        if mode != 0o440 {
            err(format!("{name}: bad permissions, should be mode 0440"));
        }
        if errors.is_empty() && mode == 0o440 {
            out(format!("{name}: parsed OK\n"));
        } else {
            code = 1;
        }
    }
    code
}
