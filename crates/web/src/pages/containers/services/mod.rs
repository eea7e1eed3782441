//! `/containers/{id}/services`: what runs inside, and what its scripts have saved there.

mod credentials;
pub mod view;

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use berth_domain::ContainerId;
use berth_domain::discovery::{Service, ServiceState};
use berth_operations::{containers, services};

use self::view::{CredentialRow, ServiceRow, ServicesPage};
use super::view::Tab;
use super::{frame, inside_trouble, kind_word, links, log};
use crate::WebError;
use crate::badge::State;
use crate::error::NodeTrouble;
use crate::extract::Call;
use crate::extract::path::Id;
use crate::layout::Tone;
use crate::state::AppState;

/// The tab and what can be done on it.
pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/containers/{id}/services", get(page))
        .route("/containers/{id}/services/discover", post(discover))
        .route("/containers/{id}/credentials/reveal", post(credentials::reveal))
}

async fn page(call: Call, Id(id): Id<ContainerId>) -> Result<ServicesPage, WebError> {
    shown(&call, id).await
}

async fn discover(call: Call, Id(id): Id<ContainerId>) -> Result<Response, WebError> {
    let found = match services::discover(call.ctx(), call.user_id(), id).await {
        Ok(found) => found,
        Err(error) => return in_trouble(&call, id, error).await,
    };
    let said = if found == 1 { "Found 1 service".to_owned() } else { format!("Found {found} services") };
    call.go_to_saying(&format!("/containers/{id}/services"), Tone::Success, said).await
}

/// The tab as it was, with what went wrong above it.
async fn in_trouble(
    call: &Call,
    id: ContainerId,
    error: berth_operations::Error,
) -> Result<Response, WebError> {
    let (status, trouble): (StatusCode, NodeTrouble) = inside_trouble(error)?;
    let page = ServicesPage { trouble: Some(trouble), ..shown(call, id).await? };
    Ok((status, page).into_response())
}

async fn shown(call: &Call, id: ContainerId) -> Result<ServicesPage, WebError> {
    let (ctx, user) = (call.ctx(), call.user_id());
    let brief = containers::brief(ctx, user, id).await?;
    let saved = services::credentials(ctx, user, id).await?;
    let container = brief.container.clone();
    let (layout, frame) = frame::of(call, brief.into(), Tab::Services).await?;
    let (system, apps): (Vec<_>, Vec<_>) = container.services.iter().partition(|service| service.system);
    let row = |service: &&Service| service_row(&frame.url, container.address.as_deref(), service);
    Ok(ServicesPage {
        services: apps.iter().map(row).collect(),
        system_services: system.iter().map(row).collect(),
        credentials: saved.into_iter().enumerate().map(|(at, saved)| CredentialRow::new(at, saved)).collect(),
        discovered_at: container.discovered_at,
        log_href: format!("{}/log", frame.url),
        layout,
        frame,
        trouble: None,
    })
}

fn service_row(container: &str, address: Option<&str>, service: &Service) -> ServiceRow {
    ServiceRow {
        name: service.name.clone(),
        description: service.description.clone(),
        kind: kind_word(service.kind),
        state: state(service),
        links: links(address, service),
        log_href: log::address_of(container, service),
    }
}

/// The badge of a service.
pub(super) const fn state(service: &Service) -> State {
    match service.state {
        ServiceState::Running => State::Running,
        ServiceState::Stopped => State::Stopped,
        ServiceState::Failed => State::Error,
    }
}
