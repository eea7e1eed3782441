//! `GET /containers/{id}/actions`: what may be done; with `?following=1` what is under way, asked every second until it has ended.

use axum::extract::Query;
use axum::response::{IntoResponse, Response};
use berth_domain::ContainerId;
use berth_domain::action::{Action, ActionKind, ActionState};
use berth_operations::containers::{self, StoredContainer};
use berth_operations::{Error, actions, history};

use super::super::badge;
use super::view::{ActionBar, ActionsFragment};
use crate::WebError;
use crate::badge::State;
use crate::extract::Call;
use crate::extract::path::Id;
use crate::layout::{Toast, Tone};

/// Who asks.
#[derive(serde::Deserialize)]
pub(super) struct Asked {
    /// Somebody who waits for the end of what is under way, and is told.
    following: Option<String>,
}

/// For htmx the buttons; a browser that comes here by itself wants the container's page.
pub(super) async fn fragment(
    call: Call,
    Id(id): Id<ContainerId>,
    Query(asked): Query<Asked>,
) -> Result<Response, WebError> {
    let last = actions::last(call.ctx(), call.user_id(), id).await?;
    match containers::find(call.ctx(), call.user_id(), id).await {
        Ok(_) if !call.by_htmx.0 => Ok(call.by_htmx.go_to(&format!("/containers/{id}"))),
        Ok(found) => {
            let done = last.as_ref().filter(|action| action.state == ActionState::Done);
            let told = done.filter(|_| asked.following.is_some());
            let toast = told.map(|action| told_of(action.kind, &found.container.hostname));
            Ok(of(&call, found, last, toast).await?.into_response())
        }
        // Deleted or forgotten, perhaps in this very moment.
        Err(Error::NotFound) => Ok(gone(&call, id, last).await?.into_response()),
        Err(error) => Err(error.into()),
    }
}

/// The buttons after a click, which may have something to say.
pub(super) async fn now(
    call: &Call,
    id: ContainerId,
    said: Option<String>,
) -> Result<ActionsFragment, WebError> {
    let last = actions::last(call.ctx(), call.user_id(), id).await?;
    let found = containers::find(call.ctx(), call.user_id(), id).await?;
    let toast = said.map(|text| Toast { tone: Tone::Info, text, undo: None });
    let mut fragment = of(call, found, last, toast).await?;
    fragment.bar.focus = true;
    Ok(fragment)
}

/// While something is under way nobody's node is asked: a worker is at it.
async fn of(
    call: &Call,
    found: StoredContainer,
    last: Option<Action>,
    toast: Option<Toast>,
) -> Result<ActionsFragment, WebError> {
    let id = found.container.id;
    let hostname = found.container.hostname;
    if last.as_ref().is_some_and(|action| action.state.is_live()) {
        return Ok(ActionsFragment {
            bar: ActionBar::new(id, &hostname, State::Unknown, last.as_ref()),
            toast,
        });
    }
    let brief = containers::brief(call.ctx(), call.user_id(), id).await?;
    Ok(ActionsFragment { bar: ActionBar::new(id, &hostname, badge(&brief.state), last.as_ref()), toast })
}

async fn gone(call: &Call, id: ContainerId, last: Option<Action>) -> Result<ActionsFragment, WebError> {
    let trace = history::trace(call.ctx(), call.user_id(), id).await?;
    let mut bar = ActionBar::new(id, &trace.hostname, State::Gone, None);
    bar.deleted = true;
    let deleted = last.filter(|action| action.kind == ActionKind::Delete);
    Ok(ActionsFragment { bar, toast: deleted.map(|action| told_of(action.kind, &trace.hostname)) })
}

fn told_of(kind: ActionKind, hostname: &str) -> Toast {
    Toast { tone: Tone::Success, text: format!("{} {hostname}", kind.done()), undo: None }
}
