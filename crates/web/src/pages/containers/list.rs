//! `GET /`: all containers and what is being created.

use berth_operations::containers::{
    self, ContainerOverview, CreationOverview, NodeTroubleRow, State as Doing, UnmanagedContainer,
};

use super::service_links;
use super::view::{ContainerCard, ContainersPage, CreationCard};
use crate::WebError;
use crate::badge::State;
use crate::error::NodeTrouble;
use crate::extract::Call;
use crate::layout::Section;
use crate::pages::creations::view::PHASES;

pub(super) async fn page(call: Call) -> Result<ContainersPage, WebError> {
    let dashboard = containers::list(call.ctx(), call.user_id()).await?;
    let managed = dashboard.containers.into_iter().map(container_card);
    Ok(ContainersPage {
        layout: call.layout("Containers", Section::Containers).await?,
        has_nodes: dashboard.nodes > 0,
        creations: dashboard.creations.iter().map(creation_card).collect(),
        containers: managed.chain(dashboard.unmanaged.into_iter().map(unmanaged_card)).collect(),
        troubles: dashboard.troubles.into_iter().map(trouble).collect(),
    })
}

/// The badge of what a container is doing.
pub(super) const fn badge(state: &Doing) -> State {
    match state {
        Doing::Running => State::Running,
        Doing::Stopped => State::Stopped,
        Doing::Unknown(_) => State::Unknown,
        Doing::Gone => State::Gone,
    }
}

fn container_card(overview: ContainerOverview) -> ContainerCard {
    let container = &overview.container;
    ContainerCard {
        href: Some(format!("/containers/{}", container.id)),
        another_href: None,
        adopt_on: None,
        hostname: container.hostname.clone(),
        vmid: container.vmid.get(),
        state: badge(&overview.state),
        node: overview.node_name,
        address: container.address.clone(),
        container_template: container.container_template.clone(),
        services: service_links(container),
        last_seen: if matches!(overview.state, Doing::Unknown(_)) { container.discovered_at } else { None },
        tags: overview.tags,
    }
}

fn unmanaged_card(container: UnmanagedContainer) -> ContainerCard {
    ContainerCard {
        href: None,
        another_href: Some(format!(
            "/containers/new?node={}&like_vmid={}",
            container.node_id, container.vmid
        )),
        adopt_on: Some(container.node_id),
        state: badge(&container.state),
        hostname: container.hostname,
        vmid: container.vmid.get(),
        node: container.node_name,
        address: None,
        container_template: None,
        tags: container.tags,
        services: Vec::new(),
        last_seen: None,
    }
}

fn creation_card(overview: &CreationOverview) -> CreationCard {
    let creation = &overview.creation;
    let phase = PHASES.iter().find(|(name, _, _)| *name == creation.phase.name());
    CreationCard {
        href: format!("/creations/{}", creation.id),
        hostname: creation.spec.hostname.clone(),
        vmid: creation.spec.vmid.get(),
        node: overview.node_name.clone(),
        phase: phase.map_or_else(String::new, |(_, _, words)| (*words).to_owned()),
        percent: creation.percent,
        state: creation.state,
    }
}

fn trouble(row: NodeTroubleRow) -> NodeTrouble {
    NodeTrouble { retry: Some("/".into()), ..NodeTrouble::told(row.name, &row.message) }
}
