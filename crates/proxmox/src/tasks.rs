//! Tasks, which do on the host whatever takes a while: `/nodes/{node}/tasks`.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use crate::client::{Client, Parameters, parameter};
use crate::{Error, Result, loose};

/// How many of a failed task's last lines its error carries.
const TAIL: usize = 20;
/// Lines beyond this many are not read: the longest real logs, of restores, have a few hundred.
const MOST_LINES: u64 = 10_000;
/// Bytes of a line; what follows is cut off.
const LONGEST_LINE: usize = 4096;
/// How many lines one read of a log asks for.
const LOG_PAGE: u64 = 500;
/// Bytes of a UPID: of its fields only the user's name has no limit of its own, and Proxmox gives that 64.
const LONGEST_UPID: usize = 512;
/// The pauses between two looks at a running task: they double from the first to the last.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(2));
/// How many unexpected answers in a row are waited out.
const MAX_ERRORS: u32 = 10;

/// The name of a task, `UPID:node:pid:pstart:starttime:type:id:user:`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Upid(String);

/// The text is no UPID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no UPID of a Proxmox task")]
pub struct InvalidUpid;

impl Upid {
    fn field(&self, position: usize) -> &str {
        self.0.split(':').nth(position).expect("a UPID has nine fields, checked when it was read")
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The PVE node the task runs on.
    pub fn node(&self) -> &str {
        self.field(1)
    }

    /// When it was started, in seconds since 1970.
    pub fn start_time(&self) -> u64 {
        u64::from_str_radix(self.field(4), 16).unwrap_or_default()
    }

    /// What it does, such as `vzcreate`.
    pub fn kind(&self) -> &str {
        self.field(5)
    }

    /// What it does it to, most often a VMID.
    pub fn id(&self) -> &str {
        self.field(6)
    }

    /// On whose behalf, `user@realm` or `user@realm!token`.
    pub fn user(&self) -> &str {
        self.field(7)
    }
}

impl FromStr for Upid {
    type Err = InvalidUpid;
    fn from_str(text: &str) -> std::result::Result<Self, InvalidUpid> {
        let fields: Vec<&str> = text.split(':').collect();
        let [prefix, node, pid, pstart, start, kind, _, user, end] = fields[..] else {
            return Err(InvalidUpid);
        };
        let hex =
            |text: &str| (8..=9).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let node_is_name =
            !node.is_empty() && node.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        let whole = text.len() <= LONGEST_UPID
            && prefix == "UPID"
            && end.is_empty()
            && !kind.is_empty()
            && !user.is_empty();
        let clean = !text.contains(|character: char| {
            character.is_whitespace() || character.is_control() || character == '/'
        });
        if whole && node_is_name && clean && hex(pid) && hex(pstart) && hex(start) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidUpid)
        }
    }
}

impl fmt::Display for Upid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Upid {
    type Error = InvalidUpid;
    fn try_from(text: String) -> std::result::Result<Self, InvalidUpid> {
        text.parse()
    }
}

impl From<Upid> for String {
    fn from(upid: Upid) -> Self {
        upid.0
    }
}

/// How a task ended well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskOutcome {
    /// `OK`.
    Ok,
    /// `WARNINGS: n`: done, with warnings in its log.
    Warnings(u64),
}

impl TaskOutcome {
    /// Reads an exit status; `None` for a failure.
    pub fn read(exitstatus: &str) -> Option<Self> {
        match exitstatus.strip_prefix("WARNINGS:") {
            Some(number) => Some(Self::Warnings(number.trim().parse().unwrap_or(1))),
            None => (exitstatus == "OK").then_some(Self::Ok),
        }
    }
}

/// A task's state, from `GET /nodes/{node}/tasks/{upid}/status`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TaskStatus {
    /// The task.
    pub upid: Upid,
    /// `running` or `stopped`.
    pub status: String,
    /// Of a stopped one: `OK`, `WARNINGS: n`, or what went wrong.
    #[serde(default, deserialize_with = "loose::opt")]
    pub exitstatus: Option<String>,
}

impl TaskStatus {
    /// Whether it goes on.
    pub fn is_running(&self) -> bool {
        self.status == "running"
    }
}

/// A line of a task's log.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TaskLogLine {
    /// Its number, from 1.
    #[serde(deserialize_with = "loose::req")]
    pub n: u64,
    /// Its text.
    #[serde(default, rename = "t", deserialize_with = "loose::opt::<_, String>")]
    text: Option<String>,
}

impl TaskLogLine {
    /// Its text, without line break, at most 4096 bytes of it.
    pub fn text(&self) -> &str {
        let text = self.text.as_deref().unwrap_or_default();
        &text[..text.floor_char_boundary(LONGEST_LINE)]
    }
}

/// A task in a list, from `GET /nodes/{node}/tasks`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TaskSummary {
    /// The task.
    pub upid: Upid,
    /// What it does.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it does it to.
    #[serde(default, deserialize_with = "loose::opt")]
    pub id: Option<String>,
    /// When it was started, in seconds since 1970.
    #[serde(deserialize_with = "loose::req")]
    pub starttime: u64,
    /// When it ended, in seconds since 1970.
    #[serde(default, deserialize_with = "loose::opt")]
    pub endtime: Option<u64>,
    /// `RUNNING`, or how it ended; absent while its end is not yet written.
    #[serde(default, deserialize_with = "loose::opt")]
    pub status: Option<String>,
}

impl TaskSummary {
    /// Whether it goes on.
    pub fn is_running(&self) -> bool {
        self.endtime.is_none()
    }
}

/// Which tasks to list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TaskFilter {
    /// Of one guest.
    pub vmid: Option<berth_domain::Vmid>,
    /// Only running ones. Else only ended ones, unless `all`.
    pub running: bool,
    /// Running and ended ones.
    pub all: bool,
    /// Only failed ones.
    pub errors: bool,
    /// At most so many (Proxmox's default is 50).
    pub limit: Option<u32>,
}

impl TaskFilter {
    fn parameters(self) -> Parameters {
        let vmid = self.vmid.map(|vmid| parameter("vmid", vmid.get()));
        let source = match self {
            Self { all: true, .. } => Some("all"),
            Self { running: true, .. } => Some("active"),
            Self { .. } => None,
        };
        let running = source.map(|source| parameter("source", source));
        let errors = self.errors.then(|| parameter("errors", 1));
        let limit = self.limit.map(|limit| parameter("limit", limit));
        [vmid, running, errors, limit].into_iter().flatten().collect()
    }
}

impl Client {
    /// A task's state: `GET /nodes/{node}/tasks/{upid}/status`. An unknown task is [`Error::NotFound`].
    pub async fn task_status(&self, upid: &Upid) -> Result<TaskStatus> {
        self.get(&["nodes", upid.node(), "tasks", upid.as_str(), "status"], Vec::new()).await
    }

    /// Lines of a task's log from the one numbered `first` (from 1): `GET /nodes/{node}/tasks/{upid}/log`.
    ///
    /// A log that is still empty is an empty list, though Proxmox says "no content".
    pub async fn task_log(&self, upid: &Upid, first: u64, limit: u64) -> Result<Vec<TaskLogLine>> {
        let query = vec![parameter("start", first.saturating_sub(1)), parameter("limit", limit)];
        let mut lines: Vec<TaskLogLine> =
            self.get(&["nodes", upid.node(), "tasks", upid.as_str(), "log"], query).await?;
        if let [only] = &lines[..]
            && (only.text() == "no content" || only.text().starts_with("unable to open file"))
        {
            lines.clear();
        }
        Ok(lines)
    }

    /// A node's tasks, newest first: `GET /nodes/{node}/tasks`.
    pub async fn tasks(&self, node: &str, filter: TaskFilter) -> Result<Vec<TaskSummary>> {
        self.get(&["nodes", node, "tasks"], filter.parameters()).await
    }

    /// Asks a task to stop: `DELETE /nodes/{node}/tasks/{upid}`.
    pub async fn stop_task(&self, upid: &Upid) -> Result<()> {
        let _: serde::de::IgnoredAny =
            self.delete(&["nodes", upid.node(), "tasks", upid.as_str()], Vec::new()).await?;
        Ok(())
    }

    /// Waits until a task has ended, and hands on each line of its log as it comes, in order and once.
    ///
    /// `first` is the number of the first line wanted, 1 for all. A host that cannot be reached for a while is asked again
    /// until the deadline, then the answer is [`Error::TaskRunning`]; a task that ended badly is [`Error::TaskFailed`].
    pub async fn wait_task(
        &self,
        upid: &Upid,
        deadline: Duration,
        first: u64,
        on_log: impl FnMut(&TaskLogLine) + Send,
    ) -> Result<TaskOutcome> {
        let mut log = Log { client: self, upid, next: first.max(1), tail: VecDeque::new(), hand_on: on_log };
        let end = Instant::now() + deadline;
        let (mut pause, mut errors) = (PAUSES.0, 0);
        loop {
            match self.look(&mut log).await {
                Ok(Some(exitstatus)) => return log.outcome(exitstatus),
                Ok(None) => errors = 0,
                // The task goes on while the API is restarted or confused for a moment.
                Err(Error::HostError { .. } | Error::NotProxmox { .. }) if errors < MAX_ERRORS => errors += 1,
                Err(error) if error.is_transient() => {
                    tracing::debug!(%error, %upid, "a task's state is unknown for now");
                }
                Err(error) => return Err(error),
            }
            if Instant::now() + pause > end {
                return Err(Error::TaskRunning {
                    host: self.shared_host(),
                    upid: upid.clone(),
                    after: deadline,
                });
            }
            sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    /// The exit status of a task that has ended. Its log is read after its state, so the last look has all of it.
    async fn look<F: FnMut(&TaskLogLine) + Send>(&self, log: &mut Log<'_, F>) -> Result<Option<String>> {
        let status = self.task_status(log.upid).await?;
        log.read().await?;
        Ok((!status.is_running()).then(|| status.exitstatus.unwrap_or_else(|| "unexpected status".into())))
    }
}

struct Log<'a, F> {
    client: &'a Client,
    upid: &'a Upid,
    next: u64,
    tail: VecDeque<String>,
    hand_on: F,
}

impl<F: FnMut(&TaskLogLine) + Send> Log<'_, F> {
    async fn read(&mut self) -> Result<()> {
        // A host whose numbers do not go on, or go on without end, must not keep us reading.
        while self.next <= MOST_LINES {
            let lines = self.client.task_log(self.upid, self.next, LOG_PAGE).await?;
            let before = self.next;
            for line in lines.iter().take_while(|line| line.n <= MOST_LINES) {
                if line.n < self.next {
                    continue;
                }
                self.next = line.n + 1;
                if self.tail.len() == TAIL {
                    self.tail.pop_front();
                }
                self.tail.push_back(line.text().to_owned());
                (self.hand_on)(line);
            }
            if (lines.len() as u64) < LOG_PAGE || self.next == before {
                break;
            }
        }
        Ok(())
    }

    fn outcome(self, exitstatus: String) -> Result<TaskOutcome> {
        TaskOutcome::read(&exitstatus).ok_or_else(|| Error::TaskFailed {
            host: self.client.shared_host(),
            upid: self.upid.clone(),
            exitstatus,
            log_tail: self.tail.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upids_come_apart() {
        let upid: Upid = "UPID:pve:000009D3:00005416:6B00E3C3:vzcreate:102:root@pam!dash2:".parse().unwrap();
        let fields = (upid.node(), upid.kind(), upid.id(), upid.user(), upid.start_time());
        assert_eq!(fields, ("pve", "vzcreate", "102", "root@pam!dash2", 1_795_220_419));
        for text in [
            "UPID:garbage",
            "",
            "UPID:pve:1:2:3:a:b:c:",
            "UPID:../x:000009D3:00005416:6B00E3C3:vzcreate:102:root@pam:",
            "UPID:pve:000009D3:00005416:6B00E3C3:vzcreate:102:root@pam",
        ] {
            assert_eq!(text.parse::<Upid>(), Err(InvalidUpid), "{text:?}");
        }
    }

    #[test]
    fn warnings_are_a_success() {
        assert_eq!(TaskOutcome::read("OK"), Some(TaskOutcome::Ok));
        assert_eq!(TaskOutcome::read("WARNINGS: 3"), Some(TaskOutcome::Warnings(3)));
        assert_eq!(TaskOutcome::read("snapshot feature is not available"), None);
    }
}
