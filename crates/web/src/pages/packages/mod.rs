//! Package buckets, and the packages that container templates install.

mod delete;
mod duplicate;
mod edit;
mod form;
mod list;
mod merge;
mod new;
pub mod view;

use axum::Router;
use axum::routing::{get, post};

use crate::state::AppState;

/// `/packages` and below.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/packages", get(list::page).post(new::create))
        .route("/packages/new", get(new::show))
        .route("/packages/{id}", get(edit::show).post(edit::save))
        .route("/packages/{id}/duplicate", post(duplicate::act))
        .route("/packages/{id}/delete", get(delete::page).post(delete::act))
        .route("/packages/{id}/merge", get(merge::show).post(merge::act))
}
