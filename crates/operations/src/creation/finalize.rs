//! Finalizing: what runs in the container, and where it can be reached.

use std::time::Duration;

use berth_proxmox::ssh::Stdin;

use super::discover;
use super::failure::Outcome;
use super::job::Job;

/// How many services the log names.
const NAMED: usize = 20;
const DEADLINE: Duration = Duration::from_mins(1);

pub(super) async fn run(job: &mut Job) -> Outcome<()> {
    if !job.has_ssh() {
        return job.record_address_from_api().await;
    }
    job.info("Looking for services").await?;
    let output = job.shell(discover::SCRIPT, &[], Stdin::Empty, DEADLINE).await?;
    let found = discover::read(&output.stdout_text());
    let names: Vec<&str> = found
        .services
        .iter()
        .filter(|service| !service.system)
        .map(|service| service.name.as_str())
        .take(NAMED)
        .collect();
    if !names.is_empty() {
        job.info(format!("Found {}", names.join(", "))).await?;
    }
    job.record_discovery(found).await
}
