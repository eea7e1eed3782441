//! Keeping a child process running until it is told to stop.

use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

/// A unit that ran this long is well again.
const STEADY: Duration = Duration::from_mins(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// The exit code for a wrong configuration, which no restart mends.
const CONFIGURATION: i32 = 2;

/// What to run, and how to stop it.
pub(crate) struct Unit {
    name: &'static str,
    stop_signal: Signal,
    pid_file: Option<PathBuf>,
    /// One that exits by itself sooner than this after its very first start is not worth starting again.
    first_start: Duration,
    /// Before the first restart; doubled at each further one.
    pause: Duration,
    command: Box<dyn Fn() -> anyhow::Result<Command> + Send + Sync>,
}

/// Why a unit runs no more.
#[derive(Debug)]
pub(crate) enum End {
    /// It was told to stop, and did.
    Stopped,
    /// It failed in a way that starting it again would not mend.
    GaveUp {
        /// Its exit code; `None` after a signal.
        code: Option<i32>,
        /// A sentence.
        why: String,
    },
}

impl Unit {
    /// A unit whose command is made anew at each start.
    pub(crate) fn new(
        name: &'static str,
        stop_signal: Signal,
        command: impl Fn() -> anyhow::Result<Command> + Send + Sync + 'static,
    ) -> Self {
        let (first_start, pause) = (Duration::from_secs(5), Duration::from_secs(1));
        Self { name, stop_signal, pid_file: None, first_start, pause, command: Box::new(command) }
    }

    /// Records the running process there, for the run after a crash.
    pub(crate) fn with_pid_file(mut self, path: PathBuf) -> Self {
        self.pid_file = Some(path);
        self
    }

    /// Runs it, and again whenever it ends, until `stop`; then gives it `grace` before SIGKILL.
    pub(crate) async fn supervise(self, stop: CancellationToken, grace: Duration) -> anyhow::Result<End> {
        let mut pause = self.pause;
        let mut first = true;
        loop {
            let mut child = self.spawn()?;
            let started = Instant::now();
            let status = tokio::select! {
                () = stop.cancelled() => return self.stop(&mut child, grace).await,
                status = child.wait() => status?,
            };
            self.forget_pid();
            let ran = started.elapsed();
            if status.code() == Some(CONFIGURATION)
                || (first && ran < self.first_start && status.code().is_some())
            {
                return Ok(End::GaveUp {
                    code: status.code(),
                    why: format!("{} ended: {}", self.name, in_words(status)),
                });
            }
            if ran >= STEADY {
                pause = self.pause;
            }
            tracing::error!(
                unit = self.name,
                end = in_words(status),
                pause_s = pause.as_secs(),
                "ended unexpectedly; starting it again"
            );
            tokio::select! {
                () = stop.cancelled() => return Ok(End::Stopped),
                () = sleep(pause) => {}
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
            first = false;
        }
    }

    pub(super) fn spawn(&self) -> anyhow::Result<Child> {
        let mut command = (self.command)()?;
        // A group of its own: Ctrl-C on the terminal must reach only the supervisor, which knows the order.
        let child = command.process_group(0).kill_on_drop(true).spawn();
        let child = child.with_context(|| format!("cannot start {}", self.name))?;
        if let (Some(file), Some(pid)) = (&self.pid_file, child.id()) {
            std::fs::write(file, format!("{pid}\n"))
                .with_context(|| format!("cannot write {}", file.display()))?;
        }
        tracing::debug!(unit = self.name, pid = child.id(), "started");
        Ok(child)
    }

    async fn stop(&self, child: &mut Child, grace: Duration) -> anyhow::Result<End> {
        if let Some(pid) = child.id() {
            // It may just have ended by itself.
            let _ = kill(Pid::from_raw(pid.cast_signed()), self.stop_signal);
        }
        if let Ok(status) = timeout(grace, child.wait()).await {
            tracing::debug!(unit = self.name, end = in_words(status?), "stopped");
        } else {
            tracing::warn!(unit = self.name, "did not stop in time and was killed");
            child.kill().await?;
        }
        self.forget_pid();
        Ok(End::Stopped)
    }

    fn forget_pid(&self) {
        if let Some(file) = &self.pid_file {
            let _ = std::fs::remove_file(file);
        }
    }
}

fn in_words(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("exit code {code}"),
        None => status.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn shell(script: String) -> Unit {
        Unit::new("test", Signal::SIGTERM, move || {
            let mut command = Command::new("sh");
            command.arg("-c").arg(&script);
            Ok(command)
        })
    }

    async fn until(condition: impl Fn() -> bool) {
        let wait = async {
            while !condition() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(Duration::from_secs(20), wait).await.expect("the condition never held");
    }

    fn lines(file: &Path) -> usize {
        std::fs::read_to_string(file).unwrap_or_default().lines().count()
    }

    #[tokio::test]
    async fn it_is_stopped_by_its_signal_and_its_pid_file_goes() {
        let dir = tempfile::tempdir().unwrap();
        let (up, pid) = (dir.path().join("up"), dir.path().join("pid"));
        let unit =
            shell(format!("trap 'exit 0' TERM; echo up > {}; while :; do sleep 0.01; done", up.display()));
        let stop = CancellationToken::new();
        let running =
            tokio::spawn(unit.with_pid_file(pid.clone()).supervise(stop.clone(), Duration::from_secs(10)));
        until(|| lines(&up) == 1 && pid.exists()).await;
        stop.cancel();
        assert!(matches!(running.await.unwrap().unwrap(), End::Stopped));
        assert!(!pid.exists());
    }

    #[tokio::test]
    async fn one_that_ignores_its_signal_is_killed() {
        let dir = tempfile::tempdir().unwrap();
        let up = dir.path().join("up");
        let unit = shell(format!("trap '' TERM; echo up > {}; while :; do sleep 0.01; done", up.display()));
        let stop = CancellationToken::new();
        let running = tokio::spawn(unit.supervise(stop.clone(), Duration::from_millis(50)));
        until(|| lines(&up) == 1).await;
        stop.cancel();
        assert!(matches!(running.await.unwrap().unwrap(), End::Stopped));
    }

    #[tokio::test]
    async fn failing_at_the_first_start_gives_up() {
        let end =
            shell("exit 7".to_owned()).supervise(CancellationToken::new(), Duration::ZERO).await.unwrap();
        assert!(matches!(end, End::GaveUp { code: Some(7), .. }), "{end:?}");
    }

    #[tokio::test]
    async fn a_later_failure_restarts_it_and_a_wrong_configuration_ends_it() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let shown = log.display();
        // Starts 1 and 2 wait to be killed, start 3 reports a wrong configuration.
        let script = format!(
            "echo $$ >> {shown}; [ $(wc -l < {shown}) -lt 3 ] || exit 2; while :; do sleep 0.01; done"
        );
        let unit = Unit { first_start: Duration::ZERO, pause: Duration::from_millis(1), ..shell(script) };
        let running = tokio::spawn(unit.supervise(CancellationToken::new(), Duration::ZERO));
        for start in 1..=2 {
            until(|| lines(&log) == start).await;
            let pid: i32 = std::fs::read_to_string(&log).unwrap().lines().last().unwrap().parse().unwrap();
            kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
        }
        assert!(matches!(running.await.unwrap().unwrap(), End::GaveUp { code: Some(2), .. }));
        assert_eq!(lines(&log), 3);
    }
}
