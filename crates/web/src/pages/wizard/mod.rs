//! The five steps to a new container. Each works without JavaScript and keeps what was typed in a draft.

mod choose;
mod configure;
mod discard;
mod draft;
mod offer;
mod os_templates;
mod packages;
mod review;
mod script;
mod scripts;
mod start;
mod typed;
mod unfinished;
pub mod view;
mod vmid;

use axum::Router;
use axum::routing::{get, post};

use crate::state::AppState;

/// `/containers/new` and below.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/containers/new", get(start::begin))
        .route("/containers/new/vmid", get(vmid::check))
        .route("/containers/new/{id}/template", get(choose::show).post(choose::submit))
        .route("/containers/new/{id}/configure", get(configure::show).post(configure::submit))
        .route("/containers/new/{id}/packages", get(packages::show).post(packages::submit))
        .route("/containers/new/{id}/scripts", get(scripts::show).post(scripts::submit))
        .route("/containers/new/{id}/script", get(script::show))
        .route("/containers/new/{id}/review", get(review::show).post(review::submit))
        .route("/containers/new/{id}/os-templates", get(os_templates::show).post(os_templates::start))
        .route("/containers/new/{id}/os-templates/progress", get(os_templates::progress))
        .route("/containers/new/{id}/os-templates/cancel", post(os_templates::cancel))
        .route("/containers/new/{id}/discard", post(discard::act))
        .route("/containers/new/{id}/restore", post(discard::undo))
}
