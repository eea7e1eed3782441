//! Finalizing: what runs in the container, and where it can be reached.

use std::collections::BTreeMap;
use std::time::Duration;

use berth_proxmox::ssh::Stdin;

use super::failure::Outcome;
use super::job::Job;
use crate::services::discovery::{self, Discovery};

/// How many services the log names.
const NAMED: usize = 20;
const DEADLINE: Duration = Duration::from_mins(1);

pub(super) async fn run(job: &mut Job) -> Outcome<()> {
    if !job.has_ssh() {
        return job.record_address_from_api().await;
    }
    job.info("Looking for services").await?;
    let output = job.shell(discovery::SCRIPT, &[], Stdin::Empty, DEADLINE).await?;
    let found = discovery::read(&output.stdout_text());
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
    for (service, keys) in by_service(&found) {
        let vmid = job.creation.spec.vmid;
        job.info(format!(
            "Saved credentials of {service}: {}. On the node: pct exec {vmid} -- cat /etc/berth/credentials/{service}",
            keys.join(", ")
        ))
        .await?;
    }
    job.record_discovery(&found).await
}

fn by_service(found: &Discovery) -> BTreeMap<&str, Vec<&str>> {
    let mut services: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for credential in &found.credentials {
        services.entry(&credential.service).or_default().push(&credential.key);
    }
    services
}
