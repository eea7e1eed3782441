//! Running tasks: spawning, following, killing.

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{TaskRecord, Upid};
use crate::clock;
use crate::faults::Fault;
use crate::state::{Caller, Host};

/// How many ended tasks the host remembers.
const KEPT: usize = 1000;

#[derive(Debug, Clone)]
struct Live {
    cancel: CancellationToken,
    changes: watch::Sender<u64>,
}

/// The running tasks of one host.
#[derive(Debug, Clone, Default)]
pub struct Tasks(Arc<Mutex<HashMap<String, Live>>>);

impl Tasks {
    fn live(&self, upid: &str) -> Option<Live> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(upid).cloned()
    }

    /// Whether the task still runs.
    pub fn is_running(&self, upid: &str) -> bool {
        self.live(upid).is_some()
    }

    /// Interrupts a running task; its worker ends with an error of its own.
    pub fn kill(&self, upid: &str) {
        if let Some(live) = self.live(upid) {
            live.cancel.cancel();
        }
    }

    fn begin(&self, upid: &str) -> CancellationToken {
        let live = Live { cancel: CancellationToken::new(), changes: watch::channel(0).0 };
        let cancel = live.cancel.clone();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(upid.to_owned(), live);
        cancel
    }

    fn bump(&self, upid: &str) {
        if let Some(live) = self.live(upid) {
            live.changes.send_modify(|count| *count += 1);
        }
    }

    fn end(&self, upid: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(upid);
    }
}

/// What a worker may do while it runs.
#[derive(Debug, Clone)]
pub struct TaskContext {
    host: Host,
    upid: String,
    kind: String,
    cancel: CancellationToken,
    warnings: Arc<AtomicUsize>,
}

impl TaskContext {
    /// Appends a line to the log.
    pub fn log(&self, line: impl Into<String>) {
        let line = line.into();
        self.host.touch(|model| {
            if let Some(task) = model.tasks.iter_mut().rev().find(|task| task.upid == self.upid) {
                task.log.push(line);
            }
        });
        self.host.tasks().bump(&self.upid);
    }

    /// Appends a warning: the task then ends `WARNINGS: n`.
    pub fn warn(&self, text: &str) {
        self.warnings.fetch_add(1, Ordering::Relaxed);
        self.log(format!("WARN: {text}"));
    }

    /// Takes `seconds` of the host's time, less when the simulator runs faster.
    ///
    /// # Errors
    /// `received interrupt` when the task was killed meanwhile.
    pub async fn work(&self, seconds: f64) -> Result<(), String> {
        let asked = Duration::from_secs_f64((seconds / self.host.speed()).max(0.0));
        tokio::select! {
            () = self.cancel.cancelled() => Err("received interrupt".to_owned()),
            () = tokio::time::sleep(asked) => Ok(()),
        }
    }

    /// Whether the task was killed.
    pub fn is_killed(&self) -> bool {
        self.cancel.is_cancelled()
    }

    async fn planted_faults(&self) -> Result<(), String> {
        let ours = |task: &Option<String>| task.as_ref().is_none_or(|kind| *kind == self.kind);
        let faults = self.host.faults();
        let slow = faults.take(|fault| matches!(fault, Fault::SlowTask { task, .. } if ours(task)));
        if let Some(Fault::SlowTask { seconds, .. }) = slow {
            self.work(seconds * self.host.speed()).await?;
        }
        let fail = faults.take(|fault| matches!(fault, Fault::FailTask { task, .. } if ours(task)));
        match fail {
            Some(Fault::FailTask { message, .. }) => {
                self.work(0.3).await?;
                Err(message)
            }
            _ => Ok(()),
        }
    }
}

impl TaskContext {
    /// Proxmox removes what a create had reserved before it failed.
    async fn undone(&self, id: &str, message: String) -> String {
        match id.parse() {
            Ok(vmid) if self.kind == "vzcreate" => {
                self.host.clear_away(vmid).await;
                format!("unable to create CT {vmid} - {message}")
            }
            _ => message,
        }
    }
}

impl Host {
    /// Forks a worker: returns its UPID at once, runs `worker` behind it.
    pub fn fork<F, W>(&self, caller: &Caller, kind: &str, id: &str, worker: W) -> String
    where
        W: FnOnce(TaskContext) -> F + Send + 'static,
        F: Future<Output = Result<(), String>> + Send + 'static,
    {
        let upid = self.new_upid(caller, kind, id).to_string();
        let cancel = self.tasks().begin(&upid);
        let record = TaskRecord { upid: upid.clone(), endtime: None, status: None, log: Vec::new() };
        self.write(|model| {
            model.tasks.push(record);
            let surplus = model.tasks.len().saturating_sub(KEPT);
            model.tasks.drain(..surplus);
        });
        let context = TaskContext {
            host: self.clone(),
            upid: upid.clone(),
            kind: kind.to_owned(),
            cancel,
            warnings: Arc::default(),
        };
        let id = id.to_owned();
        tokio::spawn(async move {
            let outcome = match context.planted_faults().await {
                Ok(()) => worker(context.clone()).await,
                Err(message) => Err(context.undone(&id, message).await),
            };
            context.host.end_task(&context, outcome);
        });
        upid
    }

    fn end_task(&self, context: &TaskContext, outcome: Result<(), String>) {
        let warnings = context.warnings.load(Ordering::Relaxed);
        let (status, line) = match outcome {
            Ok(()) if warnings > 0 => (format!("WARNINGS: {warnings}"), format!("TASK WARNINGS: {warnings}")),
            Ok(()) => ("OK".to_owned(), "TASK OK".to_owned()),
            Err(text) => (text.clone(), format!("TASK ERROR: {text}")),
        };
        self.write(|model| {
            if let Some(task) = model.tasks.iter_mut().rev().find(|task| task.upid == context.upid) {
                task.log.push(line);
                task.status = Some(status);
                task.endtime = Some(clock::now());
            }
        });
        self.tasks().bump(&context.upid);
        self.tasks().end(&context.upid);
    }

    fn new_upid(&self, caller: &Caller, kind: &str, id: &str) -> Upid {
        let now = clock::now_ms();
        let (pid, boot_ms) = self.touch(|model| {
            model.next_pid += 3;
            (model.next_pid, model.boot_ms)
        });
        let pstart = u64::try_from((now - boot_ms) / 10).unwrap_or_default();
        Upid {
            node: self.node().to_owned(),
            pid,
            pstart,
            starttime: now / 1000,
            kind: kind.to_owned(),
            id: id.to_owned(),
            authid: caller.authid(),
        }
    }

    /// The task of that identifier, running or ended.
    pub fn task(&self, upid: &str) -> Option<TaskRecord> {
        self.read(|model| model.tasks.iter().rev().find(|task| task.upid == upid).cloned())
    }

    /// Waits for the end of a task, handing over each log line as it comes (the last is `TASK …`).
    pub async fn follow(&self, upid: &str, mut on_line: impl FnMut(&str)) -> Option<TaskRecord> {
        let mut shown = 0;
        loop {
            let changes = self.tasks().live(upid).map(|live| live.changes.subscribe());
            let task = self.task(upid)?;
            for line in &task.log[shown..] {
                on_line(line);
            }
            shown = task.log.len();
            if task.endtime.is_some() {
                return Some(task);
            }
            if let Some(mut changes) = changes {
                let same =
                    self.task(upid).is_some_and(|task| task.log.len() == shown && task.endtime.is_none());
                // A closed channel means the task just ended: the next round reads its last line.
                if same && changes.changed().await.is_err() {
                    tokio::task::yield_now().await;
                }
            } else {
                tokio::task::yield_now().await;
            }
        }
    }

    /// Waits for the end of a task; `None` when there is no such task.
    pub async fn wait(&self, upid: &str) -> Option<TaskRecord> {
        self.follow(upid, |_| {}).await
    }
}
