//! `GET /containers/new/vmid`: whether a VMID can be used, while it is typed.

use axum::extract::Query;
use berth_domain::NodeId;
use berth_operations::Error;
use berth_operations::vmids::{self, Availability, By};
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
    #[serde(default)]
    node: String,
}

/// Asked at each keystroke: the draft is not needed for it.
pub(super) async fn check(call: Call, Query(typed): Query<Typed>) -> Result<VmidFragment, WebError> {
    let check = match typed.node.parse() {
        Ok(node) => look_up(&call, node, &typed.vmid).await?,
        Err(_) => VmidCheck::Unknown("choose a node first".into()),
    };
    Ok(VmidFragment { check })
}

/// What is known about a VMID on a node.
pub(super) async fn look_up(call: &Call, node: NodeId, text: &str) -> Result<VmidCheck, WebError> {
    if text.trim().is_empty() {
        return Ok(VmidCheck::Empty);
    }
    Ok(match vmids::check(call.ctx(), call.user_id(), node, text).await {
        Ok(Availability::Available) => VmidCheck::Available,
        Ok(Availability::Taken(by)) => VmidCheck::Taken(taken(by)),
        Ok(Availability::Invalid(message)) => VmidCheck::Invalid(message),
        Ok(Availability::Unknown(cause)) => VmidCheck::Unknown(cause),
        Err(Error::NotFound) => VmidCheck::Unknown("choose a node first".into()),
        Err(error) => return Err(error.into()),
    })
}

fn taken(by: By) -> String {
    match by {
        By::Guest { name, node } => format!("by {name} on {node}"),
        By::Creation(name) => format!("by {name}, which is being created"),
        By::SomebodyElsesCreation => "by a container that somebody else is creating".into(),
        By::Unlisted => {
            "by a guest that this node's token may not see, or that is too new to be listed".into()
        }
    }
}

/// Fills in the next free VMID, or says why not.
pub(super) async fn fill(opened: &mut Opened) -> Result<Result<(), String>, WebError> {
    let Some(node) = opened.draft.form.node_id() else { return Ok(Err("Choose a node first".into())) };
    match vmids::next_free(opened.call.ctx(), opened.call.user_id(), node).await {
        Ok(vmid) => {
            opened.draft.form.vmid = vmid.to_string();
            Ok(Ok(()))
        }
        Err(Error::NotFound) => Ok(Err("Choose a node first".into())),
        Err(error @ (Error::Node(_) | Error::Conflict(_))) => Ok(Err(error.to_string())),
        Err(error) => Err(error.into()),
    }
}
