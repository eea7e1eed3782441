//! `GET /packages`.

use berth_operations::container_templates;

use super::view::{PackageSource, PackagesPage};
use crate::WebError;
use crate::extract::Call;
use crate::layout::Section;
use crate::pages::container_templates::package_lists;

pub(super) async fn page(call: Call) -> Result<PackagesPage, WebError> {
    let recipes = container_templates::list(call.ctx()).await?;
    let installing = recipes.into_iter().filter(|recipe| !recipe.packages.is_empty());
    let sources = installing.map(|recipe| PackageSource {
        href: format!("/templates/{}", recipe.name),
        packages: package_lists(&recipe.packages),
        title: recipe.title,
    });
    Ok(PackagesPage { sources: sources.collect(), layout: call.layout("Packages", Section::Packages).await? })
}
