//! Containers: `/nodes/{node}/lxc`.

mod config;
mod create;
mod status;

use berth_domain::Vmid;
use serde::de::IgnoredAny;

pub use config::{ConfigChange, ContainerConfig};
pub use create::CreateContainer;
pub use status::{Address, ContainerStatus, Interface, RrdPoint, RunState, Timeframe};

use crate::Result;
use crate::client::{Client, Parameters, parameter};
use crate::tasks::Upid;

/// How a container is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeleteOptions {
    /// Also take it out of backup jobs, replication and HA.
    pub purge: bool,
    /// Stop it first.
    pub force: bool,
}

impl Client {
    /// The containers on a node that these credentials may audit: `GET /nodes/{node}/lxc`.
    pub async fn containers(&self, node: &str) -> Result<Vec<ContainerStatus>> {
        self.get(&["nodes", node, "lxc"], Vec::new()).await
    }

    /// A container's state right now: `GET /nodes/{node}/lxc/{vmid}/status/current`.
    ///
    /// One that does not exist is [`crate::Error::NotFound`], or [`crate::Error::Forbidden`] without `VM.Audit`.
    pub async fn container_status(&self, node: &str, vmid: Vmid) -> Result<ContainerStatus> {
        self.get(&["nodes", node, "lxc", &vmid.to_string(), "status", "current"], Vec::new()).await
    }

    /// A container's options: `GET /nodes/{node}/lxc/{vmid}/config`, pending changes included.
    pub async fn container_config(&self, node: &str, vmid: Vmid) -> Result<ContainerConfig> {
        self.get(&["nodes", node, "lxc", &vmid.to_string(), "config"], Vec::new()).await
    }

    /// Changes a container's options: `PUT /nodes/{node}/lxc/{vmid}/config`. Done when it answers; there is no task.
    pub async fn change_container(&self, node: &str, vmid: Vmid, change: &ConfigChange) -> Result<()> {
        let _: IgnoredAny =
            self.put(&["nodes", node, "lxc", &vmid.to_string(), "config"], change.parameters()).await?;
        Ok(())
    }

    /// A running container's network interfaces: `GET /nodes/{node}/lxc/{vmid}/interfaces`.
    ///
    /// Empty when it is stopped or does not exist; without addresses for a while after a start.
    pub async fn container_interfaces(&self, node: &str, vmid: Vmid) -> Result<Vec<Interface>> {
        let path = ["nodes", node, "lxc", &vmid.to_string(), "interfaces"];
        Ok(self.get::<Option<Vec<Interface>>>(&path, Vec::new()).await?.unwrap_or_default())
    }

    /// A container's history: `GET /nodes/{node}/lxc/{vmid}/rrddata`, averages, oldest first.
    pub async fn container_history(
        &self,
        node: &str,
        vmid: Vmid,
        timeframe: Timeframe,
    ) -> Result<Vec<RrdPoint>> {
        let query = vec![parameter("timeframe", timeframe.as_str()), parameter("cf", "AVERAGE")];
        self.get(&["nodes", node, "lxc", &vmid.to_string(), "rrddata"], query).await
    }

    /// Creates a container: `POST /nodes/{node}/lxc`. A task does it; a missing OS template or bridge is found only there.
    ///
    /// A VMID that is taken is [`crate::Error::AlreadyExists`], on another member of the cluster too.
    pub async fn create_container(&self, node: &str, container: &CreateContainer) -> Result<Upid> {
        self.post(&["nodes", node, "lxc"], container.parameters()?).await
    }

    /// Starts a container: `POST …/status/start`. One that is unknown or locked fails in the task, not here.
    pub async fn start_container(&self, node: &str, vmid: Vmid) -> Result<Upid> {
        self.act(node, vmid, "start", Vec::new()).await
    }

    /// Stops a container at once: `POST …/status/stop`. One that is stopped is [`crate::Error::WrongState`].
    pub async fn stop_container(&self, node: &str, vmid: Vmid) -> Result<Upid> {
        self.act(node, vmid, "stop", Vec::new()).await
    }

    /// Shuts a container down: `POST …/status/shutdown`. Its task fails when that takes longer than `seconds`,
    /// unless it may then be stopped by force.
    pub async fn shutdown_container(
        &self,
        node: &str,
        vmid: Vmid,
        seconds: u32,
        force_stop: bool,
    ) -> Result<Upid> {
        let form = vec![parameter("timeout", seconds), parameter("forceStop", u8::from(force_stop))];
        self.act(node, vmid, "shutdown", form).await
    }

    /// Shuts a container down and starts it again, with its pending changes: `POST …/status/reboot`.
    pub async fn reboot_container(&self, node: &str, vmid: Vmid, seconds: u32) -> Result<Upid> {
        self.act(node, vmid, "reboot", vec![parameter("timeout", seconds)]).await
    }

    /// Deletes a container and its disks: `DELETE /nodes/{node}/lxc/{vmid}`.
    ///
    /// Disks that its config does not name are left alone: looking for them fails when any storage of the host is broken.
    pub async fn delete_container(&self, node: &str, vmid: Vmid, options: DeleteOptions) -> Result<Upid> {
        let purge = options.purge.then(|| parameter("purge", 1));
        let force = options.force.then(|| parameter("force", 1));
        let query = purge.into_iter().chain(force).collect();
        self.delete(&["nodes", node, "lxc", &vmid.to_string()], query).await
    }

    async fn act(&self, node: &str, vmid: Vmid, action: &str, form: Parameters) -> Result<Upid> {
        self.post(&["nodes", node, "lxc", &vmid.to_string(), "status", action], form).await
    }
}
