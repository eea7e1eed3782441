//! Creating: the container is made on Proxmox, once.

use berth_domain::creation::{CreationSpec, Features};
use berth_domain::network::{Ipv4, Ipv6};
use berth_domain::{CreationId, Secret};
use berth_proxmox::lxc::{ContainerConfig, CreateContainer};
use berth_proxmox::{Error as HostError, PropertyString, Upid};

use super::failure::{Failure, Outcome};
use super::job::Job;
use crate::identity;

/// What stands at this VMID now.
enum Found {
    Nothing,
    Ours,
    BeingCreated(Option<Upid>),
    SomebodyElses(String),
}

/// Makes the container, or finds that it has been made. Whatever was sent before a crash is looked for first.
pub(super) async fn run(job: &mut Job) -> Outcome<()> {
    loop {
        job.finish_pending_task().await?;
        match look(job).await? {
            Found::Ours => break,
            Found::Nothing => submit(job).await?,
            Found::BeingCreated(Some(upid)) => job.begin_task(&upid).await?,
            Found::BeingCreated(None) => return Err(Failure::broken(stale_lock(job))),
            Found::SomebodyElses(name) => return Err(Failure::broken(taken(job, &name))),
        }
    }
    job.record_container().await
}

async fn look(job: &Job) -> Outcome<Found> {
    let spec = &job.creation.spec;
    let config = match job.client().container_config(job.pve_node(), spec.vmid).await {
        Ok(config) => config,
        Err(HostError::NotFound { .. }) => {
            // The task comes into being a moment before the configuration.
            let task = job.running_task("vzcreate").await?;
            return Ok(task.map_or(Found::Nothing, |upid| Found::BeingCreated(Some(upid))));
        }
        Err(error) => return Err(error.into()),
    };
    if config.lock() == Some("create") {
        return Ok(Found::BeingCreated(job.running_task("vzcreate").await?));
    }
    if is_ours(&config, job.creation.id) {
        return Ok(Found::Ours);
    }
    Ok(Found::SomebodyElses(config.hostname().unwrap_or("another guest").to_owned()))
}

pub(super) fn is_ours(config: &ContainerConfig, id: CreationId) -> bool {
    identity::has_line(config, &identity::creation_line(id))
}

/// Compares the container's notes before a later phase acts on its VMID: since the phase before, it may have been deleted and its VMID
/// given to another container, which is none of ours.
pub(super) async fn still_ours(job: &Job) -> Outcome<()> {
    let vmid = job.creation.spec.vmid;
    let config = match job.client().container_config(job.pve_node(), vmid).await {
        Ok(config) => config,
        Err(HostError::NotFound { .. }) => return Err(Failure::broken(deleted(job))),
        Err(error) => return Err(error.into()),
    };
    if is_ours(&config, job.creation.id) {
        return Ok(());
    }
    Err(Failure::broken(replaced(job, config.hostname().unwrap_or("another container"))))
}

fn deleted(job: &Job) -> String {
    let vmid = job.creation.spec.vmid;
    format!("Container {vmid} is not on {} any more. Remove this creation and start over", job.node_name())
}

fn replaced(job: &Job, name: &str) -> String {
    let (vmid, node) = (job.creation.spec.vmid, job.node_name());
    format!(
        "Container {vmid} on {node} is now \"{name}\", which this creation did not make: its notes lack the line \"{}\". Nothing was done \
         to it. Remove this creation and start over with another VMID; if only the notes were edited, put that line back and retry",
        identity::creation_line(job.creation.id)
    )
}

fn taken(job: &Job, name: &str) -> String {
    let vmid = job.creation.spec.vmid;
    format!(
        "VMID {vmid} was taken by \"{name}\" in the meantime. Remove this creation and start over with another VMID"
    )
}

fn stale_lock(job: &Job) -> String {
    let vmid = job.creation.spec.vmid;
    format!(
        "Proxmox holds container {vmid} in the state \"create\" and no task works on it, as after a crash of the host. \
         Remove it there (`pct unlock {vmid}`, then `pct destroy {vmid}`) and retry"
    )
}

async fn submit(job: &mut Job) -> Outcome<()> {
    let request = request(&job.creation.spec, job.creation.id)?;
    let spec = &job.creation.spec;
    job.info(format!("Creating container {} on {}", spec.vmid, job.node_name())).await?;
    let upid = job.client().create_container(job.pve_node(), &request).await?;
    job.begin_task(&upid).await
}

/// The request, with a root password that nobody learns. What a token may not set is not in it.
pub(crate) fn request(spec: &CreationSpec, id: CreationId) -> Outcome<CreateContainer> {
    Ok(CreateContainer {
        vmid: spec.vmid,
        ostemplate: spec.os_template.clone(),
        hostname: spec.hostname.clone(),
        storage: spec.storage.clone(),
        disk_gib: spec.disk,
        cores: Some(spec.cores),
        memory_mib: spec.memory,
        swap_mib: spec.swap,
        unprivileged: spec.unprivileged,
        features: feature_flags(settable_by_token(spec))?,
        nets: vec![net0(spec)?],
        nameserver: spec.nameserver.clone(),
        searchdomain: spec.search_domain.clone(),
        onboot: spec.start_at_boot,
        password: Some(random_password()),
        ssh_public_keys: spec.ssh_public_keys.clone(),
        description: Some(format!("Created by Berth\n\n{}", identity::creation_line(id))),
        tags: spec.tags.clone(),
        options: Vec::new(),
    })
}

fn random_password() -> Secret {
    Secret::from(format!("{:032x}", rand::random::<u128>()))
}

/// A token may set `nesting` on an unprivileged container and nothing else; the rest is for `pct set`.
const fn settable_by_token(spec: &CreationSpec) -> Features {
    Features { nesting: spec.features.nesting && spec.unprivileged, keyctl: false, fuse: false }
}

/// The `features` property.
pub(super) fn feature_flags(features: Features) -> Outcome<PropertyString> {
    [("fuse", features.fuse), ("keyctl", features.keyctl), ("nesting", features.nesting)]
        .into_iter()
        .filter(|(_, wanted)| *wanted)
        .try_fold(PropertyString::new(), |flags, (name, _)| flags.with(name, 1))
        .map_err(Failure::from)
}

fn net0(spec: &CreationSpec) -> Outcome<PropertyString> {
    let network = &spec.network;
    let mut net = PropertyString::new()
        .with("name", "eth0")?
        .with("bridge", &network.bridge)?
        .with("ip", network.ipv4)?;
    if let Ipv4::Static { gateway: Some(gateway), .. } = network.ipv4 {
        net = net.with("gw", gateway)?;
    }
    if network.ipv6 != Ipv6::None {
        net = net.with("ip6", network.ipv6)?;
    }
    if let Ipv6::Static { gateway: Some(gateway), .. } = network.ipv6 {
        net = net.with("gw6", gateway)?;
    }
    if let Some(tag) = network.vlan {
        net = net.with("tag", tag)?;
    }
    if network.firewall {
        net = net.with("firewall", 1)?;
    }
    Ok(net)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::super::steps::tests::spec;
    use super::*;

    #[test]
    fn the_request_marks_the_container_and_asks_only_what_a_token_may() {
        let mut spec = spec();
        spec.features = Features { nesting: true, keyctl: true, fuse: true };
        spec.network.vlan = Some(20);
        spec.network.ipv4 = Ipv4::parse_static("10.0.0.5/24", "10.0.0.1").unwrap();
        let id = CreationId::new();
        let request = request(&spec, id).unwrap();
        assert_eq!(request.features.to_string(), "nesting=1");
        assert_eq!(request.nets[0].to_string(), "name=eth0,bridge=vmbr0,ip=10.0.0.5/24,gw=10.0.0.1,tag=20");
        assert!(request.description.unwrap().ends_with(&identity::creation_line(id)));
        let password = request.password.unwrap();
        assert_eq!(password.expose_secret().len(), 32);
        spec.unprivileged = false;
        assert!(!settable_by_token(&spec).nesting);
    }
}
