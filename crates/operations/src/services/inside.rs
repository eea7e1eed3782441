//! The way into a container: by SSH to its node, and only into the one that Berth means.

use std::sync::Arc;
use std::time::Duration;

use berth_domain::UserId;
use berth_domain::container::Container;
use berth_domain::node::Node;
use berth_proxmox::pct::PctExec;
use berth_proxmox::ssh::{Limits, Output, Stdin};
use berth_proxmox::{Error as HostError, Pct};
use tokio::time::{Instant, timeout_at};

use crate::{Context, Error, NodeConnection, Result, identity};

/// How long somebody waits for what is asked inside a container, from connecting to its last word.
pub(crate) const DEADLINE: Duration = Duration::from_secs(15);

/// One of the user's containers, entered.
pub(crate) struct Inside {
    /// The container.
    pub(crate) container: Container,
    /// Its node.
    pub(crate) node: Node,
    pct: Pct,
    until: Instant,
}

impl Inside {
    /// Logs in on the container's node and makes sure that its VMID still is this container's. [`Error::Conflict`] where it is not, and
    /// where the node has no SSH. All that is done inside has [`DEADLINE`] from here on, together.
    pub(crate) async fn enter(ctx: &Context, user: UserId, container: Container) -> Result<Self> {
        let connection = NodeConnection::for_user(ctx, user, container.node_id).await?;
        let until = Instant::now() + DEADLINE;
        let work = async {
            tokio::try_join!(connection.connect_ssh(DEADLINE), identity::check(&connection, &container))
        };
        let (ssh, _) = timeout_at(until, work).await.unwrap_or_else(|_| Err(late(&connection.node)))?;
        Ok(Self { container, node: connection.node, pct: Pct::new(ssh), until })
    }

    /// Runs a program to its end, by one call of `pct`.
    pub(crate) async fn run(&self, argv: &[&str], max_output: usize) -> Result<Output> {
        let limits = Limits { deadline: self.until.saturating_duration_since(Instant::now()), max_output };
        let ran = self.pct.run(self.container.vmid, argv, Stdin::Empty, limits).await;
        ran.map_err(|error| self.trouble(error))
    }

    /// Starts a program that goes on as long as it is listened to, by one call of `pct`.
    pub(crate) async fn start(&self, argv: &[&str], stdin: Stdin) -> Result<PctExec> {
        let started = self.pct.exec(self.container.vmid, argv, stdin).await;
        started.map_err(|error| self.trouble(error))
    }

    /// Does something within what is left of the deadline.
    pub(crate) async fn in_time<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        timeout_at(self.until, work).await.unwrap_or_else(|_| Err(late(&self.node)))
    }

    /// When what is asked inside must be there.
    pub(crate) fn until(&self) -> Instant {
        self.until
    }

    /// What to tell its owner when it is not.
    pub(crate) fn late(&self) -> Error {
        late(&self.node)
    }

    /// What to tell its owner of a failure.
    pub(crate) fn trouble(&self, error: HostError) -> Error {
        let (name, node) = (&self.container.hostname, &self.node.name);
        match error {
            HostError::NotRunning { .. } => {
                Error::Conflict(format!("{name} is not running. Start it and try again"))
            }
            HostError::NoSuchContainer { .. } => Error::Conflict(identity::missing(&self.container, node)),
            HostError::CommandTimeout { .. } => late(&self.node),
            error => Error::node(node, error),
        }
    }
}

fn late(node: &Node) -> Error {
    Error::node(&node.name, HostError::Timeout { host: Arc::new(node.address.clone()), after: DEADLINE })
}
