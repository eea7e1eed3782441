//! An action in the hands of a worker, from the look at the host to the end of its task.

use std::time::Duration;

use berth_domain::action::{ActionKind, Remedy};
use berth_domain::container::Container;
use berth_proxmox::lxc::{ContainerStatus, DeleteOptions, RunState};
use berth_proxmox::{Client, Error as HostError, Upid};
use berth_store::container_actions::{self as store, Claimed};

use super::failure::{Failure, Outcome};
use super::sent::Trace;
use super::whereabouts::Place;
use super::{SHUTDOWN_SECONDS, adopt, words};
use crate::creation::task_text;
use crate::{Context, Error, NodeConnection, Result, vmids};

/// The longest that a task is waited for; deleting a large disk takes a while.
const TASK: Duration = Duration::from_mins(10);
const DELETING: Duration = Duration::from_hours(1);
/// How often the same request is sent at most; the second time only when nothing of the first was found.
const MOST_SENDINGS: u32 = 2;

/// An action that this worker holds.
pub(super) struct Job {
    pub(super) ctx: Context,
    pub(super) action: Claimed,
    pub(super) owner: String,
    pub(super) container: Container,
    pub(super) connection: NodeConnection,
    /// How often what was sent was looked for, and not found.
    pub(super) looks: u32,
}

/// It came about, and what more the history tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Ended {
    pub(super) text: String,
}

impl Ended {
    pub(super) fn saying(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }
}

impl Job {
    /// A claimed action with its container and its node's clients; nothing is sent yet.
    pub(super) async fn open(ctx: Context, action: Claimed, owner: &str) -> Result<Self> {
        let container =
            berth_store::containers::of_action(&ctx.pg, action.id).await?.ok_or(Error::NotFound)?;
        let connection = NodeConnection::for_action(&ctx, action.id).await?;
        Ok(Self { ctx, action, owner: owner.to_owned(), container, connection, looks: 0 })
    }

    pub(super) fn kind(&self) -> ActionKind {
        self.action.wanted.kind
    }

    pub(super) fn client(&self) -> &Client {
        &self.connection.client
    }

    pub(super) fn node_name(&self) -> &str {
        &self.connection.node.name
    }

    pub(super) fn hostname(&self) -> &str {
        &self.container.hostname
    }

    /// Whether the host may be at it already.
    pub(super) const fn may_be_sent(&self) -> bool {
        self.action.sent_at.is_some() || self.action.upid.is_some()
    }

    /// What is known of the cluster's VMIDs is void.
    pub(super) async fn forget_vmids(&self) {
        vmids::invalidate(&self.ctx, &self.connection.node.cluster).await;
    }

    /// Does what is still to be done. Safe to repeat.
    pub(super) async fn attempt(&mut self) -> Outcome<Ended> {
        if self.action.upid.is_none()
            && let Some(ended) = self.begin().await?
        {
            return Ok(ended);
        }
        self.see_through().await
    }

    /// Gets the task going, or ends at once where there is nothing to do.
    async fn begin(&mut self) -> Outcome<Option<Ended>> {
        if self.action.sent_at.is_some() {
            match self.look_for_what_was_sent().await? {
                Trace::Task(upid) => return self.note_task(&upid).await.map(|()| None),
                Trace::CameAbout => return Ok(Some(Ended::default())),
                Trace::Nothing if self.action.sendings >= MOST_SENDINGS => return Err(self.unsure()),
                Trace::Nothing => {}
            }
        }
        let config = match self.find_container().await? {
            Place::Here(config) => config,
            Place::Gone if self.kind() == ActionKind::Delete => {
                return Ok(Some(Ended::saying("It was gone from Proxmox already")));
            }
            Place::Gone => return Err(self.gone()),
        };
        if self.kind() == ActionKind::Adopt {
            return adopt::run(self, &config).await.map(Some);
        }
        let status = self.status().await?;
        if let Some(lock) = status.lock.as_deref().or(config.lock()) {
            return Err(self.locked(lock));
        }
        if let Some(ended) = self.already(status.status)? {
            return Ok(Some(ended));
        }
        self.send().await
    }

    pub(super) async fn status(&self) -> Outcome<ContainerStatus> {
        Ok(self.client().container_status(self.connection.pve_node(), self.container.vmid).await?)
    }

    /// Whether there is nothing to do in this state; a failure where the state forbids it.
    fn already(&self, state: RunState) -> Outcome<Option<Ended>> {
        let name = self.hostname();
        Ok(match (self.kind(), state) {
            (ActionKind::Start, RunState::Running) => Some(Ended::saying("It was running already")),
            (ActionKind::Shutdown | ActionKind::Stop, RunState::Stopped) => {
                Some(Ended::saying("It was stopped already"))
            }
            (ActionKind::Restart, RunState::Stopped) => {
                return Err(Failure::refused(format!(
                    "{name} is stopped, so it cannot be restarted. Start it instead"
                )));
            }
            (ActionKind::Delete, RunState::Running) if !self.action.wanted.stop_first => {
                return Err(Failure::refused(format!(
                    "{name} is running. Stop it first, or tick \"Stop it first\" when you delete it"
                )));
            }
            _ => None,
        })
    }

    /// Sends the request, once, after noting that it is about to be.
    async fn send(&mut self) -> Outcome<Option<Ended>> {
        let known = self.newest_task().await?;
        let now = self.ctx.clock.now();
        let known = known.as_ref().map(Upid::as_str);
        store::note_sending(&self.ctx.pg, self.action.id, &self.owner, known, now).await?;
        self.action.known_upid = Some(known.unwrap_or_default().to_owned());
        self.action.sent_at = Some(now);
        self.action.sendings += 1;
        self.looks = 0;
        match self.post().await {
            Ok(upid) => self.note_task(&upid).await.map(|()| None),
            Err(error @ HostError::MaybeSent { .. }) => Err(error.into()),
            Err(error) => {
                store::unsent(&self.ctx.pg, self.action.id, &self.owner).await?;
                (self.action.sent_at, self.action.known_upid) = (None, None);
                match error {
                    // It has changed since the look a moment ago.
                    HostError::WrongState { message, .. } => {
                        let state = self.status().await?.status;
                        self.already(state)?.map(Some).ok_or_else(|| self.told(&message))
                    }
                    HostError::Locked { lock, .. } => Err(self.locked(&lock)),
                    error => Err(error.into()),
                }
            }
        }
    }

    async fn post(&self) -> berth_proxmox::Result<Upid> {
        let (client, node, vmid) = (self.client(), self.connection.pve_node(), self.container.vmid);
        let wanted = self.action.wanted;
        match wanted.kind {
            ActionKind::Start => client.start_container(node, vmid).await,
            ActionKind::Shutdown => client.shutdown_container(node, vmid, SHUTDOWN_SECONDS, false).await,
            ActionKind::Stop => client.stop_container(node, vmid).await,
            ActionKind::Restart => client.reboot_container(node, vmid, SHUTDOWN_SECONDS).await,
            ActionKind::Delete => {
                let options = DeleteOptions { purge: wanted.purge, force: wanted.stop_first };
                client.delete_container(node, vmid, options).await
            }
            ActionKind::Adopt => unreachable!("adopting is not one request"),
        }
    }

    async fn note_task(&mut self, upid: &Upid) -> Outcome<()> {
        store::set_upid(&self.ctx.pg, self.action.id, &self.owner, upid.as_str()).await?;
        self.action.upid = Some(upid.to_string());
        Ok(())
    }
}

/// To the end of the task.
impl Job {
    async fn see_through(&self) -> Outcome<Ended> {
        let upid = self.action.upid.as_deref().unwrap_or_default();
        let upid: Upid = upid.parse().map_err(|_| {
            Failure::refused(format!("{} named a task in a way we do not know: {upid}", self.node_name()))
        })?;
        let deadline = if self.kind() == ActionKind::Delete { DELETING } else { TASK };
        match self.client().wait_task(&upid, deadline, 1, |_| {}).await {
            Ok(_) => self.look_again().await,
            Err(HostError::TaskFailed { exitstatus, log_tail, .. }) => {
                Err(self.task_failed(&exitstatus, &log_tail).await)
            }
            // The host has cleaned its list of tasks: only the container itself can tell.
            Err(HostError::NotFound { .. }) if self.has_come_about().await? => Ok(self.whole()),
            Err(HostError::NotFound { .. }) => Err(Failure::refused(format!(
                "{} no longer knows how that ended. Look at {}, and try again if need be",
                self.node_name(),
                self.hostname()
            ))),
            Err(HostError::TaskRunning { after, .. }) => Err(Failure::refused(format!(
                "{} has been at it for {} min and goes on. Look at the task on Proxmox",
                self.node_name(),
                after.as_secs() / 60
            ))),
            Err(error) => Err(error.into()),
        }
    }

    fn whole(&self) -> Ended {
        let purged = self.kind() == ActionKind::Delete && self.action.wanted.purge;
        if purged { Ended::saying("Also from backup jobs, replication and HA") } else { Ended::default() }
    }

    /// A start that ends well may leave a container that stops at once.
    async fn look_again(&self) -> Outcome<Ended> {
        let starts = matches!(self.kind(), ActionKind::Start | ActionKind::Restart);
        if starts && self.status().await?.status == RunState::Stopped {
            let (name, vmid, node) = (self.hostname(), self.container.vmid, self.node_name());
            return Err(Failure::refused(format!(
                "{name} started and stopped again at once. `pct start {vmid} --debug` on {node} tells why"
            )));
        }
        Ok(self.whole())
    }

    async fn task_failed(&self, exitstatus: &str, log_tail: &[String]) -> Failure {
        if let Some(lock) = words::lock_in(exitstatus) {
            return self.locked(lock);
        }
        let told = task_text(exitstatus, log_tail);
        if self.kind() != ActionKind::Shutdown {
            return self.told(&told);
        }
        match self.status().await {
            Ok(status) if status.status == RunState::Running => Failure::Refused {
                text: format!(
                    "{} did not shut down within {SHUTDOWN_SECONDS} s. Stop it, or see inside what keeps it running ({told})",
                    self.hostname()
                ),
                remedy: Some(Remedy::Stop),
            },
            _ => self.told(&told),
        }
    }
}

/// What is told when it does not come about.
impl Job {
    pub(super) fn locked(&self, lock: &str) -> Failure {
        Failure::refused(words::locked(lock, self.node_name(), self.hostname()))
    }

    /// Proxmox's own words, with who said them.
    pub(super) fn told(&self, message: &str) -> Failure {
        Failure::refused(format!("{}: {message}", self.node_name()))
    }

    fn gone(&self) -> Failure {
        Failure::refused(crate::identity::missing(&self.container, self.node_name()))
    }

    fn unsure(&self) -> Failure {
        let (node, name) = (self.node_name(), self.hostname());
        Failure::refused(format!(
            "{node} was asked {MOST_SENDINGS} times and did not say whether it began. Look at {name} on Proxmox, and try again if need be"
        ))
    }
}
