//! The draft that a step works on.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderName, Method, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use berth_domain::{CreationId, DraftId};
use berth_operations::drafts::{self, Draft};
use berth_operations::{Error, creation, nodes};

use super::unfinished;
use super::view::{DiscardedPage, Wizard, WizardStep};
use crate::WebError;
use crate::extract::Call;
use crate::extract::path::Id;
use crate::layout::{Layout, Section, Tone};
use crate::state::AppState;

/// A request about one of the user's drafts, the path's `{id}`. A draft that was submitted leads to its creation.
pub(super) struct Opened {
    pub(super) call: Call,
    pub(super) draft: Draft,
    /// Whether there is any node to create it on.
    pub(super) has_nodes: bool,
    /// Whether what was sent comes from a page that shows an older draft.
    behind: bool,
}

/// The page of a form that shows an older draft than is stored: the same page with what was typed, and what to do.
pub(super) struct Behind<P>(pub(super) P);

impl<P: IntoResponse> IntoResponse for Behind<P> {
    fn into_response(self) -> Response {
        // htmx would take the part that it asked for, and the words are elsewhere on the page.
        let whole = [("hx-retarget", "#main"), ("hx-reselect", "#main"), ("hx-reswap", "outerHTML")];
        let whole = whole.map(|(name, value)| (HeaderName::from_static(name), value));
        (StatusCode::CONFLICT, whole, self.0).into_response()
    }
}

impl Opened {
    /// Keeps what was typed, right or wrong. False when the page shows another version (`seen`) than is stored: then nothing is kept,
    /// [`Behind`] shows the page again, and what is sent from there is kept.
    pub(super) async fn save(&mut self, seen: Option<i32>) -> Result<bool, WebError> {
        let (current, was_discarded) = (self.is_current(seen), self.draft.discarded);
        let (ctx, user) = (self.call.ctx(), self.call.user_id());
        let saved = if current { drafts::save(ctx, user, &mut self.draft).await } else { Err(Error::Behind) };
        match saved {
            Ok(()) if was_discarded => {
                let text = "This was discarded in another tab. It is back, since you went on with it here";
                self.call.say(Tone::Info, text).await?;
                Ok(true)
            }
            Ok(()) => Ok(true),
            Err(Error::Behind) => {
                self.draft.version = drafts::find(ctx, user, self.draft.id).await?.version;
                self.behind = true;
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Whether a page that shows this version shows what is stored.
    pub(super) fn is_current(&mut self, seen: Option<i32>) -> bool {
        self.behind = seen.is_some_and(|seen| seen != self.draft.version);
        !self.behind
    }

    /// Goes to a step; a plain redirect, because htmx, too, takes its parts from the page it leads to.
    pub(super) fn go_to(&self, step: WizardStep) -> Response {
        Redirect::to(&self.wizard(step).here()).into_response()
    }

    /// Where the page of a step is in the wizard.
    pub(super) fn wizard(&self, step: WizardStep) -> Wizard {
        let configured = self.draft.form.configuration_errors().is_empty();
        let reached = if configured { WizardStep::Review } else { WizardStep::Configure };
        Wizard {
            base: base(self.draft.id),
            step,
            reached: reached.max(step),
            has_nodes: self.has_nodes,
            version: self.draft.version,
            behind: self.behind,
        }
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

async fn discarded(call: &Call, draft: &Draft) -> Result<Response, WebError> {
    let layout = call.layout("Create container", Section::Containers).await?.under("Containers", "/");
    let page = DiscardedPage { layout, title: unfinished::title(&draft.form), base: base(draft.id) };
    Ok((StatusCode::GONE, page).into_response())
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
        // What is sent is kept even then; what is only looked at says where it went.
        if draft.discarded && parts.method != Method::POST {
            return Err(discarded(&call, &draft).await.into_response());
        }
        // Whoever has nodes has a default.
        match nodes::default(call.ctx(), call.user_id()).await {
            Ok(default) => Ok(Self { call, draft, has_nodes: default.is_some(), behind: false }),
            Err(error) => Err(WebError::from(error).into_response()),
        }
    }
}
