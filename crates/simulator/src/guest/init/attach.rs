//! Running a command inside with the caller's own descriptors, as `lxc-attach` does.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use super::reaper::{Reaper, kill_group, pid_of};
use super::terminal::Relay;
use crate::guest::wire::{self, Attach, Reply, Signal};

const ENOENT: i32 = 2;
const EACCES: i32 = 13;

/// Runs the command and answers on the reply socket; returns when it has ended.
pub(super) fn attach(reaper: &Arc<Reaper>, request: &Attach, fds: Vec<OwnedFd>) {
    let Ok([stdin, stdout, stderr, reply]) = <[OwnedFd; 4]>::try_from(fds) else { return };
    let reply = UnixStream::from(reply);
    let answer = match start(reaper, request, stdin, stdout, stderr) {
        Ok((pid, relay)) => {
            forward_signals(&reply, pid);
            let code = reaper.wait(pid);
            if let Some(relay) = relay {
                relay.finish();
            }
            Reply::Exit(code)
        }
        Err(error) => Reply::NotStarted(error.raw_os_error().unwrap_or(EACCES)),
    };
    // A caller that is gone does not end the command, and nobody is left to tell.
    let _ = wire::send(&reply, &answer, &[]);
}

fn start(
    reaper: &Arc<Reaper>,
    request: &Attach,
    stdin: OwnedFd,
    stdout: OwnedFd,
    stderr: OwnedFd,
) -> io::Result<(i32, Option<Relay>)> {
    let mut command = prepare(request)?;
    let mut relay = None;
    if request.terminal {
        let slave;
        (slave, relay) = Relay::open(stdin, stdout).map(|(slave, relay)| (slave, Some(relay)))?;
        command.stdin(slave.try_clone()?).stdout(slave.try_clone()?).stderr(slave);
    } else {
        command.stdin(stdin).stdout(stdout).stderr(stderr).process_group(0);
    }
    let child = reaper.spawn(&mut command)?;
    Ok((pid_of(&child), relay))
}

fn prepare(request: &Attach) -> io::Result<Command> {
    let name = request.argv.first().ok_or_else(|| io::Error::from_raw_os_error(ENOENT))?;
    let path = request.env.iter().find(|(key, _)| key == "PATH").map(|(_, value)| value.clone());
    resolve(name, path.as_deref(), Path::new(&request.cwd))?;
    // Perl's command line on the host ignores SIGPIPE and the command inherits that; Rust resets it in its children.
    // The environment goes as words, because it keeps its order that way.
    let mut words: Vec<OsString> = vec!["--ignore-signal=PIPE".into(), "-i".into(), "--".into()];
    words.extend(
        request
            .env
            .iter()
            .map(|(key, value)| [key.as_os_str(), OsStr::new("="), value].into_iter().collect()),
    );
    words.extend(request.argv.iter().cloned());
    let mut command = if request.terminal {
        let mut command = Command::new("/usr/bin/setsid");
        command.args(["--ctty", "/usr/bin/env"]);
        command
    } else {
        Command::new("/usr/bin/env")
    };
    command.args(words).env_clear();
    let cwd = Path::new(&request.cwd);
    command.current_dir(if cwd.is_dir() { cwd } else { Path::new("/") });
    Ok(command)
}

/// Finds the program as `execvp` does: 127 and 126 follow from its errors.
pub(crate) fn resolve(name: &OsStr, path: Option<&OsStr>, cwd: &Path) -> io::Result<PathBuf> {
    if name.as_encoded_bytes().contains(&b'/') {
        return executable(cwd.join(name)).map(|_| PathBuf::from(name));
    }
    let mut denied = false;
    for directory in std::env::split_paths(path.unwrap_or(OsStr::new("/usr/bin:/bin"))) {
        match executable(directory.join(name)) {
            Ok(found) => return Ok(found),
            Err(error) => denied |= error.raw_os_error() == Some(EACCES),
        }
    }
    Err(io::Error::from_raw_os_error(if denied { EACCES } else { ENOENT }))
}

fn executable(path: PathBuf) -> io::Result<PathBuf> {
    let meta = path.metadata()?;
    if meta.is_file() && meta.permissions().mode() & 0o111 != 0 {
        return Ok(path);
    }
    Err(io::Error::from_raw_os_error(EACCES))
}

fn forward_signals(reply: &UnixStream, pid: i32) {
    let Ok(reply) = reply.try_clone() else { return };
    std::thread::spawn(move || {
        while let Ok(Some((Signal(number), _))) = wire::receive::<Signal>(&reply) {
            kill_group(pid, number);
        }
    });
}
