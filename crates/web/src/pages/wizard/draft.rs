//! The draft that a step works on.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use berth_domain::{CreationId, DraftId};
use berth_operations::drafts::{self, Draft};
use berth_operations::{Error, creation, nodes};

use super::view::{Wizard, WizardStep};
use crate::WebError;
use crate::extract::Call;
use crate::extract::path::Id;
use crate::layout::{Layout, Section};
use crate::state::AppState;

/// A request about one of the user's drafts, the path's `{id}`. A draft that was submitted leads to its creation.
pub(super) struct Opened {
    pub(super) call: Call,
    pub(super) draft: Draft,
    /// Whether there is any node to create it on.
    pub(super) has_nodes: bool,
}

impl Opened {
    /// Keeps what was typed, right or wrong.
    pub(super) async fn save(&self) -> Result<(), WebError> {
        Ok(drafts::save(self.call.ctx(), self.call.user_id(), self.draft.id, &self.draft.form).await?)
    }

    /// Goes to a step; a plain redirect, because htmx, too, takes its parts from the page it leads to.
    pub(super) fn go_to(&self, step: WizardStep) -> Response {
        Redirect::to(&self.wizard(step).here()).into_response()
    }

    /// Where the page of a step is in the wizard.
    pub(super) fn wizard(&self, step: WizardStep) -> Wizard {
        let configured = self.draft.form.configuration_errors().is_empty();
        let reached = if configured { WizardStep::Review } else { WizardStep::Configure };
        Wizard { base: base(self.draft.id), step, reached: reached.max(step), has_nodes: self.has_nodes }
    }

    /// The frame of a step's page.
    pub(super) async fn layout(&self) -> Result<Layout, WebError> {
        Ok(self.call.layout("Create container", Section::Containers).await?.under("Containers", "/"))
    }
}

/// The address of a draft.
pub(super) fn base(id: DraftId) -> String {
    format!("/containers/new/{id}")
}

/// Where a draft went that is no more: to its creation, if it was submitted.
pub(super) async fn submitted(call: &Call, id: DraftId) -> Response {
    let creation = CreationId::from(id.uuid());
    match creation::show(call.ctx(), call.user_id(), creation).await {
        Ok(_) => call.by_htmx.go_to(&format!("/creations/{creation}")),
        Err(error) => WebError::from(error).into_response(),
    }
}

impl FromRequestParts<AppState> for Opened {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Response> {
        let call = Call::from_request_parts(parts, state).await?;
        let Id(id) =
            Id::<DraftId>::from_request_parts(parts, state).await.map_err(IntoResponse::into_response)?;
        let draft = match drafts::find(call.ctx(), call.user_id(), id).await {
            Ok(draft) => draft,
            Err(Error::NotFound) => return Err(submitted(&call, id).await),
            Err(error) => return Err(WebError::from(error).into_response()),
        };
        // Whoever has nodes has a default.
        match nodes::default(call.ctx(), call.user_id()).await {
            Ok(default) => Ok(Self { call, draft, has_nodes: default.is_some() }),
            Err(error) => Err(WebError::from(error).into_response()),
        }
    }
}
