//! What may be done to a container: asked at `GET …/{action}`, done at `POST …/{action}`, followed at `GET …/actions`.

mod act;
mod ask;
mod follow;
pub mod view;

use axum::Router;
use axum::extract::Form;
use axum::routing::{MethodRouter, get, post};
use berth_domain::ContainerId;
use berth_domain::action::ActionKind;

use crate::extract::Call;
use crate::extract::path::Id;
use crate::state::AppState;

pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/containers/{id}/actions", get(follow::fragment))
        .route("/containers/{id}/start", plain(ActionKind::Start))
        .route("/containers/{id}/shutdown", plain(ActionKind::Shutdown))
        .route("/containers/{id}/stop", asked(ActionKind::Stop))
        .route("/containers/{id}/restart", asked(ActionKind::Restart))
        .route("/containers/{id}/delete", get(ask::delete).post(act::delete))
        .route("/containers/{id}/adopt", plain(ActionKind::Adopt))
        .route("/containers/{id}/dismiss", post(act::dismiss))
}

/// Done without a question.
fn plain(kind: ActionKind) -> MethodRouter<AppState> {
    post(async move |call: Call, id: Id<ContainerId>| act::act(call, id, kind).await)
}

/// Done after a question.
fn asked(kind: ActionKind) -> MethodRouter<AppState> {
    plain(kind).get(async move |call: Call, id: Id<ContainerId>| ask::page(call, id, kind).await)
}

/// What is typed and ticked before a container is deleted.
#[derive(Debug, Default, serde::Deserialize)]
struct Deletion {
    #[serde(default)]
    hostname: String,
    #[serde(default)]
    purge: String,
    #[serde(default)]
    stop_first: String,
}

type DeletionForm = Form<Deletion>;
