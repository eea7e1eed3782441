//! `GET /templates`.

use berth_domain::container_template::Summary;
use berth_operations::container_templates;

use super::view::{ContainerTemplateCard, ContainerTemplatesPage};
use crate::WebError;
use crate::extract::Call;
use crate::layout::Section;

pub(super) async fn page(call: Call) -> Result<ContainerTemplatesPage, WebError> {
    let recipes = container_templates::list(call.ctx(), call.user_id()).await?;
    Ok(ContainerTemplatesPage {
        layout: call.layout("Templates", Section::ContainerTemplates).await?,
        container_templates: recipes.into_iter().map(card).collect(),
        directory: call.ctx().settings.container_templates.display().to_string(),
    })
}

fn card(recipe: Summary) -> ContainerTemplateCard {
    ContainerTemplateCard {
        packages: recipe.packages,
        scripts: recipe.scripts,
        files: recipe.files,
        id: recipe.id.to_string(),
        title: recipe.title,
        description: recipe.description,
        tags: recipe.tags,
    }
}
