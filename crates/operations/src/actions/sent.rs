//! What became of a request whose answer was never seen.

use berth_domain::action::ActionKind;
use berth_proxmox::lxc::RunState;
use berth_proxmox::tasks::TaskFilter;
use berth_proxmox::{Error as HostError, Upid};

use super::failure::{Failure, Outcome};
use super::job::Job;
use super::words;

/// How often a host is looked at before a request counts as never arrived: it may still be on its way.
const LOOKS: u32 = 4;

/// What is found of a request that may have been sent.
pub(super) enum Trace {
    /// The task that it began.
    Task(Upid),
    /// No task, and what was wanted is so.
    CameAbout,
    /// Nothing.
    Nothing,
}

impl Job {
    /// The newest task of this action's kind that our token began on this container.
    ///
    /// Tasks are told apart by their names, not by when they began: the host's clock is its own.
    pub(super) async fn newest_task(&self) -> Outcome<Option<Upid>> {
        let filter = TaskFilter { vmid: Some(self.container.vmid), all: true, ..TaskFilter::default() };
        let tasks = self.client().tasks(self.connection.pve_node(), filter).await?;
        let (kind, us) = (words::task(self.kind()), self.connection.node.token_id.to_string());
        let ours = tasks.into_iter().filter(|task| task.kind == kind && task.upid.user() == us);
        Ok(ours.max_by_key(|task| task.starttime).map(|task| task.upid))
    }

    /// Looks for the task, then at the container; not finding anything is certain only after some looks.
    pub(super) async fn look_for_what_was_sent(&mut self) -> Outcome<Trace> {
        let known = self.action.known_upid.clone().unwrap_or_default();
        if let Some(upid) = self.newest_task().await?.filter(|upid| upid.as_str() != known) {
            return Ok(Trace::Task(upid));
        }
        self.looks += 1;
        if self.looks < LOOKS {
            let cause = "its task has not been found yet".to_owned();
            let host = self.connection.node.address.clone().into();
            let request = words::noun(self.kind()).to_owned();
            return Err(Failure::from(HostError::MaybeSent { host, request, cause }));
        }
        Ok(if self.has_come_about().await? { Trace::CameAbout } else { Trace::Nothing })
    }

    /// Whether what was wanted is so, whoever did it.
    pub(super) async fn has_come_about(&self) -> Outcome<bool> {
        let status = match self.status().await {
            Ok(status) => status,
            Err(Failure::Host(error)) if matches!(*error, HostError::NotFound { .. }) => {
                return Ok(self.kind() == ActionKind::Delete);
            }
            Err(failure) => return Err(failure),
        };
        Ok(match self.kind() {
            ActionKind::Start => status.status == RunState::Running,
            ActionKind::Shutdown | ActionKind::Stop => status.status == RunState::Stopped,
            ActionKind::Restart => {
                let since = self.action.sent_at.map(|sent| (self.ctx.clock.now() - sent).whole_seconds());
                let up = status.uptime.and_then(|seconds| i64::try_from(seconds).ok());
                status.status == RunState::Running && up.zip(since).is_some_and(|(up, since)| up < since)
            }
            ActionKind::Delete | ActionKind::Adopt => false,
        })
    }
}
