//! `POST /settings/nodes/{id}/default`.

use axum::response::Response;
use berth_domain::NodeId;
use berth_operations::nodes;

use crate::WebError;
use crate::extract::Call;
use crate::extract::path::Id;
use crate::layout::Tone;

pub(super) async fn act(call: Call, Id(id): Id<NodeId>) -> Result<Response, WebError> {
    nodes::set_default(call.ctx(), call.user_id(), id).await?;
    let node = nodes::find(call.ctx(), call.user_id(), id).await?;
    let said = format!("New containers go to {} unless you say otherwise", node.name);
    call.go_to_saying("/settings/nodes", Tone::Success, said).await
}
