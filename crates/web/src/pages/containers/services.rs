//! `GET /containers/{id}/services`.

use berth_domain::discovery::{Service, ServiceKind, ServiceState};
use berth_operations::containers;

use super::view::{ServiceRow, ServicesPage, Tab};
use super::{frame, links};
use crate::WebError;
use crate::badge::State;
use crate::extract::Call;
use crate::extract::path::Id;

pub(super) async fn page(
    call: Call,
    Id(id): Id<berth_domain::ContainerId>,
) -> Result<ServicesPage, WebError> {
    let brief = containers::brief(call.ctx(), call.user_id(), id).await?;
    let container = brief.container.clone();
    let (layout, frame) = frame::of(&call, brief.into(), Tab::Services).await?;
    let (system, apps): (Vec<_>, Vec<_>) = container.services.iter().partition(|service| service.system);
    let row = |service: &&Service| service_row(container.address.as_deref(), service);
    Ok(ServicesPage {
        layout,
        frame,
        services: apps.iter().map(row).collect(),
        system_services: system.iter().map(row).collect(),
        discovered_at: container.discovered_at,
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
