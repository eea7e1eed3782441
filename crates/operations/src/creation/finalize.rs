//! Finalizing: what runs in the container, and where it can be reached.

use std::collections::BTreeMap;
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
    for (service, keys) in by_service(&found.credentials) {
        let vmid = job.creation.spec.vmid;
        job.info(format!(
            "Saved credentials of {service}: {}. On the node: pct exec {vmid} -- cat /etc/berth/credentials/{service}",
            keys.join(", ")
        ))
        .await?;
    }
    job.record_discovery(found).await
}

fn by_service(credentials: &[(String, String)]) -> BTreeMap<&str, Vec<&str>> {
    let mut services: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (service, key) in credentials {
        services.entry(service).or_default().push(key);
    }
    services
}
