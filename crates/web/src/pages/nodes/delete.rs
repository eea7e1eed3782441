//! `GET` and `POST /settings/nodes/{id}/delete`.

use axum::Form;
use axum::response::{IntoResponse, Response};
use berth_domain::NodeId;
use berth_operations::nodes::{self, Deleted, Health, NodeOverview};
use serde::Deserialize;

use super::list::card;
use super::view::NodeDeletePage;
use crate::WebError;
use crate::extract::Call;
use crate::extract::path::Id;
use crate::forms::Rejected;
use crate::layout::{Section, Tone};

/// The question, as a page of its own.
pub(super) async fn page(call: Call, Id(id): Id<NodeId>) -> Result<NodeDeletePage, WebError> {
    let node = nodes::find(call.ctx(), call.user_id(), id).await?;
    let containers = nodes::containers_on(call.ctx(), call.user_id(), id).await?;
    let layout = call.layout(format!("Delete {}", node.name), Section::Settings).await?;
    let layout = layout.under("Settings", "/settings").under("Nodes", "/settings/nodes");
    // How it is does not matter to whoever takes it off the list.
    let health = Health::Reachable { version: node.pve_version.clone() };
    Ok(NodeDeletePage { layout, node: card(NodeOverview { node, containers, health }) })
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
