//! All containers on all nodes, and word of what changes.

mod address;
mod events;
mod list;
mod rendered;
pub mod view;

use axum::Router;
use axum::routing::get;

pub use rendered::Rendered;

use crate::state::AppState;

/// `/` and `/dashboard/events`.
pub fn routes() -> Router<AppState> {
    Router::new().route("/", get(list::page)).route("/dashboard/events", get(events::stream))
}
