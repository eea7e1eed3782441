//! A program as a child process, with its log in a file.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::wait::{DEADLINE, wait_until};

/// How long a process may take to end after it was told to.
const ENDING: Duration = Duration::from_secs(20);

/// A child process. It is ended when dropped, and dies with the thread that started it.
#[derive(Debug)]
pub struct Process {
    child: Child,
    log: PathBuf,
    ended: Option<ExitStatus>,
}

impl Process {
    /// Starts `program` with nothing of this process' environment but `PATH`; all that it prints goes to `log`.
    pub fn start(program: &Path, arguments: &[&str], environment: &[(&str, String)], log: PathBuf) -> Self {
        let output = File::options().create(true).append(true).open(&log).unwrap();
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(program).args(arguments);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(output);
        Self { child: command.spawn().unwrap(), log, ended: None }
    }

    /// All that it has printed.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().unwrap();
        }
        self.ended
    }

    /// Waits until its log contains `text`; fails when it ends before that.
    pub async fn said(&mut self, text: &str) {
        let what = format!("{} says {text:?}", self.log.display());
        wait_until(DEADLINE, &what, async || {
            let log = self.log();
            if log.contains(text) {
                return Some(());
            }
            assert_eq!(self.ended(), None, "it ended: {log}");
            None
        })
        .await;
    }

    /// Waits until it has ended by itself, within the deadline of all waiting.
    pub async fn wait(&mut self) -> ExitStatus {
        let what = format!("{} ends", self.log.display());
        wait_until(DEADLINE, &what, async || self.ended()).await
    }

    /// Ends it on the spot, as a crash would.
    pub fn kill(&mut self) {
        assert_eq!(self.ended(), None, "it should still run: {}", self.log());
        self.signal(Signal::SIGKILL);
        self.ended = Some(self.child.wait().unwrap());
    }

    /// Tells it to end, without waiting.
    pub fn terminate(&self) {
        self.signal(Signal::SIGTERM);
    }

    /// Tells it to end and waits until it has.
    pub fn stop(&mut self) -> ExitStatus {
        if let Some(ended) = self.ended() {
            return ended;
        }
        self.signal(Signal::SIGTERM);
        let end = Instant::now() + ENDING;
        while self.ended().is_none() {
            if Instant::now() > end {
                self.signal(Signal::SIGKILL);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        self.ended.expect("waited for just above")
    }

    fn signal(&self, signal: Signal) {
        // It may have ended a moment ago.
        let _ = kill(Pid::from_raw(self.child.id().cast_signed()), signal);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
    }
}
