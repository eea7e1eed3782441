//! What a killed run left behind: pid files, and the processes they name.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::time::{Instant, sleep};

/// Ends the process that `pid_file` names, if that process really is ours, and removes the file.
///
/// A pid file may be stale and its number long another program's: only a process whose command line or
/// environment holds `marker` is touched. It gets `signal`, and after `grace` SIGKILL.
pub(crate) async fn end_leftover(
    pid_file: &Path,
    marker: &str,
    signal: Signal,
    grace: Duration,
) -> anyhow::Result<()> {
    let Ok(text) = std::fs::read_to_string(pid_file) else { return Ok(()) };
    let pid = text.lines().next().and_then(|line| line.trim().parse::<i32>().ok()).filter(|pid| *pid > 1);
    if let Some(pid) = pid
        && is_ours(pid, marker)
    {
        tracing::warn!(pid, file = %pid_file.display(), "ending a process that an earlier run left behind");
        end(Pid::from_raw(pid), marker, signal, grace).await?;
    }
    match std::fs::remove_file(pid_file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove the stale {}", pid_file.display()))
        }
        _ => Ok(()),
    }
}

async fn end(pid: Pid, marker: &str, signal: Signal, grace: Duration) -> anyhow::Result<()> {
    for (signal, grace) in [(signal, grace), (Signal::SIGKILL, Duration::from_secs(5))] {
        match kill(pid, signal) {
            Err(Errno::ESRCH) => return Ok(()),
            other => other.with_context(|| format!("cannot end process {pid}, left by an earlier run"))?,
        }
        let deadline = Instant::now() + grace;
        while Instant::now() < deadline {
            if !is_ours(pid.as_raw(), marker) {
                return Ok(());
            }
            sleep(Duration::from_millis(50)).await;
        }
    }
    anyhow::bail!("process {pid}, left by an earlier run, does not end: end it by hand, then try again")
}

/// Whether the process is alive and was started with `marker` in its arguments or environment.
fn is_ours(pid: i32, marker: &str) -> bool {
    let alive = std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z')));
    let holds = |file: &str| {
        let bytes = std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        bytes.split(|byte| *byte == 0).any(|part| part == marker.as_bytes())
    };
    alive && (holds("cmdline") || holds("environ"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper(marker: &str) -> std::process::Child {
        std::process::Command::new("sleep").arg("300").env("MARKER", marker).spawn().unwrap()
    }

    #[tokio::test]
    async fn a_leftover_of_ours_is_ended_and_a_stranger_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pid");
        let mut ours = sleeper("ours");
        let mut stranger = sleeper("stranger");
        for child in [&ours, &stranger] {
            std::fs::write(&file, format!("{}\nmore\n", child.id())).unwrap();
            end_leftover(&file, "MARKER=ours", Signal::SIGTERM, Duration::from_secs(5)).await.unwrap();
            assert!(!file.exists());
        }
        assert!(ours.wait().unwrap().code().is_none(), "ended by a signal");
        assert_eq!(stranger.try_wait().unwrap(), None, "still running");
        stranger.kill().unwrap();
        stranger.wait().unwrap();
    }

    #[tokio::test]
    async fn nonsense_in_a_pid_file_is_only_removed() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pid");
        for text in ["", "not a number", "-1", "0", "1", "99999999999"] {
            std::fs::write(&file, text).unwrap();
            end_leftover(&file, "", Signal::SIGKILL, Duration::from_millis(1)).await.unwrap();
            assert!(!file.exists(), "{text:?}");
        }
    }
}
