//! Destruction of containers.

use super::check_lock;
use crate::state::{ApiError, Caller, Container, Host, Params};
use crate::tasks::TaskContext;

fn early_checks(container: &Container, vmid: u32) -> Result<(), ApiError> {
    if container.config.get("protection").is_some_and(|value| value == "1") {
        return Err(ApiError::died(format!("can't remove CT {vmid} - protection mode enabled")));
    }
    check_lock(container)
}

impl Host {
    /// Destroys a container (`vzdestroy`); lock, protection and a running container fail at once.
    pub fn destroy(&self, caller: &Caller, vmid: u32, params: &Params) -> Result<String, ApiError> {
        let flag = |name: &str| params.get(name).is_some_and(|value| value == "1");
        let (force, purge, unreferenced) = (flag("force"), flag("purge"), flag("destroy-unreferenced-disks"));
        self.with(vmid, |container| early_checks(container, vmid))??;
        if !force && self.is_running(vmid) {
            return Err(ApiError::died(format!("unable to destroy CT {vmid} - container is running")));
        }
        let host = self.clone();
        Ok(self.fork(caller, "vzdestroy", &vmid.to_string(), move |task| async move {
            let _held = host.hold_config(vmid).await?;
            let checked =
                host.with(vmid, |container| early_checks(container, vmid)).and_then(|result| result);
            checked.map_err(|error| error.message)?;
            if host.is_running(vmid) {
                if !force {
                    return Err(format!("unable to destroy CT {vmid} - container is running"));
                }
                task.log(format!("forced to stop CT {vmid} before destroying!"));
                host.bring_down(vmid).await?;
            }
            task.work(0.8).await?;
            host.wipe(&task, vmid, purge, unreferenced).await
        }))
    }

    async fn wipe(
        &self,
        task: &TaskContext,
        vmid: u32,
        purge: bool,
        unreferenced: bool,
    ) -> Result<(), String> {
        self.drop_volumes(vmid);
        if unreferenced {
            // Looks into every enabled storage, so one that is broken stops it half way: the disk is gone already.
            let enabled = self.read(|model| {
                model
                    .storages
                    .iter()
                    .filter(|(_, storage)| !storage.disable)
                    .map(|(id, _)| id.clone())
                    .collect::<Vec<_>>()
            });
            enabled.iter().try_for_each(|id| self.activate(id))?;
        }
        if let Err(error) = self.guests().destroy(vmid).await {
            tracing::debug!(vmid, %error, "no guest to remove");
        }
        if purge {
            task.log(format!("purging CT {vmid} from related configurations.."));
        }
        self.write(|model| {
            model.containers.remove(&vmid);
            model.accounts.acl.retain(|entry| entry.path != format!("/vms/{vmid}"));
            model.accounts.pools.values_mut().for_each(|pool| {
                pool.vms.remove(&vmid);
            });
        });
        Ok(())
    }
}
