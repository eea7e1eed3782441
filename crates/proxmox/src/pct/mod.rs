//! `pct` over SSH: what a token may not do, and commands inside containers.
//!
//! Each call starts Perl on the host and costs 0.3 s or more, so callers put as much as they can into one.

mod exec;
mod marker;
mod refusal;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use berth_domain::Vmid;

pub use exec::PctExec;

use crate::lxc::RunState;
use crate::ssh::{Limits, Output, SshConnection, Stdin};
use crate::{Command, Error, Result};

/// A line of `pct list`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PctEntry {
    /// The container's number.
    pub vmid: Vmid,
    /// Whether it runs.
    pub status: RunState,
    /// What holds it.
    pub lock: Option<String>,
    /// Its host name.
    pub name: String,
}

/// The `pct` of one host. Clones share the connection and the count of calls.
#[derive(Clone, Debug)]
pub struct Pct {
    ssh: SshConnection,
    calls: Arc<AtomicU64>,
}

impl Pct {
    /// How long `list`, `status` and `set` may take: a slow host needs seconds to start Perl.
    pub const DEADLINE: Duration = Duration::from_mins(1);

    /// The `pct` of the host at the other end.
    pub fn new(ssh: SshConnection) -> Self {
        Self { ssh, calls: Arc::default() }
    }

    /// How many times `pct` was started.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// The connection underneath.
    pub const fn ssh(&self) -> &SshConnection {
        &self.ssh
    }

    /// The containers of this host: `pct list`.
    pub async fn list(&self) -> Result<Vec<PctEntry>> {
        let output = self.simple(Command::new("pct").arg("list"), None).await?;
        Ok(parse_list(&output.stdout_text()))
    }

    /// Whether a container runs: `pct status`.
    pub async fn status(&self, vmid: Vmid) -> Result<RunState> {
        let output = self.simple(Command::new("pct").arg("status").arg(vmid), Some(vmid)).await?;
        Ok(match output.stdout_text().trim().strip_prefix("status:").map(str::trim) {
            Some("running") => RunState::Running,
            Some("stopped") => RunState::Stopped,
            _ => RunState::Unknown,
        })
    }

    /// Sets options, also those a token may not set: `pct set`. A refused value is [`Error::Rejected`] by option.
    pub async fn set(&self, vmid: Vmid, options: &[(&str, &str)]) -> Result<()> {
        let mut command = Command::new("pct").arg("set").arg(vmid);
        for (name, value) in options {
            command = command.arg(format_args!("--{name}")).arg(value);
        }
        self.simple(command, Some(vmid)).await.map(|_| ())
    }

    /// Starts a program inside a running container: `pct exec ID --keep-env 0 -- …`.
    ///
    /// `argv` reaches the program as it is; no shell reads it. Dropping the stream leaves the program running.
    pub async fn exec<S: AsRef<str>>(&self, vmid: Vmid, argv: &[S], stdin: Stdin) -> Result<PctExec> {
        let argv: Vec<&str> = argv.iter().map(AsRef::as_ref).collect();
        if argv.is_empty() {
            return Err(Error::Invalid("a command without a program".into()));
        }
        self.count(vmid, argv[0]);
        PctExec::open(&self.ssh, vmid, &argv, stdin).await
    }

    /// Runs a program inside a container to its end, within limits.
    pub async fn run<S: AsRef<str>>(
        &self,
        vmid: Vmid,
        argv: &[S],
        stdin: Stdin,
        limits: Limits,
    ) -> Result<Output> {
        let collected = async { self.exec(vmid, argv, stdin).await?.collect(limits.max_output).await };
        tokio::time::timeout(limits.deadline, collected).await.unwrap_or_else(|_| {
            Err(Error::CommandTimeout { host: self.ssh.shared_host(), after: limits.deadline })
        })
    }

    /// The same for a container whose start has just ended: as long as the program does not even begin, it is tried again,
    /// until the deadline. It runs once.
    pub async fn run_when_up<S: AsRef<str>>(&self, vmid: Vmid, argv: &[S], limits: Limits) -> Result<Output> {
        let end = tokio::time::Instant::now() + limits.deadline;
        let mut pause = Duration::from_millis(250);
        loop {
            let left =
                Limits { deadline: end.saturating_duration_since(tokio::time::Instant::now()), ..limits };
            match self.run(vmid, argv, Stdin::Empty, left).await {
                Err(Error::PctFailed { .. } | Error::NotRunning { .. })
                    if tokio::time::Instant::now() + pause < end =>
                {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(2));
                }
                result => return result,
            }
        }
    }

    fn count(&self, vmid: Vmid, what: &str) {
        let number = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        tracing::info!(host = %self.ssh.host(), %vmid, program = what, number, "pct call");
    }

    async fn simple(&self, command: Command, vmid: Option<Vmid>) -> Result<Output> {
        let number = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        tracing::info!(host = %self.ssh.host(), vmid = vmid.map(Vmid::get), number, "pct call");
        let output = self.ssh.run(&command, Stdin::Empty, Limits::within(Self::DEADLINE)).await?;
        if output.exit.success() {
            Ok(output)
        } else {
            Err(refusal::read(&self.ssh, vmid, "pct", &output.exit, &output.stderr_text()))
        }
    }
}

/// Reads the table of `pct list`; the lock's column is empty for most.
fn parse_list(text: &str) -> Vec<PctEntry> {
    let entry = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (vmid, status, lock, name) = match words[..] {
            [vmid, status, lock, name] => (vmid, status, Some(lock.to_owned()), name),
            [vmid, status, name] => (vmid, status, None, name),
            _ => return None,
        };
        let status = match status {
            "running" => RunState::Running,
            "stopped" => RunState::Stopped,
            _ => RunState::Unknown,
        };
        Some(PctEntry { vmid: Vmid::new(vmid.parse().ok()?).ok()?, status, lock, name: name.to_owned() })
    };
    text.lines().filter_map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recorded_table_is_read() {
        let text = "VMID       Status     Lock         Name                \n101        running                 ct101               \n104        stopped    backup       x                   \n";
        let entries = parse_list(text);
        assert_eq!(entries.len(), 2);
        assert_eq!(
            (entries[0].vmid.get(), entries[0].status, entries[0].lock.as_deref(), entries[0].name.as_str()),
            (101, RunState::Running, None, "ct101")
        );
        assert_eq!((entries[1].status, entries[1].lock.as_deref()), (RunState::Stopped, Some("backup")));
    }
}
