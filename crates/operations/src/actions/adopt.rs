//! Adopting: our line in the container's notes, and what runs in it.

use std::time::Duration;

use berth_domain::action::ActionKind;
use berth_proxmox::lxc::{ConfigChange, ContainerConfig, RunState};
use berth_proxmox::ssh::{Limits, Stdin};
use berth_proxmox::{Error as HostError, Pct};
use berth_store::containers::{self, Found};

use super::failure::{Failure, Outcome};
use super::job::{Ended, Job};
use crate::creation::address_of_interfaces;
use crate::foreign::shortened;
use crate::identity;
use crate::services::discovery;

const SSH: Duration = Duration::from_secs(10);
const DISCOVERY: Duration = Duration::from_mins(1);
const OUTPUT: usize = 4 << 20;
/// Characters of a host name.
const LONGEST_NAME: usize = 100;

/// Writes the line unless it is there, and looks for services; what cannot be discovered does not undo the adoption.
pub(super) async fn run(job: &mut Job, config: &ContainerConfig) -> Outcome<Ended> {
    debug_assert_eq!(job.kind(), ActionKind::Adopt);
    if let Some(lock) = config.lock() {
        return Err(job.locked(lock));
    }
    mark(job, config).await?;
    if let Some(hostname) = config.hostname() {
        job.container.hostname = shortened(hostname, LONGEST_NAME);
        containers::rename(&job.ctx.pg, job.container.id, &job.container.hostname).await?;
    }
    match discover(job).await {
        Ok(text) => Ok(Ended::saying(text)),
        Err(Failure::Host(error)) => {
            tracing::info!(container = %job.container.id, %error, "an adopted container could not be looked into");
            Ok(Ended::saying(format!("What runs in it could not be seen: {error}")))
        }
        Err(failure) => Err(failure),
    }
}

async fn mark(job: &Job, config: &ContainerConfig) -> Outcome<()> {
    let line = identity::line(&job.container);
    if identity::has_line(config, &line) {
        return Ok(());
    }
    let notes = identity::marked(config.description().unwrap_or_default(), &line);
    let change = ConfigChange {
        // Else an edit of the notes in this very moment would be lost.
        digest: config.digest().map(Into::into),
        ..ConfigChange::new().set("description", notes)
    };
    let (node, vmid) = (job.connection.pve_node(), job.container.vmid);
    match job.client().change_container(node, vmid, &change).await {
        Ok(()) => Ok(()),
        Err(HostError::Locked { lock, .. }) => Err(job.locked(&lock)),
        Err(HostError::Rejected { .. }) => Err(Failure::refused(format!(
            "The notes of {} on {} are too long to take one line more. Shorten them, and adopt it again",
            job.hostname(),
            job.node_name()
        ))),
        Err(HostError::HostError { message, .. }) if message.contains("modified configuration") => {
            Err(Failure::refused(format!(
                "{} was changed on {} in this very moment. Adopt it again",
                job.hostname(),
                job.node_name()
            )))
        }
        Err(error) => Err(error.into()),
    }
}

/// Looks into the container, where that is possible, and stores what is found.
async fn discover(job: &Job) -> Outcome<String> {
    if job.status().await?.status != RunState::Running {
        return Ok("It is stopped: what runs in it shows once it has started".into());
    }
    let Some(target) = &job.connection.ssh else {
        let interfaces =
            job.client().container_interfaces(job.connection.pve_node(), job.container.vmid).await?;
        let address = address_of_interfaces(&interfaces);
        store(job, &Found { address: address.as_deref(), services: &[], credentials: &[] }).await?;
        return Ok(format!("{} has no SSH access, so services and logs are not shown", job.node_name()));
    };
    let pct = Pct::new(berth_proxmox::SshConnection::connect(target, SSH).await?);
    let limits = Limits { deadline: DISCOVERY, max_output: OUTPUT };
    let argv = ["sh", "-c", discovery::SCRIPT, "berth"];
    let output = pct.run(job.container.vmid, &argv, Stdin::Empty, limits).await?;
    let found = discovery::read(&output.stdout_text());
    store(job, &found.stored()).await?;
    let apps = found.services.iter().filter(|service| !service.system).count();
    Ok(match apps {
        0 => "No services of its own were found in it".into(),
        1 => "One service was found in it".into(),
        many => format!("{many} services were found in it"),
    })
}

async fn store(job: &Job, found: &Found<'_>) -> Outcome<()> {
    let (user, now) = (job.action.user, job.ctx.clock.now());
    containers::set_discovery(&job.ctx.pg, user, job.container.id, found, now).await?;
    Ok(())
}
