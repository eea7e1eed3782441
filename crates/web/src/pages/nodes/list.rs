//! `GET /settings/nodes`.

use berth_operations::nodes::{self, Health, NodeOverview};

use super::view::{NodeCard, NodesPage, Reachability, SshStatus};
use crate::WebError;
use crate::error::NodeTrouble;
use crate::extract::Call;
use crate::layout::Section;

pub(super) async fn page(call: Call) -> Result<NodesPage, WebError> {
    let nodes = nodes::list(call.ctx(), call.user_id()).await?;
    let layout = call.layout("Nodes", Section::Settings).await?.under("Settings", "/settings");
    Ok(NodesPage { layout, nodes: nodes.into_iter().map(card).collect() })
}

/// A node as its card shows it.
pub(super) fn card(overview: NodeOverview) -> NodeCard {
    let NodeOverview { node, containers, health } = overview;
    let version = match &health {
        Health::Reachable { version } => version.clone(),
        _ => node.pve_version.clone(),
    };
    let reachability = match health {
        Health::Reachable { .. } => Reachability::Reachable,
        Health::CertificateChanged { expected, found } => Reachability::KeyChanged {
            what: "certificate".into(),
            trusted: expected
                .map_or_else(|| "a publicly trusted one".into(), |expected| expected.to_string()),
            presented: found.to_string(),
        },
        Health::Trouble(text) => Reachability::Trouble(NodeTrouble::told(&node.name, &text)),
    };
    NodeCard {
        id: node.id.to_string(),
        address: node.address.to_string(),
        version: Some(version),
        pve_node: Some(node.pve_node_name),
        cluster: nodes::cluster_name(&node.cluster).map(str::to_owned),
        reachability,
        is_default: node.is_default,
        containers: Some(containers.len()),
        ssh: if node.ssh.is_some() { SshStatus::Works } else { SshStatus::Without },
        managed: containers
            .into_iter()
            .map(|container| format!("{} ({})", container.hostname, container.vmid))
            .collect(),
        name: node.name,
    }
}
