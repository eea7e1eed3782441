//! `GET` and `POST /settings/nodes/{id}/edit`.

use axum::Form;
use axum::http::HeaderMap;
use axum::response::Response;
use berth_domain::NodeId;
use berth_operations::nodes;

use super::answer::answer;
use super::form::{Findings, Subject, Submitted};
use super::form_view::NodeFormPage;
use crate::WebError;
use crate::extract::Call;
use crate::extract::path::Id;

/// The node as it is stored, its secrets left empty.
pub(super) async fn page(call: Call, Id(id): Id<NodeId>) -> Result<NodeFormPage, WebError> {
    let subject = Subject::edit(&call, id).await?;
    let typed = nodes::form(call.ctx(), call.user_id(), id).await?;
    let part = subject.part(&typed, &Findings::default());
    Ok(NodeFormPage { layout: subject.layout(&call).await?, part })
}

/// Tests what was typed, with the stored secrets where none was, and stores it if it passes.
pub(super) async fn submit(
    call: Call,
    Id(id): Id<NodeId>,
    headers: HeaderMap,
    Form(submitted): Form<Submitted>,
) -> Result<Response, WebError> {
    let subject = Subject::edit(&call, id).await?;
    answer(call, &headers, subject, submitted).await
}
