//! `POST /packages/{id}/duplicate`.

use axum::response::Response;
use berth_domain::PackageBucketId;
use berth_operations::package_buckets;

use super::form::address;
use crate::WebError;
use crate::extract::Call;
use crate::extract::path::Id;
use crate::layout::Tone;

pub(super) async fn act(call: Call, Id(id): Id<PackageBucketId>) -> Result<Response, WebError> {
    let copy = package_buckets::duplicate(call.ctx(), call.user_id(), id).await?;
    call.go_to_saying(&address(copy.id), Tone::Success, format!("Made {}", copy.name)).await
}
