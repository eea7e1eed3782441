//! `GET /containers/{id}/stop` and its like: the question before something that hurts.

use axum::response::{IntoResponse, Response};
use berth_domain::ContainerId;
use berth_domain::action::ActionKind;
use berth_operations::containers::{self, ContainerBrief, State as Doing};

use super::Deletion;
use super::view::{Question, QuestionDialog, QuestionPage};
use crate::WebError;
use crate::extract::Call;
use crate::extract::path::Id;
use crate::layout::Section;

pub(super) async fn page(
    call: Call,
    Id(id): Id<ContainerId>,
    kind: ActionKind,
) -> Result<Response, WebError> {
    let container = containers::find(call.ctx(), call.user_id(), id).await?;
    let question = Question {
        kind,
        url: format!("/containers/{id}"),
        id,
        hostname: container.container.hostname,
        vmid: container.container.vmid.get(),
        node: container.node_name,
        typed: String::new(),
        error: None,
        purge: false,
        stop_first: false,
        runs: false,
    };
    answer(&call, question).await
}

pub(super) async fn delete(call: Call, Id(id): Id<ContainerId>) -> Result<Response, WebError> {
    let question = deletion(&call, id, &Deletion::default(), None).await?;
    answer(&call, question).await
}

/// The question before deleting. Whether it runs is asked of its node, since then it must be stopped first.
pub(super) async fn deletion(
    call: &Call,
    id: ContainerId,
    form: &Deletion,
    error: Option<String>,
) -> Result<Question, WebError> {
    let ContainerBrief { container, node_name, state, .. } =
        containers::brief(call.ctx(), call.user_id(), id).await?;
    Ok(Question {
        kind: ActionKind::Delete,
        url: format!("/containers/{id}"),
        id,
        hostname: container.hostname,
        vmid: container.vmid.get(),
        node: node_name,
        typed: form.hostname.clone(),
        error,
        purge: form.purge == "on",
        stop_first: form.stop_first == "on",
        runs: state == Doing::Running,
    })
}

async fn answer(call: &Call, question: Question) -> Result<Response, WebError> {
    if call.by_htmx.0 {
        return Ok(QuestionDialog { question }.into_response());
    }
    Ok(as_page(call, question).await?.into_response())
}

pub(super) async fn as_page(call: &Call, question: Question) -> Result<QuestionPage, WebError> {
    let layout = call.layout(question.title(), Section::Containers).await?;
    let layout = layout.under("Containers", "/").under(&question.hostname, &question.url);
    Ok(QuestionPage { layout, question })
}
