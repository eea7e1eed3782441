//! `POST /containers/new/{id}/discard`, and `/restore`, which brings it back.

use axum::Form;
use axum::extract::Query;
use axum::response::Response;
use berth_operations::drafts;
use serde::Deserialize;

use super::draft::{Opened, base};
use super::unfinished;
use crate::WebError;
use crate::extract::session::{safe_next, with_next};
use crate::layout::Tone;

/// Where to go afterwards; a path of ours.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Next {
    next: String,
}

pub(super) async fn act(opened: Opened, Form(to): Form<Next>) -> Result<Response, WebError> {
    let Opened { call, draft, .. } = opened;
    drafts::discard(call.ctx(), call.user_id(), draft.id).await?;
    let next = safe_next(&to.next);
    let restore = with_next(&format!("{}/restore", base(draft.id)), next);
    let text = format!("Discarded {}. Nothing was created", unfinished::title(&draft.form));
    call.go_to_offering_undo(next, text, restore).await
}

/// Back to the list, or else to the draft itself.
pub(super) async fn undo(opened: Opened, Query(to): Query<Next>) -> Result<Response, WebError> {
    let Opened { call, draft, .. } = opened;
    drafts::restore(call.ctx(), call.user_id(), draft.id).await?;
    let step = unfinished::next_step(&draft.form);
    let resume = format!("{}/{}", base(draft.id), step.slug());
    let next = if safe_next(&to.next) == "/" { &resume } else { safe_next(&to.next) };
    call.go_to_saying(next, Tone::Success, format!("{} is back", unfinished::title(&draft.form))).await
}
