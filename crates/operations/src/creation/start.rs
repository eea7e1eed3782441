//! Starting: options that a token may not set, then the start itself.

use berth_domain::creation::Features;
use berth_proxmox::Error as HostError;
use berth_proxmox::lxc::RunState;

use super::create::feature_flags;
use super::failure::{Failure, Outcome};
use super::job::Job;

/// A start task that ends well and leaves the container stopped is tried again this often.
const STARTS: usize = 3;

pub(super) async fn run(job: &mut Job) -> Outcome<()> {
    set_features(job).await?;
    for _ in 0..STARTS {
        job.finish_pending_task().await?;
        let status = job.client().container_status(job.pve_node(), job.creation.spec.vmid).await?;
        if status.status == RunState::Running {
            return Ok(());
        }
        if let Some(upid) = job.running_task("vzstart").await? {
            job.begin_task(&upid).await?;
            continue;
        }
        job.info("Starting the container").await?;
        match job.client().start_container(job.pve_node(), job.creation.spec.vmid).await {
            Ok(upid) => job.begin_task(&upid).await?,
            Err(HostError::WrongState { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    job.finish_pending_task().await?;
    Err(Failure::broken(
        "Proxmox starts the container and it stops again at once. Look at its log on the host: `pct start` with --debug",
    ))
}

async fn set_features(job: &mut Job) -> Outcome<()> {
    let spec = &job.creation.spec;
    let config = job.client().container_config(job.pve_node(), spec.vmid).await?;
    let present = config.features();
    let present = Features {
        nesting: present.flag("nesting"),
        keyctl: present.flag("keyctl"),
        fuse: present.flag("fuse"),
    };
    if present == spec.features {
        return Ok(());
    }
    let flags = feature_flags(spec.features)?.to_string();
    job.info(format!("Setting the features {flags}")).await?;
    let vmid = job.creation.spec.vmid;
    job.pct().await?.set(vmid, &[("features", &flags)]).await?;
    Ok(())
}
