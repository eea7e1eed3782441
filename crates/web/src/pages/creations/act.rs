//! What a creation's owner may do with it.

use axum::response::Response;
use berth_domain::CreationId;
use berth_operations::creation::{self, Cancelled};

use crate::WebError;
use crate::extract::Call;
use crate::extract::path::Id;
use crate::layout::Tone;

pub(super) async fn cancel(call: Call, Id(id): Id<CreationId>) -> Result<Response, WebError> {
    let said = match creation::cancel(call.ctx(), call.user_id(), id).await? {
        Cancelled::AtOnce => "Cancelled before anything was made",
        Cancelled::Requested => "Cancelling: the worker stops what it is doing",
    };
    call.go_to_saying(&format!("/creations/{id}"), Tone::Info, said).await
}

pub(super) async fn retry(call: Call, Id(id): Id<CreationId>) -> Result<Response, WebError> {
    creation::retry(call.ctx(), call.user_id(), id).await?;
    Ok(call.by_htmx.go_to(&format!("/creations/{id}")))
}

pub(super) async fn remove(call: Call, Id(id): Id<CreationId>) -> Result<Response, WebError> {
    let draft = creation::remove_and_start_over(call.ctx(), call.user_id(), id).await?;
    let path = format!("/containers/new/{draft}/configure");
    call.go_to_saying(&path, Tone::Success, "Removed. Here are the same choices again").await
}
