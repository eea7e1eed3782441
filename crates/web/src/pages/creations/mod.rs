//! A creation while it runs, and what became of it.

mod act;
mod events;
mod show;
pub mod view;

use axum::Router;
use axum::routing::{get, post};

use crate::state::AppState;

/// `/creations/{id}` and what belongs to it.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/creations/{id}", get(show::page))
        .route("/creations/{id}/panel", get(show::panel))
        .route("/creations/{id}/events", get(events::stream))
        .route("/creations/{id}/cancel", post(act::cancel))
        .route("/creations/{id}/retry", post(act::retry))
        .route("/creations/{id}/remove", get(show::ask_remove).post(act::remove))
}
