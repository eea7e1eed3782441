//! All containers on all nodes, and word of what changes.

mod address;
mod events;
mod list;
pub mod view;

use axum::Router;
use axum::routing::get;

use crate::state::AppState;

/// `/` and `/dashboard/events`.
pub fn routes() -> Router<AppState> {
    Router::new().route("/", get(list::page)).route("/dashboard/events", get(events::stream))
}
