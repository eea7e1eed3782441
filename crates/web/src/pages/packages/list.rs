//! `GET /packages`.

use axum::extract::Query;
use berth_domain::package_bucket::PackageBucket;
use berth_operations::{container_templates, package_buckets};
use serde::Deserialize;

use super::view::{BucketCard, PackageSource, PackagesPage};
use crate::WebError;
use crate::extract::Call;
use crate::layout::Section;
use crate::pages::container_templates::package_lists;

/// So many packages are named on a card.
const NAMED: usize = 12;

#[derive(Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    q: String,
}

pub(super) async fn page(call: Call, Query(wanted): Query<Wanted>) -> Result<PackagesPage, WebError> {
    let buckets = package_buckets::list(call.ctx(), call.user_id(), &wanted.q).await?;
    let recipes = container_templates::outlines(call.ctx(), call.user_id()).await?;
    let installing = recipes.into_iter().filter(|stored| !stored.recipe.packages.is_empty());
    let sources = installing.map(|stored| PackageSource {
        href: format!("/templates/{}", stored.id),
        packages: package_lists(&stored.recipe.packages),
        title: stored.recipe.title,
    });
    Ok(PackagesPage {
        buckets: buckets.iter().map(card).collect(),
        search: wanted.q,
        sources: sources.collect(),
        layout: call.layout("Packages", Section::Packages).await?,
    })
}

fn card(bucket: &PackageBucket) -> BucketCard {
    BucketCard {
        href: super::form::address(bucket.id),
        name: bucket.name.to_string(),
        packages: package_lists(&bucket.packages[..bucket.packages.len().min(NAMED)]),
        more: bucket.packages.len().saturating_sub(NAMED),
        updated_at: bucket.updated_at,
    }
}
