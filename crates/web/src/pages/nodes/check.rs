//! `POST /settings/nodes/{id}/check`.

use axum::response::{IntoResponse, Response};
use berth_domain::NodeId;
use berth_operations::nodes::{self, health};

use super::list;
use crate::WebError;
use crate::extract::Call;
use crate::extract::path::Id;
use crate::layout::Tone;

/// Has a worker check the node, and shows what it found; htmx gets the list in place.
pub(super) async fn act(call: Call, Id(id): Id<NodeId>) -> Result<Response, WebError> {
    let node = nodes::find(call.ctx(), call.user_id(), id).await?;
    let (tone, said) = match health::check_now(call.ctx(), call.user_id(), id).await? {
        health::Checked::Made if call.by_htmx.0 => return Ok(list::fragment(&call).await?.into_response()),
        health::Checked::Made => (Tone::Info, format!("Checked {}", node.name)),
        health::Checked::UnderWay => {
            (Tone::Warning, format!("{} takes long to answer: the check goes on", node.name))
        }
        health::Checked::Waiting => {
            (Tone::Warning, format!("Nothing has checked {} yet. Is berth worker running?", node.name))
        }
    };
    call.go_to_saying("/settings/nodes", tone, said).await
}
