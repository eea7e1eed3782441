//! Deploying: the container answers, has an address, and its files are put in place.

use std::collections::BTreeMap;
use std::time::Duration;

use berth_domain::network::{Ipv4, Ipv6};

use berth_proxmox::ssh::Stdin;

use super::failure::{Failure, Outcome};
use super::job::Job;
use super::{bundle, steps};
use crate::foreign::shortened;
use crate::services::discovery::address_of;

const PROBE: &str = include_str!("guest/probe.sh");
/// The probe itself waits up to 90 s for init and 30 s for an address.
const PROBE_DEADLINE: Duration = Duration::from_secs(150);
/// Characters of the system's own name.
const LONGEST_SYSTEM: usize = 100;
/// Unpacking a bundle of many megabytes on a slow disk.
const UNPACK_DEADLINE: Duration = Duration::from_mins(5);
/// Unpacks standard input in the run's directory and puts the files in place, unless that has been done.
pub(super) const UNPACK: &str = "[ ! -e \"$1/whole\" ] || { cat >/dev/null; exit 0; }
umask 077
mkdir -p \"$1\" && tar -xf - -C \"$1\" && sh \"$1/apply.sh\" && : >\"$1/whole\"";

pub(super) async fn run(job: &mut Job) -> Outcome<()> {
    if !job.has_ssh() {
        return Ok(());
    }
    probe(job).await?;
    bring(job).await
}

async fn probe(job: &mut Job) -> Outcome<()> {
    let network = &job.creation.spec.network;
    let expects_address = network.ipv4 != Ipv4::None || !matches!(network.ipv6, Ipv6::None);
    job.info("Waiting until the container answers").await?;
    let expects_address = if expects_address { "1" } else { "0" };
    let output = job.shell_when_up(PROBE, &[expects_address], PROBE_DEADLINE).await?;
    let text = output.stdout_text();
    let facts: BTreeMap<&str, &str> = text.lines().rev().filter_map(|line| line.split_once('=')).collect();
    let address = ["inet", "inet6"].iter().find_map(|family| address_of(facts.get(family)?));
    let system = shortened(facts.get("os").copied().unwrap_or("an unknown system"), LONGEST_SYSTEM);
    match &address {
        Some(address) => job.info(format!("{system} is up at {address}")).await?,
        None if expects_address == "1" => {
            job.warn(format!(
                "{system} is up and has no address after 30 s. Is there a DHCP server on bridge {}? Going on without",
                job.creation.spec.network.bridge
            ))
            .await?;
        }
        None => job.info(format!("{system} is up")).await?,
    }
    if matches!(facts.get("state"), Some(&"starting" | &"initializing")) {
        job.warn("its init has not finished after 90 s, going on").await?;
    }
    job.record_address(address.as_deref()).await
}

/// Brings what this attempt still has to run into its directory, and files that are not in place yet to theirs.
pub(super) async fn bring(job: &mut Job) -> Outcome<()> {
    let done = job.finished_steps().await?;
    let steps: Vec<_> =
        steps::plan(&job.creation.spec).into_iter().filter(|step| !done.contains(&step.position)).collect();
    let files = &job.creation.spec.files;
    if steps.is_empty() && files.is_empty() {
        return Ok(());
    }
    let count = files.len();
    let archive = bundle::pack(files, &steps)
        .map_err(|error| Failure::broken(format!("the files could not be packed: {error}")))?;
    job.info(match count {
        0 => "Bringing the scripts into the container".to_owned(),
        1 => "Bringing 1 file and the scripts into the container".to_owned(),
        count => format!("Bringing {count} files and the scripts into the container"),
    })
    .await?;
    let directory = job.run_directory();
    let output = job.shell(UNPACK, &[&directory], Stdin::Bytes(archive.into()), UNPACK_DEADLINE).await?;
    // One line for each file, unless the container says otherwise.
    for line in output.stdout_text().lines().take(count) {
        job.output(None, line).await?;
    }
    if output.exit.success() {
        return Ok(());
    }
    let cause = output.stderr_text();
    Err(Failure::broken(format!("the files could not be put in place: {}", cause.trim())))
}
