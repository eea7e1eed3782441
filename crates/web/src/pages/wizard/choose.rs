//! Step 1: a container template, or from scratch.

use axum::Form;
use axum::response::{IntoResponse, Response};
use berth_domain::container_template::ContainerTemplate;
use berth_operations::container_templates;
use serde::Deserialize;

use super::draft::{Behind, Opened};
use super::unfinished;
use super::view::{ContainerTemplateChoice, TemplateStepPage, WizardStep};
use crate::WebError;
use crate::forms::{FormErrors, Rejected};

pub(super) async fn show(opened: Opened) -> Result<TemplateStepPage, WebError> {
    page(&opened, &FormErrors::default()).await
}

#[derive(Deserialize)]
pub(super) struct Chosen {
    #[serde(default)]
    container_template: String,
    version: Option<i32>,
}

/// Another choice begins its defaults anew; the same one leaves what was changed since.
pub(super) async fn submit(mut opened: Opened, Form(chosen): Form<Chosen>) -> Result<Response, WebError> {
    let recipes = container_templates::list(opened.call.ctx()).await?;
    let recipe = recipes.iter().find(|recipe| recipe.name == chosen.container_template);
    if recipe.is_none() && !chosen.container_template.is_empty() {
        let errors = [("container_template", "This template is not there any more. Choose another")];
        return Ok(Rejected(page(&opened, &errors.into_iter().collect()).await?).into_response());
    }
    if opened.draft.form.container_template != chosen.container_template {
        opened.draft.form.choose(recipe);
        if !opened.save(chosen.version).await? {
            return Ok(Behind(page(&opened, &FormErrors::default()).await?).into_response());
        }
    }
    Ok(opened.go_to(WizardStep::Configure))
}

/// The page with its messages.
pub(super) async fn page(opened: &Opened, errors: &FormErrors) -> Result<TemplateStepPage, WebError> {
    let recipes = container_templates::list(opened.call.ctx()).await?;
    Ok(TemplateStepPage {
        unfinished: unfinished::list(&opened.call, Some(opened.draft.id)).await?,
        layout: opened.layout().await?,
        wizard: opened.wizard(WizardStep::Template),
        choices: recipes.into_iter().map(choice).collect(),
        chosen: errors.field("container_template", opened.draft.form.container_template.clone()),
    })
}

fn choice(recipe: ContainerTemplate) -> ContainerTemplateChoice {
    ContainerTemplateChoice {
        packages: recipe.packages.len(),
        scripts: recipe.scripts.len(),
        files: recipe.files.len(),
        name: recipe.name,
        title: recipe.title,
        description: recipe.description,
        tags: recipe.tags,
    }
}
