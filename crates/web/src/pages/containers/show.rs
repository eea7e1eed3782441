//! `GET /containers/{id}`.

use berth_domain::discovery::{Service, ServiceKind, ServiceState};
use berth_operations::containers::{self, ContainerConfig, ContainerDetails, State as Doing};

use super::links;
use super::list::badge;
use super::view::{ContainerPage, Fact, ServiceRow};
use crate::WebError;
use crate::badge::State;
use crate::error::NodeTrouble;
use crate::extract::Call;
use crate::extract::path::Id;
use crate::layout::Section;

pub(super) async fn page(
    call: Call,
    Id(id): Id<berth_domain::ContainerId>,
) -> Result<ContainerPage, WebError> {
    let details = containers::show(call.ctx(), call.user_id(), id).await?;
    let layout =
        call.layout(details.container.hostname.clone(), Section::Containers).await?.under("Containers", "/");
    let ContainerDetails { container, node, state, config, .. } = details;
    let (system, apps): (Vec<_>, Vec<_>) = container.services.iter().partition(|service| service.system);
    let row = |service: &&Service| service_row(container.address.as_deref(), service);
    let config = config.as_ref();
    Ok(ContainerPage {
        layout,
        id,
        url: format!("/containers/{id}"),
        vmid: container.vmid.get(),
        state: badge(&state),
        node: node.name.clone(),
        tags: config.map(|config| config.tags().into_iter().map(str::to_owned).collect()).unwrap_or_default(),
        created_at: Some(container.created_at),
        creation_href: container.creation_id.map(|id| format!("/creations/{id}")),
        services: apps.iter().map(row).collect(),
        system_services: system.iter().map(row).collect(),
        discovered_at: container.discovered_at,
        resources: config.map(resources).unwrap_or_default(),
        network: config.map(network).unwrap_or_default(),
        options: config.map(options).unwrap_or_default(),
        trouble: match &state {
            Doing::Unknown(cause) => Some(NodeTrouble {
                retry: Some(format!("/containers/{id}")),
                ..NodeTrouble::told(&node.name, cause)
            }),
            _ => None,
        },
        hostname: container.hostname,
        address: container.address,
        container_template: container.container_template,
    })
}

fn service_row(address: Option<&str>, service: &Service) -> ServiceRow {
    let kind = match service.kind {
        ServiceKind::Systemd => "systemd",
        ServiceKind::Openrc => "OpenRC",
        ServiceKind::Docker => "Docker",
        ServiceKind::Process => "Process",
    };
    let state = match service.state {
        ServiceState::Running => State::Running,
        ServiceState::Stopped => State::Stopped,
        ServiceState::Failed => State::Error,
    };
    ServiceRow { name: service.name.clone(), kind: kind.into(), state, links: links(address, service) }
}

fn resources(config: &ContainerConfig) -> Vec<Fact> {
    let mebibytes = |count: u64| format!("{count} MiB");
    let mut facts = vec![Fact::new(
        "Cores",
        config.cores().map_or_else(|| "all of the node's".into(), |cores| cores.to_string()),
    )];
    facts.extend(config.memory_mib().map(|memory| Fact::new("Memory", mebibytes(memory))));
    facts.extend(config.swap_mib().map(|swap| Fact::new("Swap", mebibytes(swap))));
    if let Some(rootfs) = config.rootfs() {
        facts.extend(rootfs.get("size").map(|size| Fact::new("Root disk", size)));
        facts.extend(rootfs.default_value().map(|volume| Fact::mono("Volume", volume)));
    }
    facts
}

fn network(config: &ContainerConfig) -> Vec<Fact> {
    let labels = [
        ("name", "Interface"),
        ("bridge", "Bridge"),
        ("tag", "VLAN"),
        ("ip", "IPv4"),
        ("gw", "Gateway"),
        ("ip6", "IPv6"),
        ("gw6", "IPv6 gateway"),
        ("hwaddr", "MAC address"),
    ];
    let mut facts = Vec::new();
    for net in config.nets().values() {
        facts.extend(
            labels.iter().filter_map(|(key, label)| net.get(key).map(|value| Fact::mono(*label, value))),
        );
        facts.push(Fact::new("Firewall", if net.flag("firewall") { "on" } else { "off" }));
    }
    facts.extend(config.get("nameserver").map(|server| Fact::mono("DNS server", server)));
    facts.extend(config.get("searchdomain").map(|domain| Fact::mono("Search domain", domain)));
    facts
}

fn options(config: &ContainerConfig) -> Vec<Fact> {
    let yes_no = |yes: bool| if yes { "yes" } else { "no" };
    let mut facts = Vec::new();
    facts.extend(config.get("ostype").map(|ostype| Fact::new("Operating system", ostype)));
    facts.push(Fact::new("Unprivileged", yes_no(config.unprivileged())));
    let features = config.features();
    let on: Vec<&str> =
        ["nesting", "keyctl", "fuse"].into_iter().filter(|feature| features.flag(feature)).collect();
    facts.push(Fact::new("Features", if on.is_empty() { "none".to_owned() } else { on.join(", ") }));
    facts.push(Fact::new("Start at boot", yes_no(config.onboot())));
    facts
}
