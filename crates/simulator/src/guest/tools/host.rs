//! The Proxmox host's own programs: they ask the simulator and do on the spot what it answers.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Arc;

use nix::sys::signal::{SigSet, Signal as Number};

use super::{accounts, err};
use crate::guest::init::{HOST_SOCKET, describe};
use crate::guest::wire::{self, Attach, Reply, Signal};
use crate::pct::protocol::{Answer, Ask};

/// sudo's words; there is no recording of them.
pub(crate) const NO_PASSWORD: &str = "sudo: a password is required";
const NO_TERMINAL: &str = "sudo: a terminal is required to read the password; either use the -S option to read from \
    standard input or configure an askpass helper";
const UNREACHABLE: &str = "ipcc_send_rec[1] failed: Connection refused";

fn argv(raw: &[OsString]) -> Vec<OsString> {
    raw.to_vec()
}

fn cwd() -> OsString {
    std::env::current_dir().map_or_else(|_| "/".into(), Into::into)
}

/// `pct`, `pvesh`, `pvesm`, `pveam`, `pveversion`, `pveum`, `pvecm`, `qm`.
pub(super) fn program(name: &str, raw: &[OsString]) -> i32 {
    if name != "pveversion" && accounts::whoami() != "root" {
        err("please run as root");
        return 255;
    }
    command(name, raw)
}

/// `systemctl` of the host: anybody may ask how a service is, root alone may restart it.
pub(super) fn systemctl(raw: &[OsString]) -> i32 {
    let asks = raw.iter().any(|word| word == "status" || word == "is-active");
    if !asks && accounts::whoami() != "root" {
        err("Failed to connect to the bus: Interactive authentication required.");
        return 1;
    }
    command("systemctl", raw)
}

/// Asks the simulator and does what it answers.
pub(super) fn command(name: &str, raw: &[OsString]) -> i32 {
    let env: Vec<_> = std::env::vars_os().collect();
    let ask = Ask::Command { program: name.to_owned(), argv: argv(raw), locale: locale(&env) };
    let Ok(stream) = UnixStream::connect(HOST_SOCKET) else {
        err(UNREACHABLE);
        return 255;
    };
    if wire::send(&stream, &ask, &[]).is_err() {
        err(UNREACHABLE);
        return 255;
    }
    while let Ok(Some((answer, _))) = wire::receive::<Answer>(&stream) {
        match answer {
            Answer::Out(text) => super::out(text),
            Answer::Err(text) => {
                let _ = io::stderr().write_all(text.as_bytes());
            }
            Answer::Exit(code) => return code,
            Answer::Attach { vmid, keep_env, argv } => return become_attach(vmid, keep_env, &argv),
            Answer::Push { vmid, from, to, mode, user, group } => {
                return push(vmid, &from, to, mode, user, group);
            }
            Answer::Pull { vmid, from, to, mode } => return pull(vmid, from, &to, mode),
        }
    }
    err(UNREACHABLE);
    255
}

fn locale(env: &[(OsString, OsString)]) -> Vec<(String, String)> {
    let text = |word: &OsString| word.to_string_lossy().into_owned();
    let wanted = |key: &str| key == "LANG" || key == "LANGUAGE" || key.starts_with("LC_");
    env.iter().map(|(key, value)| (text(key), text(value))).filter(|(key, _)| wanted(key)).collect()
}

/// `pct exec` replaces itself by `lxc-attach`, which is what `ps` shows on a real host.
fn become_attach(vmid: u32, keep_env: bool, argv: &[OsString]) -> i32 {
    let mut command = Command::new("/usr/bin/lxc-attach");
    command.arg0("lxc-attach").args(["-n", &vmid.to_string()]);
    command.arg(if keep_env { "--keep-env" } else { "--clear-env" }).arg("--").args(argv);
    err(format!("can't exec lxc-attach: {}", command.exec()));
    255
}

/// `lxc-attach -n VMID [--keep-env|--clear-env] -- COMMAND …`
pub(super) fn attach(raw: &[OsString]) -> i32 {
    let vmid = raw.get(1).and_then(|word| word.to_str()).and_then(|word| word.parse().ok()).unwrap_or(0);
    let keep = raw.get(2).is_some_and(|word| word == "--keep-env");
    let argv: Vec<OsString> = raw.iter().skip_while(|word| *word != "--").skip(1).cloned().collect();
    let name = argv.first().cloned().unwrap_or_default();
    let terminal = io::stdin().is_terminal();
    let request = Attach { argv, env: environment(keep), cwd: cwd(), terminal };
    match run_there(&Ask::Attach { vmid, request }) {
        Ok(Reply::Exit(code)) | Err(code) => code,
        Ok(Reply::NotStarted(number)) => {
            let text = describe(&io::Error::from_raw_os_error(number));
            err(format!(
                "lxc-attach: {vmid}: ../src/lxc/attach.c: lxc_attach_run_command: 1841 {text} - Failed to exec \"{}\"",
                name.to_string_lossy()
            ));
            if number == 2 { 127 } else { 126 }
        }
        Ok(Reply::Failed(text)) => {
            err(text);
            255
        }
        // The container was stopped under the command.
        Ok(Reply::Done) => 137,
    }
}

/// Hands the descriptors of this process to a command elsewhere, and its signals, and waits for its end.
fn run_there(ask: &Ask) -> Result<Reply, i32> {
    let unreachable = || {
        err(UNREACHABLE);
        255
    };
    let stream = UnixStream::connect(HOST_SOCKET).map_err(|_| unreachable())?;
    let signals = blocked_signals();
    let fds = (io::stdin(), io::stdout(), io::stderr());
    wire::send(&stream, ask, &[fds.0.as_fd(), fds.1.as_fd(), fds.2.as_fd()]).map_err(|_| unreachable())?;
    let stream = Arc::new(stream);
    forward(signals, Arc::clone(&stream));
    match wire::receive::<Reply>(&stream) {
        Ok(Some((reply, _))) => Ok(reply),
        _ => Err(137),
    }
}

/// Signals that end a foreground job travel inside, as they reach the whole process group on a real host.
fn blocked_signals() -> SigSet {
    let mut set = SigSet::empty();
    for number in [Number::SIGTERM, Number::SIGINT, Number::SIGHUP, Number::SIGQUIT] {
        set.add(number);
    }
    // Cannot fail with valid signals.
    let _ = set.thread_block();
    set
}

fn forward(signals: SigSet, stream: Arc<UnixStream>) {
    std::thread::spawn(move || {
        while let Ok(number) = signals.wait() {
            if wire::send(&stream, &Signal(number as i32), &[]).is_err() {
                break;
            }
        }
    });
}

fn environment(keep: bool) -> Vec<(OsString, OsString)> {
    let pair = |key: &str, value: &str| (OsString::from(key), OsString::from(value));
    if !keep {
        let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        return vec![pair("PATH", path), pair("container", "lxc"), pair("TERM", "linux")];
    }
    let mut env: Vec<_> = std::env::vars_os().collect();
    for (key, value) in
        [pair("PATH", "/sbin:/bin:/usr/sbin:/usr/bin"), pair("container", "lxc"), pair("TERM", "linux")]
    {
        match env.iter_mut().find(|(known, _)| *known == key) {
            Some(entry) => entry.1 = value,
            None => env.push((key, value)),
        }
    }
    env
}

fn exchange(ask: &Ask, fds: &[std::os::fd::BorrowedFd<'_>]) -> Result<Vec<OwnedFd>, String> {
    let stream = UnixStream::connect(HOST_SOCKET).map_err(|_| UNREACHABLE.to_owned())?;
    wire::send(&stream, ask, fds).map_err(|error| error.to_string())?;
    match wire::receive::<Reply>(&stream) {
        Ok(Some((Reply::Done, fds))) => Ok(fds),
        Ok(Some((Reply::Failed(text), _))) => Err(text),
        other => Err(format!("unexpected answer: {other:?}")),
    }
}

/// The failures of push and pull are told on standard error only: the exit code stays 0, as on a real host.
fn push(
    vmid: u32,
    from: &OsString,
    to: OsString,
    mode: Option<u32>,
    user: Option<String>,
    group: Option<String>,
) -> i32 {
    let Ok(file) = File::open(from).and_then(|file| {
        if file.metadata()?.is_dir() { Err(io::Error::other("directory")) } else { Ok(file) }
    }) else {
        err(format!("failed to open {} for reading", from.to_string_lossy()));
        return 0;
    };
    if let Err(text) = exchange(&Ask::Push { vmid, path: to, mode, user, group }, &[file.as_fd()]) {
        err(text);
    }
    0
}

fn pull(vmid: u32, from: OsString, to: &OsString, mode: Option<u32>) -> i32 {
    let copied = exchange(&Ask::Pull { vmid, path: from }, &[]).and_then(|fds| {
        let source = fds.into_iter().next().ok_or("no file")?;
        let target =
            OpenOptions::new().write(true).create(true).truncate(true).mode(mode.unwrap_or(0o644)).open(to);
        let mut target = target.map_err(|error| {
            format!("failed to create file: {}: {}", to.to_string_lossy(), describe(&error))
        })?;
        io::copy(&mut File::from(source), &mut target).map_err(|error| describe(&error))
    });
    if let Err(text) = copied {
        err(text);
    }
    0
}

/// `sudo [-n] [-u USER] COMMAND …`: root may do what it likes, others what `/etc/sudoers` grants them without a password.
pub(super) fn sudo(raw: &[OsString]) -> i32 {
    let me = accounts::whoami();
    let (mut rest, mut user, mut asks) = (raw, OsString::from("root"), true);
    while let Some((first, tail)) = rest.split_first() {
        match first.to_str() {
            Some(option @ ("-u" | "-g" | "--user")) => {
                if option != "-g" {
                    user = tail.first().cloned().unwrap_or_default();
                }
                rest = tail.get(1..).unwrap_or_default();
            }
            Some("--") => {
                rest = tail;
                break;
            }
            Some(word) if word.starts_with('-') => {
                asks &= !matches!(word, "-n" | "--non-interactive");
                rest = tail;
            }
            _ => break,
        }
    }
    if rest.is_empty() {
        err("usage: sudo -h | -K | -k | -V");
        return 1;
    }
    if me == "root" {
        let words: Vec<String> =
            ["-u".into(), user].iter().chain(rest).map(|word| word.to_string_lossy().into_owned()).collect();
        return super::switch_user::main("sudo", &words);
    }
    if user != "root" {
        err(NO_PASSWORD);
        return 1;
    }
    let request = Attach {
        argv: rest.to_vec(),
        env: std::env::vars_os().collect(),
        cwd: cwd(),
        terminal: io::stdin().is_terminal(),
    };
    match run_there(&Ask::Sudo { claimed: me, request }) {
        Ok(Reply::Exit(code)) | Err(code) => code,
        Ok(Reply::Failed(text)) => {
            if asks && text == NO_PASSWORD {
                err(NO_TERMINAL);
            }
            err(text);
            1
        }
        Ok(_) => 1,
    }
}
