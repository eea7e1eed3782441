//! Logging in by a Proxmox host, and out again.

mod act;
mod second_factor;
mod show;
pub mod view;

use axum::Router;
use axum::routing::{get, post};

pub(super) use self::act::certificate_view;
use crate::state::AppState;

/// `/login`, its fragment and its second step, and `/logout`.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/login", get(show::page).post(act::log_in))
        .route("/login/realms", get(show::realms))
        .route("/login/second-factor", get(second_factor::page).post(second_factor::finish))
        .route("/logout", post(act::log_out))
}
