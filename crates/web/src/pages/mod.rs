//! One module per feature; in each, `view.rs` holds the plain data its askama pages show.

use axum::Router;
use tower_http::limit::RequestBodyLimitLayer;

use crate::middleware::BODY_LIMIT;
use crate::state::AppState;

pub mod container_templates;
pub mod containers;
pub mod creations;
pub mod dashboard;
pub mod health;
pub mod history;
pub mod login;
pub mod nodes;
pub mod packages;
pub mod settings;
pub mod wizard;

/// All pages. A handler reads no larger body than the layer lets through, but for those after it.
pub fn all() -> Router<AppState> {
    Router::new()
        .merge(container_templates::routes())
        .merge(containers::routes())
        .merge(creations::routes())
        .merge(dashboard::routes())
        .merge(health::routes())
        .merge(history::routes())
        .merge(login::routes())
        .merge(nodes::routes())
        .merge(packages::routes())
        .merge(settings::routes())
        .merge(wizard::routes())
        .layer(RequestBodyLimitLayer::new(BODY_LIMIT))
        .merge(container_templates::upload_routes())
}
