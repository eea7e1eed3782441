//! `POST /containers/{id}/start` and its like.

use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use berth_domain::ContainerId;
use berth_domain::action::{Action, ActionKind};
use berth_operations::Error;
use berth_operations::actions::{self, Wanted};

use super::view::QuestionDialog;
use super::{DeletionForm, ask, follow};
use crate::WebError;
use crate::extract::Call;
use crate::extract::path::Id;
use crate::forms::{FormErrors, Rejected};
use crate::layout::Tone;

/// The dialog again, although the form meant the buttons.
const RETARGET: [(HeaderName, &str); 2] = [
    (HeaderName::from_static("hx-retarget"), "#dialogs"),
    (HeaderName::from_static("hx-reswap"), "innerHTML"),
];

pub(super) async fn act(call: Call, Id(id): Id<ContainerId>, kind: ActionKind) -> Result<Response, WebError> {
    let wanted = Wanted { kind, purge: false, stop_first: false };
    let action = actions::request(call.ctx(), call.user_id(), id, wanted).await?;
    answer(&call, &action, kind).await
}

pub(super) async fn delete(
    call: Call,
    Id(id): Id<ContainerId>,
    form: DeletionForm,
) -> Result<Response, WebError> {
    let how = (form.purge == "on", form.stop_first == "on");
    match actions::delete(call.ctx(), call.user_id(), id, &form.hostname, how).await {
        Ok(action) => answer(&call, &action, ActionKind::Delete).await,
        Err(Error::Invalid(found)) => {
            let error = FormErrors::from(found).get("hostname");
            let question = ask::deletion(&call, id, &form, error).await?;
            if call.by_htmx.0 {
                let dialog = QuestionDialog { question };
                return Ok((StatusCode::UNPROCESSABLE_ENTITY, RETARGET, dialog).into_response());
            }
            Ok(Rejected(ask::as_page(&call, question).await?).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn dismiss(call: Call, Id(id): Id<ContainerId>) -> Result<Response, WebError> {
    actions::dismiss(call.ctx(), call.user_id(), id).await?;
    if call.by_htmx.0 {
        return Ok(follow::now(&call, id, None).await?.into_response());
    }
    Ok(call.by_htmx.go_to(&format!("/containers/{id}")))
}

/// In place for htmx, else the container's page, which says what goes on. Another tab may have been first.
async fn answer(call: &Call, action: &Action, asked: ActionKind) -> Result<Response, WebError> {
    let said = (action.kind != asked)
        .then(|| format!("{} already: wait until that has ended", action.kind.going_on()));
    if call.by_htmx.0 {
        return Ok(follow::now(call, action.container_id, said).await?.into_response());
    }
    if let Some(said) = said {
        call.say(Tone::Info, said).await?;
    }
    Ok(call.by_htmx.go_to(&format!("/containers/{}", action.container_id)))
}
