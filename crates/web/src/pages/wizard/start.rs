//! `GET /containers/new`: opens a draft.

use axum::extract::Query;
use axum::response::{IntoResponse, Redirect, Response};
use berth_operations::creation::CreationForm;
use berth_operations::{Error, container_templates, drafts, nodes};
use serde::Deserialize;

use super::draft::base;
use super::view::{NoNodesPage, WizardStep};
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
}

/// Opens a draft at its first open question. What is wanted and not there is left to be chosen.
pub(super) async fn begin(call: Call, Query(wanted): Query<Wanted>) -> Result<Response, WebError> {
    let nodes = nodes::stored(call.ctx(), call.user_id()).await?;
    if nodes.is_empty() {
        return Ok(no_nodes(&call).await?.into_response());
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
    let draft = drafts::start(call.ctx(), call.user_id(), form).await?;
    Ok(Redirect::to(&format!("{}/{}", base(draft.id), step.slug())).into_response())
}

/// There is no place for a container yet.
pub(super) async fn no_nodes(call: &Call) -> Result<NoNodesPage, WebError> {
    let layout = call.layout("Create container", Section::Containers).await?.under("Containers", "/");
    Ok(NoNodesPage { layout })
}
