//! `GET /settings/nodes/new` and `POST /settings/nodes`.

use axum::Form;
use axum::http::HeaderMap;
use axum::response::Response;
use berth_operations::nodes::NodeForm as Typed;

use super::answer::answer;
use super::form::{Findings, Subject, Submitted};
use super::form_view::NodeFormPage;
use crate::WebError;
use crate::extract::Call;

pub(super) async fn page(call: Call) -> Result<NodeFormPage, WebError> {
    let subject = Subject { edited: None, member_of: None };
    let part = subject.part(&Typed::usual(), &Findings::default());
    Ok(NodeFormPage { layout: subject.layout(&call).await?, part })
}

/// Tests what was typed and stores it if it passes; else shows the form again with what was found.
pub(super) async fn submit(
    call: Call,
    headers: HeaderMap,
    Form(submitted): Form<Submitted>,
) -> Result<Response, WebError> {
    let subject = Subject::new(&call, &submitted.typed).await?;
    answer(call, &headers, subject, submitted).await
}
