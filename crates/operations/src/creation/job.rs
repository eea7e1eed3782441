//! What every phase works with: the creation, its node, and how to report.

use std::collections::BTreeSet;
use std::time::Duration;

use berth_domain::creation::{
    Creation, CreationSpec, LineLevel, Phase, ProgressEvent, StepState, StoredEvent,
};
use berth_proxmox::lxc::Interface;
use berth_proxmox::ssh::{Limits, Output, Stdin};
use berth_proxmox::tasks::{TaskFilter, TaskLogLine};
use berth_proxmox::{Client, Error as HostError, Pct, SshConnection, TaskOutcome, Upid};
use berth_store::containers::{self, Found};
use berth_store::creations::{self, StepRecord};
use berth_store::progress::{self, LogOffset, TaskLines};
use tokio::sync::mpsc;

use super::failure::{Failure, Outcome};
use crate::node_connection::NodeConnection;
use crate::services::discovery::{Discovery, address_of};
use crate::{Context, vmids};

/// The longest that one Proxmox task of a creation is waited for: unpacking a large OS template on a slow disk.
const TASK_DEADLINE: Duration = Duration::from_mins(30);
const SSH_DEADLINE: Duration = Duration::from_secs(15);
/// Output collected from one of our own short scripts.
const OUTPUT_LIMIT: usize = 4 << 20;

/// A creation in the hands of this worker.
pub(crate) struct Job {
    pub(super) ctx: Context,
    pub(super) creation: Creation<CreationSpec>,
    pub(super) owner: String,
    connection: NodeConnection,
    pct: Option<Pct>,
}

impl Job {
    /// A claimed creation with its node's clients; nothing is sent yet.
    pub(super) async fn open(
        ctx: Context,
        creation: Creation<CreationSpec>,
        owner: String,
    ) -> crate::Result<Self> {
        let connection = NodeConnection::for_creation(&ctx, creation.id).await?;
        Ok(Self { ctx, creation, owner, connection, pct: None })
    }

    pub(super) fn client(&self) -> &Client {
        &self.connection.client
    }

    pub(super) fn pve_node(&self) -> &str {
        self.connection.pve_node()
    }

    pub(super) fn node_name(&self) -> &str {
        &self.connection.node.name
    }

    /// What shares the VMIDs of its node.
    pub(super) fn cluster(&self) -> &str {
        &self.connection.node.cluster
    }

    pub(super) fn has_ssh(&self) -> bool {
        self.connection.ssh.is_some()
    }

    /// Where this attempt's files are inside the container.
    pub(super) fn run_directory(&self) -> String {
        format!("/var/lib/berth/runs/{}/{}", self.creation.id, self.creation.attempt)
    }

    /// The name of the transient unit that runs this attempt's steps.
    pub(super) fn unit(&self) -> String {
        format!("berth-{}-{}", self.creation.id, self.creation.attempt)
    }

    /// The next use of SSH connects anew.
    pub(super) fn drop_ssh(&mut self) {
        self.pct = None;
    }

    /// `pct` on the node, over one connection for the whole creation.
    pub(super) async fn pct(&mut self) -> Outcome<&Pct> {
        if self.pct.as_ref().is_none_or(|pct| pct.ssh().is_closed()) {
            let Some(target) = &self.connection.ssh else {
                return Err(Failure::broken(self.connection.without_ssh().to_string()));
            };
            self.pct = Some(Pct::new(SshConnection::connect(target, SSH_DEADLINE).await?));
        }
        Ok(self.pct.as_ref().expect("connected just above"))
    }

    /// Runs one of our own short scripts inside the container and collects what it prints.
    pub(super) async fn shell(
        &mut self,
        script: &str,
        arguments: &[&str],
        stdin: Stdin,
        deadline: Duration,
    ) -> Outcome<Output> {
        let vmid = self.creation.spec.vmid;
        let argv = [&["sh", "-c", script, "berth"], arguments].concat();
        let limits = Limits { deadline, max_output: OUTPUT_LIMIT };
        Ok(self.pct().await?.run(vmid, &argv, stdin, limits).await?)
    }

    /// The same just after a start, when the container may not answer for a moment.
    pub(super) async fn shell_when_up(
        &mut self,
        script: &str,
        arguments: &[&str],
        deadline: Duration,
    ) -> Outcome<Output> {
        let vmid = self.creation.spec.vmid;
        let argv = [&["sh", "-c", script, "berth"], arguments].concat();
        let limits = Limits { deadline, max_output: OUTPUT_LIMIT };
        Ok(self.pct().await?.run_when_up(vmid, &argv, limits).await?)
    }
}

/// Reporting.
impl Job {
    pub(super) async fn emit(&self, events: &[ProgressEvent]) -> Outcome<Vec<StoredEvent>> {
        self.emit_at(events, None).await
    }

    /// Stores events and how far the step's log has been read, both or neither.
    pub(super) async fn emit_at(
        &self,
        events: &[ProgressEvent],
        offset: Option<LogOffset>,
    ) -> Outcome<Vec<StoredEvent>> {
        let Context { pg, redis, clock, .. } = &self.ctx;
        self.insist(|| {
            progress::append(pg, redis, self.creation.id, Some(&self.owner), events, offset, clock.now())
        })
        .await
    }

    /// Stores lines of a task's log and how many of them there are, both or neither.
    async fn emit_task_lines(&self, events: &[ProgressEvent], lines: TaskLines) -> Outcome<Vec<StoredEvent>> {
        let Context { pg, redis, clock, .. } = &self.ctx;
        self.insist(|| {
            progress::append_task_lines(pg, redis, self.creation.id, &self.owner, events, lines, clock.now())
        })
        .await
    }

    /// Repeats a write while PostgreSQL is away; the lease decides for how long. A write whose answer was lost is not done twice: its offset
    /// has moved.
    async fn insist<F>(&self, write: impl Fn() -> F) -> Outcome<Vec<StoredEvent>>
    where
        F: Future<Output = berth_store::Result<Vec<StoredEvent>>>,
    {
        let mut repeated = false;
        loop {
            match write().await {
                Ok(stored) => return Ok(stored),
                Err(berth_store::Error::OffsetMoved { .. }) if repeated => return Ok(Vec::new()),
                Err(error) if error.is_unavailable() => {
                    repeated = true;
                    tracing::warn!(creation = %self.creation.id, %error, "progress could not be stored, trying again");
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    pub(super) async fn info(&self, text: impl Into<String>) -> Outcome<()> {
        self.emit(&[ProgressEvent::info(text)]).await.map(drop)
    }

    pub(super) async fn warn(&self, text: impl Into<String>) -> Outcome<()> {
        self.emit(&[ProgressEvent::warn(text)]).await.map(drop)
    }

    pub(super) async fn output(&self, step: Option<u32>, text: &str) -> Outcome<()> {
        self.emit(&[ProgressEvent::Line { step, level: LineLevel::Out, text: text.into() }]).await.map(drop)
    }

    /// Enters a phase, or goes on in it, and says so.
    pub(super) async fn set_phase(&mut self, phase: Phase, percent: u8) -> Outcome<()> {
        creations::set_phase(&self.ctx.pg, self.creation.id, &self.owner, phase, percent).await?;
        (self.creation.phase, self.creation.percent) = (phase, percent);
        self.emit(&[ProgressEvent::Phase { phase, percent }]).await.map(drop)
    }

    pub(super) async fn steps(&self) -> Outcome<Vec<StepRecord>> {
        Ok(creations::step_records(&self.ctx.pg, self.creation.id).await?)
    }

    /// The positions of the steps that are done.
    pub(super) async fn finished_steps(&self) -> Outcome<BTreeSet<u32>> {
        let steps = self.steps().await?;
        Ok(steps
            .iter()
            .filter(|record| record.step.state == StepState::Done)
            .map(|record| record.step.position)
            .collect())
    }
}

/// Proxmox tasks.
impl Job {
    /// Notes a task, so that whoever goes on after a crash waits for it instead of asking for it again.
    pub(super) async fn begin_task(&mut self, upid: &Upid) -> Outcome<()> {
        creations::set_upid(&self.ctx.pg, self.creation.id, &self.owner, Some(upid.as_str())).await?;
        self.creation.upid = Some(upid.to_string());
        Ok(())
    }

    /// Waits for the noted task, if there is one, and shows its log. A failed one fails the phase and is forgotten.
    pub(super) async fn finish_pending_task(&mut self) -> Outcome<()> {
        let Some(upid) = self.creation.upid.clone() else { return Ok(()) };
        let upid: Upid = upid
            .parse()
            .map_err(|_| Failure::broken(format!("Proxmox named a task in a way we do not know: {upid}")))?;
        match self.watch(&upid).await {
            Ok(TaskOutcome::Warnings(count)) => {
                self.warn(format!("Proxmox: the task ended with {count} warnings")).await?;
            }
            Ok(TaskOutcome::Ok) => {}
            // The host has cleaned its list of tasks: whoever called looks at the container itself.
            Err(Failure::Host(error)) if matches!(*error, HostError::NotFound { .. }) => {}
            Err(failure @ Failure::Broken(_)) => {
                self.forget_task().await?;
                return Err(failure);
            }
            Err(failure) => return Err(failure),
        }
        self.forget_task().await
    }

    async fn forget_task(&mut self) -> Outcome<()> {
        creations::set_upid(&self.ctx.pg, self.creation.id, &self.owner, None).await?;
        self.creation.upid = None;
        Ok(())
    }

    /// Waits for a task while its log is stored line by line, with how many lines there are.
    async fn watch(&self, upid: &Upid) -> Outcome<TaskOutcome> {
        let (sender, mut lines) = mpsc::unbounded_channel::<TaskLogLine>();
        let mut from = progress::task_lines(&self.ctx.pg, self.creation.id).await?;
        let first = from + 1;
        let client = self.connection.client.clone();
        let waiting = async move {
            client
                .wait_task(upid, TASK_DEADLINE, first, |line| {
                    let _ = sender.send(line.clone());
                })
                .await
        };
        let showing = async {
            let mut batch = Vec::new();
            while lines.recv_many(&mut batch, 200).await > 0 {
                let last = batch.last().map_or(0, |line| line.n);
                let events: Vec<_> = batch
                    .drain(..)
                    .map(|line| ProgressEvent::Line {
                        step: None,
                        level: LineLevel::Out,
                        text: line.text().to_owned(),
                    })
                    .collect();
                self.emit_task_lines(&events, TaskLines { from, to: last }).await?;
                from = last;
            }
            Ok::<_, Failure>(())
        };
        let (outcome, shown) = tokio::join!(waiting, showing);
        shown?;
        Ok(outcome?)
    }

    /// A task of this kind that our token started on this VMID and that still runs.
    pub(super) async fn running_task(&self, kind: &str) -> Outcome<Option<Upid>> {
        let filter =
            TaskFilter { vmid: Some(self.creation.spec.vmid), running: true, ..TaskFilter::default() };
        let tasks = self.client().tasks(self.pve_node(), filter).await?;
        let us = self.connection.node.token_id.to_string();
        Ok(tasks.into_iter().find(|task| task.kind == kind && task.upid.user() == us).map(|task| task.upid))
    }
}

/// What is known of the container.
impl Job {
    /// Stores the container that now exists.
    pub(super) async fn record_container(&mut self) -> Outcome<()> {
        let mut connection = self.ctx.pg.acquire().await.map_err(berth_store::Error::from)?;
        let id =
            containers::upsert_created(&mut connection, self.creation.id, &self.owner, self.ctx.clock.now())
                .await?;
        self.creation.container_id = Some(id);
        // What was cached while it was being created does not list it.
        vmids::invalidate(&self.ctx, self.cluster()).await;
        Ok(())
    }

    pub(super) async fn record_address(&self, address: Option<&str>) -> Outcome<()> {
        self.record(Found { address, ..Found::default() }).await
    }

    pub(super) async fn record_discovery(&self, found: &Discovery) -> Outcome<()> {
        self.record(found.stored()).await
    }

    /// The address as Proxmox sees it, for a node without SSH.
    pub(super) async fn record_address_from_api(&self) -> Outcome<()> {
        let interfaces = self.client().container_interfaces(self.pve_node(), self.creation.spec.vmid).await?;
        self.record_address(address_of_interfaces(&interfaces).as_deref()).await
    }

    async fn record(&self, found: Found<'_>) -> Outcome<()> {
        if let Some(id) = self.creation.container_id {
            let (user, now) = (self.creation.user_id, self.ctx.clock.now());
            containers::set_discovery(&self.ctx.pg, user, id, &found, now).await?;
        }
        Ok(())
    }
}

/// The address as Proxmox sees it, for a node without SSH.
pub(crate) fn address_of_interfaces(interfaces: &[Interface]) -> Option<String> {
    interfaces
        .iter()
        .filter(|interface| interface.name != "lo")
        .flat_map(|interface| &interface.addresses)
        .find(|address| address.ip_address_type == "inet")
        .and_then(|address| address_of(&address.ip_address))
}
