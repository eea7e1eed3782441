//! `POST /containers/new/{id}/discard`.

use axum::response::Response;
use berth_operations::drafts;

use super::draft::Opened;
use crate::WebError;
use crate::layout::Tone;

pub(super) async fn act(opened: Opened) -> Result<Response, WebError> {
    let Opened { call, draft, .. } = opened;
    drafts::discard(call.ctx(), call.user_id(), draft.id).await?;
    call.go_to_saying("/", Tone::Info, "Discarded. Nothing was created").await
}
