//! The settings of nodes.

mod add;
mod answer;
mod card;
mod check;
mod delete;
mod edit;
mod form;
pub mod form_view;
mod list;
mod make_default;
mod members;

use axum::Router;
use axum::routing::{get, post};

use crate::state::AppState;

/// `/settings/nodes` and below.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/settings/nodes", get(list::page).post(add::submit))
        .route("/settings/nodes/new", get(add::page))
        .route("/settings/nodes/{id}/check", post(check::act))
        .route("/settings/nodes/{id}/default", post(make_default::act))
        .route("/settings/nodes/{id}/edit", get(edit::page).post(edit::submit))
        .route("/settings/nodes/{id}/members", post(members::add))
        .route("/settings/nodes/{id}/delete", get(delete::page).post(delete::act))
}
