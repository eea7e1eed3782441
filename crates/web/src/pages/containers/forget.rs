//! `POST /containers/{id}/forget`.

use axum::response::Response;
use berth_operations::containers;

use crate::WebError;
use crate::extract::Call;
use crate::extract::path::Id;
use crate::layout::Tone;

pub(super) async fn act(call: Call, Id(id): Id<berth_domain::ContainerId>) -> Result<Response, WebError> {
    containers::forget(call.ctx(), call.user_id(), id).await?;
    call.go_to_saying("/", Tone::Info, "Forgotten. On Proxmox nothing has changed").await
}
