//! `GET /templates`.

use berth_domain::container_template::ContainerTemplate;
use berth_operations::container_templates;

use super::view::{ContainerTemplateCard, ContainerTemplatesPage, DiscoveryReport};
use crate::WebError;
use crate::extract::Call;
use crate::layout::Section;

pub(super) async fn page(call: Call) -> Result<ContainerTemplatesPage, WebError> {
    with_report(&call, None).await
}

/// The list, with what was found just now.
pub(super) async fn with_report(
    call: &Call,
    report: Option<DiscoveryReport>,
) -> Result<ContainerTemplatesPage, WebError> {
    let recipes = container_templates::list(call.ctx()).await?;
    Ok(ContainerTemplatesPage {
        layout: call.layout("Templates", Section::ContainerTemplates).await?,
        container_templates: recipes.into_iter().map(card).collect(),
        directory: call.ctx().settings.container_templates.display().to_string(),
        discovered_at: report.is_some().then(|| call.ctx().clock.now()),
        report,
    })
}

fn card(recipe: ContainerTemplate) -> ContainerTemplateCard {
    ContainerTemplateCard {
        packages: recipe.packages.len(),
        scripts: recipe.scripts.len(),
        files: recipe.files.len(),
        name: recipe.name,
        title: recipe.title,
        description: recipe.description,
        tags: recipe.tags,
    }
}
