//! `GET` and `POST /settings/nodes/{id}/delete`.

use askama::Template;
use askama_web::WebTemplate;
use axum::Form;
use axum::response::{IntoResponse, Response};
use berth_domain::NodeId;
use berth_operations::nodes::{self, Deleted};
use serde::Deserialize;

use super::card::container_label;
use crate::WebError;
use crate::extract::Call;
use crate::extract::path::Id;
use crate::filters;
use crate::forms::Rejected;
use crate::layout::{Layout, Section, Tone};

/// The question before it, as a page for browsers without JavaScript.
#[derive(Template, WebTemplate)]
#[template(path = "nodes/delete.html")]
pub(super) struct NodeDeletePage {
    layout: Layout,
    node: NodeToDelete,
}

/// The node in question.
struct NodeToDelete {
    id: String,
    name: String,
    /// The managed containers that are forgotten with it.
    managed: Vec<String>,
}

pub(super) async fn page(call: Call, Id(id): Id<NodeId>) -> Result<NodeDeletePage, WebError> {
    let node = nodes::find(call.ctx(), call.user_id(), id).await?;
    let containers = nodes::containers_on(call.ctx(), call.user_id(), id).await?;
    let layout = call.layout(format!("Delete {}", node.name), Section::Settings).await?;
    let managed = containers.iter().map(|container| container_label(&container.hostname, container.vmid));
    Ok(NodeDeletePage {
        layout: layout.under("Settings", "/settings").under("Nodes", "/settings/nodes"),
        node: NodeToDelete { id: id.to_string(), name: node.name, managed: managed.collect() },
    })
}

#[derive(Deserialize)]
pub(super) struct Answer {
    #[serde(default)]
    forget: String,
}

pub(super) async fn act(
    call: Call,
    Id(id): Id<NodeId>,
    Form(answer): Form<Answer>,
) -> Result<Response, WebError> {
    let node = nodes::find(call.ctx(), call.user_id(), id).await?;
    match nodes::delete(call.ctx(), call.user_id(), id, answer.forget == "on").await? {
        Deleted::Done => {
            call.go_to_saying("/settings/nodes", Tone::Success, format!("Deleted {}", node.name)).await
        }
        Deleted::HasContainers(_) => Ok(Rejected(page(call, Id(id)).await?).into_response()),
    }
}
