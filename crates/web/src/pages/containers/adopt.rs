//! `GET` and `POST /containers/adopt`: what just exists on a node becomes managed.

use askama::Template;
use askama_web::WebTemplate;
use axum::Form;
use axum::extract::Query;
use axum::response::{IntoResponse, Response};
use berth_domain::NodeId;
use berth_operations::{containers, nodes};
use serde::Deserialize;

use crate::WebError;
use crate::extract::Call;
use crate::filters;
use crate::layout::{Layout, Section, Tone};

/// The question before all containers of a node are adopted.
#[derive(Template, WebTemplate)]
#[template(path = "containers/adopt.html")]
pub(super) struct AdoptPage {
    layout: Layout,
    node: NodeId,
    node_name: String,
    /// Those that are not managed: VMID and host name.
    found: Vec<(u32, String)>,
}

#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    node: String,
}

/// One container, or without VMID all of the node.
#[derive(Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    node: String,
    #[serde(default)]
    vmid: String,
}

pub(super) async fn page(call: Call, Query(asked): Query<Asked>) -> Result<Response, WebError> {
    if asked.node.is_empty() {
        return Ok(call.by_htmx.go_to("/settings/nodes"));
    }
    let node = node_id(&asked.node)?;
    let found = containers::unmanaged_on(call.ctx(), call.user_id(), node).await?;
    let name = nodes::find(call.ctx(), call.user_id(), node).await?.name;
    let layout = call.layout(format!("Adopt containers on {name}"), Section::Containers).await?;
    let page = AdoptPage {
        layout: layout.under("Containers", "/"),
        node,
        node_name: name,
        found: found.into_iter().map(|(vmid, hostname)| (vmid.get(), hostname)).collect(),
    };
    Ok(page.into_response())
}

pub(super) async fn act(call: Call, Form(wanted): Form<Wanted>) -> Result<Response, WebError> {
    let node = node_id(&wanted.node)?;
    if wanted.vmid.is_empty() {
        let said = match containers::adopt_all(call.ctx(), call.user_id(), node).await? {
            0 => "There was nothing to adopt".to_owned(),
            1 => "Adopting 1 container".to_owned(),
            many => format!("Adopting {many} containers"),
        };
        return call.go_to_saying("/", Tone::Info, said).await;
    }
    let vmid = wanted.vmid.parse().map_err(|_| WebError::BadRequest("this is no VMID".into()))?;
    let id = containers::adopt(call.ctx(), call.user_id(), node, vmid).await?;
    Ok(call.by_htmx.go_to(&format!("/containers/{id}")))
}

/// What is no id names no node.
fn node_id(text: &str) -> Result<NodeId, WebError> {
    text.parse().map_err(|_| WebError::NotFound)
}
