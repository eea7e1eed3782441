//! `GET` and `POST /packages/{id}/delete`.

use askama::Template;
use askama_web::WebTemplate;
use axum::response::Response;
use berth_domain::PackageBucketId;
use berth_operations::creation::CreationForm;
use berth_operations::package_buckets;

use super::form::{address, layout};
use crate::WebError;
use crate::extract::Call;
use crate::extract::path::Id;
use crate::filters;
use crate::layout::{Layout, Tone};

/// The question before it.
#[derive(Template, WebTemplate)]
#[template(path = "packages/delete.html")]
pub(super) struct BucketDeletePage {
    layout: Layout,
    address: String,
    name: String,
    packages: usize,
    /// What the unfinished wizards that use it are to become.
    used_by: Vec<String>,
}

pub(super) async fn page(call: Call, Id(id): Id<PackageBucketId>) -> Result<BucketDeletePage, WebError> {
    let bucket = package_buckets::find(call.ctx(), call.user_id(), id).await?;
    let wizards = package_buckets::used_by(call.ctx(), call.user_id(), id).await?;
    Ok(BucketDeletePage {
        layout: layout(&call, format!("Delete {}", bucket.name)).await?,
        address: address(id),
        packages: bucket.packages.len(),
        used_by: wizards.iter().map(title).collect(),
        name: bucket.name.to_string(),
    })
}

fn title(wizard: &CreationForm) -> String {
    let named = [&wizard.hostname, &wizard.container_template];
    named
        .into_iter()
        .find(|name| !name.trim().is_empty())
        .map_or_else(|| "a wizard from scratch".into(), Clone::clone)
}

pub(super) async fn act(call: Call, Id(id): Id<PackageBucketId>) -> Result<Response, WebError> {
    let name = package_buckets::delete(call.ctx(), call.user_id(), id).await?;
    call.go_to_saying("/packages", Tone::Success, format!("Deleted {name}")).await
}
