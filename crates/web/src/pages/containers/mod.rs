//! Each container's pages.

pub mod actions;
mod adopt;
mod forget;
pub(crate) mod frame;
pub mod log;
pub mod services;
mod show;
pub mod view;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};
use berth_domain::container::Container;
use berth_domain::discovery::{Service, ServiceKind, ServiceState};
use berth_operations::containers::State as Doing;

use self::view::ServiceLink;
use crate::WebError;
use crate::badge::State;
use crate::error::NodeTrouble;
use crate::state::AppState;

/// `/containers/{id}` and below.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/containers/{id}", get(show::page))
        .route("/containers/{id}/forget", post(forget::act))
        .route("/containers/adopt", get(adopt::page).post(adopt::act))
        .merge(actions::routes())
        .merge(services::routes())
        .merge(log::routes())
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

/// How many of a container's ports are shown beside its name.
const MOST_LINKS: usize = 20;

/// Ports of the services that a container is for, as links where a browser can follow; none without an address.
pub(super) fn service_links(container: &Container) -> Vec<ServiceLink> {
    let apps =
        container.services.iter().filter(|service| !service.system && service.state == ServiceState::Running);
    apps.flat_map(|service| links(container.address.as_deref(), service)).take(MOST_LINKS).collect()
}

/// What to show of a failure inside a container, in the place of what it has not brought; anything else is an error of the page.
fn inside_trouble(error: berth_operations::Error) -> Result<(StatusCode, NodeTrouble), WebError> {
    match WebError::from(error) {
        WebError::Node(trouble) => Ok((StatusCode::BAD_GATEWAY, *trouble)),
        WebError::Conflict(text) => Ok((StatusCode::CONFLICT, NodeTrouble::told("Not possible now", &text))),
        error => Err(error),
    }
}

/// The word for a kind of service.
const fn kind_word(kind: ServiceKind) -> &'static str {
    match kind {
        ServiceKind::Systemd => "systemd",
        ServiceKind::Openrc => "OpenRC",
        ServiceKind::Docker => "Docker",
        ServiceKind::Process => "Process",
    }
}

/// A service's ports as links.
fn links(address: Option<&str>, service: &Service) -> Vec<ServiceLink> {
    let Some(address) = address else { return Vec::new() };
    let host = if address.contains(':') { format!("[{address}]") } else { address.to_owned() };
    service
        .ports
        .iter()
        .map(|port| ServiceLink { label: format!("{} :{port}", service.name), url: url(&host, *port) })
        .collect()
}

/// SSH, mail, DNS, portmapper, databases, Redis: not for a browser.
const NOT_FOR_BROWSERS: [u16; 9] = [22, 25, 53, 111, 465, 587, 3306, 5432, 6379];

fn url(host: &str, port: u16) -> Option<String> {
    match port {
        _ if NOT_FOR_BROWSERS.contains(&port) => None,
        80 => Some(format!("http://{host}/")),
        443 | 8443 => Some(format!("https://{host}:{port}/")),
        _ => Some(format!("http://{host}:{port}/")),
    }
}
