//! `GET /templates`.

use axum::extract::Query;
use berth_domain::container_template::Summary;
use berth_operations::container_templates;

use super::search::Wanted;
use super::view::{ContainerTemplateCard, ContainerTemplatesPage};
use crate::WebError;
use crate::extract::Call;
use crate::layout::Section;

pub(super) async fn page(
    call: Call,
    Query(wanted): Query<Wanted>,
) -> Result<ContainerTemplatesPage, WebError> {
    let recipes = container_templates::list(call.ctx(), call.user_id()).await?;
    Ok(ContainerTemplatesPage {
        layout: call.layout("Templates", Section::ContainerTemplates).await?,
        search: wanted.view("/templates", &recipes),
        any: !recipes.is_empty(),
        container_templates: recipes.into_iter().filter(|recipe| wanted.finds(recipe)).map(card).collect(),
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
        own: recipe.own,
    }
}
