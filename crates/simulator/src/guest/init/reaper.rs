//! Waiting for children when one process is the parent of all: each status goes to whoever started that child.

use std::collections::HashMap;
use std::io;
use std::process::{Child, Command};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::Pid;

/// How often a process without children looks whether it has some.
const IDLE: Duration = Duration::from_millis(20);

/// Statuses of children that somebody waits for.
#[derive(Debug, Default)]
pub(crate) struct Reaper {
    tracked: Mutex<HashMap<i32, Option<i32>>>,
    changed: Condvar,
}

impl Reaper {
    fn lock(&self) -> MutexGuard<'_, HashMap<i32, Option<i32>>> {
        self.tracked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts `command`; its status will be kept for [`Reaper::wait`].
    pub(crate) fn spawn(&self, command: &mut Command) -> io::Result<Child> {
        // The lock keeps the reaping loop away until the pid is known here.
        let mut tracked = self.lock();
        let child = command.spawn()?;
        tracked.insert(pid_of(&child), None);
        Ok(child)
    }

    /// Blocks until the child has ended; 128 + n after signal n.
    pub(crate) fn wait(&self, pid: i32) -> i32 {
        let mut tracked = self.lock();
        loop {
            match tracked.get(&pid) {
                Some(Some(code)) => {
                    let code = *code;
                    tracked.remove(&pid);
                    return code;
                }
                Some(None) => tracked = self.changed.wait(tracked).unwrap_or_else(PoisonError::into_inner),
                None => return 255,
            }
        }
    }

    /// Reaps for ever; orphans are dropped.
    pub(crate) fn run(&self) -> ! {
        loop {
            let ended = waitid(Id::All, WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT);
            let Some(pid) = ended.ok().and_then(|status| status.pid()) else {
                std::thread::sleep(IDLE);
                continue;
            };
            let mut tracked = self.lock();
            let code = match waitpid(pid, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(_, code)) => code,
                Ok(WaitStatus::Signaled(_, signal, _)) => 128 + signal as i32,
                Ok(_) | Err(Errno::ECHILD) => continue,
                Err(_) => 255,
            };
            if let Some(entry) = tracked.get_mut(&pid.as_raw()) {
                *entry = Some(code);
                self.changed.notify_all();
            }
        }
    }
}

/// A child's pid as the kernel's type.
pub(crate) fn pid_of(child: &Child) -> i32 {
    i32::try_from(child.id()).unwrap_or(-1)
}

/// Sends `signal` to a process group, or to the process when it leads none.
pub(crate) fn kill_group(pid: i32, signal: i32) {
    let Ok(signal) = nix::sys::signal::Signal::try_from(signal) else { return };
    if nix::sys::signal::killpg(Pid::from_raw(pid), signal).is_err() {
        // Gone already, or not a leader: nothing else can be done for the former.
        let _ = nix::sys::signal::kill(Pid::from_raw(pid), signal);
    }
}
