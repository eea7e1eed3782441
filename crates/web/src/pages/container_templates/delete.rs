//! `GET` and `POST /templates/{id}/delete`.

use askama::Template;
use askama_web::WebTemplate;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use berth_domain::ContainerTemplateId;
use berth_operations::container_templates::authoring::{self, Deleted, LiveCreation};

use crate::WebError;
use crate::extract::Call;
use crate::extract::path::Id;
use crate::filters;
use crate::layout::{Layout, Section, Tone};

/// The question before it.
#[derive(Template, WebTemplate)]
#[template(path = "container_templates/delete.html")]
pub(super) struct DeletePage {
    layout: Layout,
    id: String,
    title: String,
    /// Creations that still work with it: address and host name.
    live: Vec<(String, String)>,
}

pub(super) async fn page(call: Call, Id(id): Id<ContainerTemplateId>) -> Result<DeletePage, WebError> {
    ask(&call, id, Vec::new()).await
}

/// Deletes it, or says which creations still work with it.
pub(super) async fn act(call: Call, Id(id): Id<ContainerTemplateId>) -> Result<Response, WebError> {
    let stored = authoring::own(call.ctx(), call.user_id(), id).await?;
    match authoring::delete(call.ctx(), call.user_id(), id).await? {
        Deleted::InUse(live) => Ok((StatusCode::CONFLICT, ask(&call, id, live).await?).into_response()),
        Deleted::Done | Deleted::NotFound => {
            call.go_to_saying("/templates", Tone::Success, format!("Deleted {}", stored.recipe.title)).await
        }
    }
}

async fn ask(call: &Call, id: ContainerTemplateId, live: Vec<LiveCreation>) -> Result<DeletePage, WebError> {
    let stored = authoring::own(call.ctx(), call.user_id(), id).await?;
    let title = stored.recipe.title;
    let layout = call.layout(format!("Delete {title}"), Section::ContainerTemplates).await?;
    let live = live.into_iter().map(|creation| (format!("/creations/{}", creation.id), creation.hostname));
    Ok(DeletePage {
        layout: layout.under("Templates", "/templates"),
        id: id.to_string(),
        title,
        live: live.collect(),
    })
}
