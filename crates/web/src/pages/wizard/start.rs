//! `GET /containers/new`: opens a draft.

use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use berth_domain::{ContainerId, CreationId, Vmid};
use berth_operations::creation::{self, CreationForm, Original};
use berth_operations::drafts::{self, Draft};
use berth_operations::{Error, container_templates, nodes};
use serde::Deserialize;

use super::draft::base;
use super::unfinished;
use super::view::{NoNodesPage, TooManyDraftsPage, WizardStep};
use crate::WebError;
use crate::extract::Call;
use crate::layout::Section;

/// What a link to the wizard may have chosen already.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
pub(super) struct Wanted {
    template: String,
    node: String,
    /// A creation, or a container, to make another one like.
    like_creation: Option<CreationId>,
    like_container: Option<ContainerId>,
    /// The same of a container on [`Self::node`] that Berth does not manage.
    like_vmid: Option<u32>,
}

impl Wanted {
    fn original(&self) -> Option<Original> {
        let guest = || Some(Original::Guest(self.node.parse().ok()?, Vmid::new(self.like_vmid?).ok()?));
        let creation = self.like_creation.map(Original::Creation);
        creation.or(self.like_container.map(Original::Container)).or_else(guest)
    }
}

/// Opens a draft at its first open question. What is wanted and not there is left to be chosen.
pub(super) async fn begin(call: Call, Query(wanted): Query<Wanted>) -> Result<Response, WebError> {
    let nodes = nodes::stored(call.ctx(), call.user_id()).await?;
    if nodes.is_empty() {
        return Ok(no_nodes(&call).await?.into_response());
    }
    if let Some(original) = wanted.original() {
        let draft = drafts::start_like(call.ctx(), call.user_id(), original).await;
        return opened(&call, draft, WizardStep::Configure).await;
    }
    let mut form = CreationForm::default();
    let mut step = WizardStep::Template;
    match container_templates::outline_of(call.ctx(), call.user_id(), &wanted.template).await {
        Ok(recipe) => {
            form.choose(Some(&recipe));
            step = WizardStep::Configure;
        }
        Err(Error::NotFound) => {}
        Err(error) => return Err(error.into()),
    }
    if nodes.iter().any(|node| node.id.to_string() == wanted.node) {
        form.node = wanted.node;
    }
    creation::recall(call.ctx(), call.user_id(), &mut form).await?;
    let draft = drafts::start(call.ctx(), call.user_id(), form).await;
    opened(&call, draft, step).await
}

async fn opened(call: &Call, draft: Result<Draft, Error>, step: WizardStep) -> Result<Response, WebError> {
    let draft = match draft {
        Err(Error::Conflict(_)) => return Ok((StatusCode::CONFLICT, too_many(call).await?).into_response()),
        other => other?,
    };
    Ok(Redirect::to(&format!("{}/{}", base(draft.id), step.slug())).into_response())
}

async fn too_many(call: &Call) -> Result<TooManyDraftsPage, WebError> {
    let layout = call.layout("Create container", Section::Containers).await?.under("Containers", "/");
    Ok(TooManyDraftsPage { layout, unfinished: unfinished::list(call, None).await? })
}

/// There is no place for a container yet.
pub(super) async fn no_nodes(call: &Call) -> Result<NoNodesPage, WebError> {
    let layout = call.layout("Create container", Section::Containers).await?.under("Containers", "/");
    Ok(NoNodesPage { layout })
}
