//! Running a command inside with the caller's own descriptors, as `lxc-attach` does.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use super::reaper::{Reaper, kill_group, pid_of};
use crate::guest::wire::{self, Attach, Reply, Signal};

const ENOENT: i32 = 2;
const EACCES: i32 = 13;

/// Runs the command and answers on the reply socket; returns when it has ended.
pub(super) fn attach(reaper: &Arc<Reaper>, request: &Attach, fds: Vec<OwnedFd>) {
    let Ok([stdin, stdout, stderr, reply]) = <[OwnedFd; 4]>::try_from(fds) else { return };
    let reply = UnixStream::from(reply);
    let answer = match start(reaper, request, stdin, stdout, stderr) {
        Ok(pid) => {
            forward_signals(&reply, pid);
            Reply::Exit(reaper.wait(pid))
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
) -> io::Result<i32> {
    let mut command = prepare(request)?;
    if request.terminal {
        let slave = open_terminal(stdin, stdout)?;
        command.stdin(slave.try_clone()?).stdout(slave.try_clone()?).stderr(slave);
    } else {
        command.stdin(stdin).stdout(stdout).stderr(stderr);
        if !request.session {
            command.process_group(0);
        }
    }
    let child = reaper.spawn(&mut command)?;
    Ok(pid_of(&child))
}

fn prepare(request: &Attach) -> io::Result<Command> {
    let name = request.argv.first().ok_or_else(|| io::Error::from_raw_os_error(ENOENT))?;
    let path = request.env.iter().find(|(key, _)| key == "PATH").map(|(_, value)| value.clone());
    resolve(name, path.as_deref(), Path::new(&request.cwd))?;
    // Perl's command line on the host ignores SIGPIPE and the command inherits that; Rust resets it in its children.
    // The environment goes as words, because it keeps its order that way.
    let mut words: Vec<OsString> = vec!["--ignore-signal=PIPE".into(), "-i".into(), "--".into()];
    words.extend(request.env.iter().map(|(key, value)| [key.as_os_str(), OsStr::new("="), value].into_iter().collect()));
    words.extend(request.argv.iter().cloned());
    let mut command = if request.terminal || request.session {
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

/// A terminal of the guest's own whose other end is copied to and from the caller's descriptors.
fn open_terminal(stdin: OwnedFd, stdout: OwnedFd) -> io::Result<OwnedFd> {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let name = ptsname(master.as_fd(), Vec::new())?;
    let slave = rustix::fs::open(
        name.as_c_str(),
        rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::CLOEXEC,
        rustix::fs::Mode::empty(),
    )?;
    let writer = master.try_clone()?;
    std::thread::spawn(move || io::copy(&mut File::from(stdin), &mut File::from(writer)));
    std::thread::spawn(move || io::copy(&mut File::from(master), &mut File::from(stdout)));
    Ok(slave)
}
