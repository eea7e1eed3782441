//! Everything that can be done to the containers of a host.

mod backup;
mod clone;
mod config;
mod create;
mod destroy;
mod disk;
mod net;
mod permit;
mod power;
mod view;

pub use config::{config_value, split_list};
pub use net::parse_properties;

use super::{ApiError, Caller, Container, Host, Model};
use crate::guest::GuestSpec;

/// How long a task waits for the configuration lock, as on the host.
const LOCK_SECONDS: u64 = 10;

impl Model {
    /// The container, or the error Proxmox gives for a missing configuration file.
    pub(crate) fn container(&self, node: &str, vmid: u32) -> Result<&Container, ApiError> {
        self.containers.get(&vmid).ok_or_else(|| ApiError::no_container(node, vmid))
    }

    /// The same, to be changed.
    pub(crate) fn container_mut(&mut self, node: &str, vmid: u32) -> Result<&mut Container, ApiError> {
        self.containers.get_mut(&vmid).ok_or_else(|| ApiError::no_container(node, vmid))
    }
}

/// `CT is locked (backup)`.
fn check_lock(container: &Container) -> Result<(), ApiError> {
    container.lock().map_or(Ok(()), |lock| Err(ApiError::died(format!("CT is locked ({lock})"))))
}

impl Host {
    /// Container ids, sorted.
    pub fn list(&self) -> Vec<u32> {
        self.read(|model| model.containers.keys().copied().collect())
    }

    /// Whether the container exists and runs.
    pub fn is_running(&self, vmid: u32) -> bool {
        self.read(|model| model.containers.get(&vmid).is_some_and(|container| container.run.is_some()))
    }

    /// Reads something of an existing container.
    pub(crate) fn with<R>(&self, vmid: u32, reader: impl FnOnce(&Container) -> R) -> Result<R, ApiError> {
        self.read(|model| model.container(self.node(), vmid).map(reader))
    }

    /// Changes an existing container and saves.
    pub(crate) fn change<R>(
        &self,
        vmid: u32,
        change: impl FnOnce(&mut Container) -> R,
    ) -> Result<R, ApiError> {
        self.write(|model| model.container_mut(self.node(), vmid).map(change))
    }

    /// Waits for the configuration lock of a container.
    pub(crate) async fn hold_config(&self, vmid: u32) -> Result<tokio::sync::OwnedMutexGuard<()>, String> {
        let patience = std::time::Duration::from_secs(LOCK_SECONDS);
        let waited = tokio::time::timeout(patience, self.config_lock(vmid).lock_owned()).await;
        waited.map_err(|_| format!("can't lock file '/run/lock/lxc/pve-config-{vmid}.lock' - got timeout"))
    }

    /// What a guest has to know of its container.
    pub fn guest_spec(&self, vmid: u32) -> Result<GuestSpec, ApiError> {
        self.with(vmid, |container| {
            let config = &container.config;
            let text = |key: &str| config.get(key).cloned().unwrap_or_default();
            let networks = net::interfaces(vmid, config);
            GuestSpec {
                vmid,
                hostname: container.name(vmid),
                ostype: text("ostype"),
                os_version: container.os_version.clone(),
                addresses: networks.iter().filter_map(|network| network.address.clone()).collect(),
                hwaddr: networks.first().map(|network| network.hwaddr.clone()).unwrap_or_default(),
            }
        })
    }

    /// Starts the guests of all containers that run, after the simulator itself was started.
    pub async fn boot(&self) {
        for vmid in self.list().into_iter().filter(|vmid| self.is_running(*vmid)) {
            let Ok(spec) = self.guest_spec(vmid) else { continue };
            if let Err(error) = self.guests().start(&spec).await {
                tracing::warn!(vmid, %error, "the guest could not be started");
            }
        }
    }

    /// Clears a left-over `lock`, as `pct unlock` does.
    pub fn unlock(&self, vmid: u32) -> Result<(), ApiError> {
        self.change(vmid, |container| {
            container.config.remove("lock");
        })
    }

    /// The first id from 100 that nothing uses, in the whole cluster.
    pub fn next_id(&self) -> u32 {
        (100..1_000_000_000).find(|vmid| self.node_of(*vmid).is_none()).unwrap_or(100)
    }

    /// The node a container lives on, this one or another member.
    pub fn node_of(&self, vmid: u32) -> Option<String> {
        let here = |host: &Host| {
            host.read(|model| model.containers.contains_key(&vmid)).then(|| host.node().to_owned())
        };
        here(self).or_else(|| self.members().iter().find_map(here))
    }

    pub(crate) fn log_line(&self, caller: &Caller, tag: &str, msg: &str) {
        self.touch(|model| {
            let uid = model.log.last().map_or(1, |line| line.uid + 1);
            let (tag, msg) = (tag.to_owned(), msg.to_owned());
            let pid = model.next_pid;
            let time = crate::clock::now();
            model.log.push(super::LogLine { uid, time, pri: 6, tag, pid, user: caller.user.clone(), msg });
            let surplus = model.log.len().saturating_sub(500);
            model.log.drain(..surplus);
        });
    }
}
