//! `GET /settings/nodes`.

use askama::Template;
use askama_web::WebTemplate;
use axum::response::{IntoResponse, Response};
use berth_operations::nodes;

use super::card::{Cards, NodeCard, Ssh};
use crate::WebError;
use crate::extract::Call;
use crate::filters;
use crate::layout::{Layout, Section};

/// `/settings/nodes`.
#[derive(Template, WebTemplate)]
#[template(path = "nodes/list.html")]
pub(super) struct NodesPage {
    layout: Layout,
    nodes: Cards,
}

/// The part of it that is kept fresh.
#[derive(Template, WebTemplate)]
#[template(path = "nodes/_nodes.html")]
pub(super) struct NodesFragment {
    nodes: Cards,
}

/// The page, or for htmx its list; messages wait for the next page. No node is asked anything.
pub(super) async fn page(call: Call) -> Result<Response, WebError> {
    if call.by_htmx.0 {
        return Ok(fragment(&call).await?.into_response());
    }
    let nodes = cards(&call).await?;
    let layout = call.layout("Nodes", Section::Settings).await?.under("Settings", "/settings");
    Ok(NodesPage { layout, nodes }.into_response())
}

pub(super) async fn fragment(call: &Call) -> Result<NodesFragment, WebError> {
    Ok(NodesFragment { nodes: cards(call).await? })
}

async fn cards(call: &Call) -> Result<Cards, WebError> {
    let nodes = nodes::list(call.ctx(), call.user_id()).await?;
    Ok(Cards(nodes.into_iter().map(NodeCard::from).collect()))
}
