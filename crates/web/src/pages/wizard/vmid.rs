//! `GET /containers/new/{id}/vmid`: whether a VMID can be used, while it is typed.

use axum::extract::Query;
use berth_domain::NodeId;
use berth_operations::Error;
use berth_operations::vmids::{self, Availability};
use serde::Deserialize;

use super::draft::Opened;
use super::view::{VmidCheck, VmidFragment};
use crate::WebError;
use crate::extract::Call;

#[derive(Deserialize)]
pub(super) struct Typed {
    #[serde(default)]
    vmid: String,
    /// The node chosen on the page, which may not be in the draft yet.
    node: Option<String>,
}

pub(super) async fn check(opened: Opened, Query(typed): Query<Typed>) -> Result<VmidFragment, WebError> {
    let chosen = typed.node.and_then(|node| node.parse().ok()).or(opened.draft.form.node_id());
    let Some(node) = chosen else {
        return Ok(VmidFragment { check: VmidCheck::Unknown("choose a node first".into()) });
    };
    Ok(VmidFragment { check: look_up(&opened.call, node, &typed.vmid).await? })
}

/// What is known about a VMID on a node.
pub(super) async fn look_up(call: &Call, node: NodeId, text: &str) -> Result<VmidCheck, WebError> {
    if text.trim().is_empty() {
        return Ok(VmidCheck::Empty);
    }
    Ok(match vmids::check(call.ctx(), call.user_id(), node, text).await {
        Ok(Availability::Available) => VmidCheck::Available,
        Ok(Availability::Taken { name, node }) => VmidCheck::Taken { name, node },
        Ok(Availability::Invalid(message)) => VmidCheck::Invalid(message),
        Ok(Availability::Unknown(cause)) => VmidCheck::Unknown(cause),
        Err(Error::NotFound) => VmidCheck::Unknown("choose a node first".into()),
        Err(error) => return Err(error.into()),
    })
}
