//! The settings of nodes.

mod add;
mod delete;
mod list;
mod make_default;
pub mod view;

use axum::Router;
use axum::routing::{get, post};

use crate::state::AppState;

/// `/settings/nodes` and below.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/settings/nodes", get(list::page).post(add::submit))
        .route("/settings/nodes/new", get(add::page))
        .route("/settings/nodes/{id}/default", post(make_default::act))
        .route("/settings/nodes/{id}/delete", get(delete::page).post(delete::act))
}
