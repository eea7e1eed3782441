//! `POST /settings/nodes/{id}/members`: adds another member of a node's cluster.

use axum::Form;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use berth_domain::NodeId;
use berth_operations::Error;
use berth_operations::nodes;
use serde::Deserialize;

use super::answer::answer;
use super::form::{Findings, Go, Subject, Submitted};
use super::form_view::NodeFormPage;
use crate::WebError;
use crate::extract::Call;
use crate::extract::path::Id;
use crate::layout::Tone;

#[derive(Deserialize)]
pub(super) struct Wanted {
    /// The member's PVE node name.
    #[serde(default)]
    name: String,
    /// Set by the page's script: the browser watches the test itself.
    #[serde(default)]
    live: String,
}

/// Tests the member with the token and SSH login of the node and adds it if it passes; else shows the form that asks
/// what is missing, such as the member's SSH host key.
pub(super) async fn add(
    call: Call,
    Id(id): Id<NodeId>,
    headers: HeaderMap,
    Form(wanted): Form<Wanted>,
) -> Result<Response, WebError> {
    let subject =
        Subject { edited: None, member_of: Some(nodes::find(call.ctx(), call.user_id(), id).await?) };
    let typed = match nodes::member_form(call.ctx(), call.user_id(), id, &wanted.name).await {
        Ok(typed) => typed,
        Err(error @ (Error::Conflict(_) | Error::Node(_))) => {
            return call.go_to_saying("/settings/nodes", Tone::Error, error.to_string()).await;
        }
        Err(error) => return Err(error.into()),
    };
    if wanted.live.is_empty() {
        return answer(call, &headers, subject, Submitted { go: Go::Save, typed }).await;
    }
    let mut part = subject.part(&typed, &Findings::default());
    part.begins = true;
    Ok(NodeFormPage { layout: subject.layout(&call).await?, part }.into_response())
}
