//! What has happened to containers: all of them, and each.

mod list;
pub mod view;

use axum::Router;
use axum::routing::get;

use crate::state::AppState;

/// `/history` and `/containers/{id}/history`.
pub fn routes() -> Router<AppState> {
    Router::new().route("/history", get(list::all)).route("/containers/{id}/history", get(list::of_container))
}
