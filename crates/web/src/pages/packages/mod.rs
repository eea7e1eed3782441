//! The packages that container templates install.

mod list;
pub mod view;

use axum::Router;
use axum::routing::get;

use crate::state::AppState;

/// `/packages`.
pub fn routes() -> Router<AppState> {
    Router::new().route("/packages", get(list::page))
}
