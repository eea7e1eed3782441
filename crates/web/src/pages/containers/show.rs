//! `GET /containers/{id}`.

use axum::response::{IntoResponse, Response};
use berth_operations::containers::{self, ContainerConfig};
use berth_operations::{Error, history};

use super::frame::{self, Head};
use super::view::{Fact, OverviewPage, Tab};
use crate::WebError;
use crate::extract::Call;
use crate::extract::path::Id;

pub(super) async fn page(call: Call, Id(id): Id<berth_domain::ContainerId>) -> Result<Response, WebError> {
    let details = match containers::show(call.ctx(), call.user_id(), id).await {
        Ok(details) => details,
        // Deleted or forgotten: its history is what is left of it.
        Err(Error::NotFound) => {
            history::trace(call.ctx(), call.user_id(), id).await?;
            return Ok(call.by_htmx.go_to(&format!("/containers/{id}/history")));
        }
        Err(error) => return Err(error.into()),
    };
    let config = details.config.as_ref();
    let (resources, network, options) = (config.map(resources), config.map(network), config.map(options));
    let tags =
        config.map(|config| config.tags().into_iter().map(str::to_owned).collect()).unwrap_or_default();
    let head = Head { container: details.container, node: details.node.name, state: details.state, tags };
    let (layout, frame) = frame::of(&call, head, Tab::Overview).await?;
    let page = OverviewPage {
        layout,
        frame,
        resources: resources.unwrap_or_default(),
        network: network.unwrap_or_default(),
        options: options.unwrap_or_default(),
    };
    Ok(page.into_response())
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
