//! Step 1: a container template, or from scratch.

use axum::Form;
use axum::extract::Query;
use axum::response::{IntoResponse, Response};
use berth_domain::container_template::Summary;
use berth_operations::drafts::{self, Draft};
use berth_operations::{Error, container_templates};
use serde::Deserialize;

use super::draft::{Opened, base};
use super::view::{ContainerTemplateChoice, TemplateStepPage, UnfinishedDraft, WizardStep};
use crate::WebError;
use crate::forms::{FormErrors, Rejected};
use crate::pages::container_templates::search::Wanted;

pub(super) async fn show(opened: Opened, Query(wanted): Query<Wanted>) -> Result<TemplateStepPage, WebError> {
    found(&opened, &FormErrors::default(), &wanted).await
}

#[derive(Deserialize)]
pub(super) struct Chosen {
    #[serde(default)]
    container_template: String,
}

/// Another choice begins its defaults anew; the same one leaves what was changed since.
pub(super) async fn submit(mut opened: Opened, Form(chosen): Form<Chosen>) -> Result<Response, WebError> {
    let (ctx, user) = (opened.call.ctx(), opened.call.user_id());
    let found = match chosen.container_template.parse() {
        Ok(id) => container_templates::outline(ctx, user, id).await,
        Err(_) => Err(Error::NotFound),
    };
    let recipe = match found {
        Ok(recipe) => Some(recipe),
        Err(Error::NotFound) if chosen.container_template.is_empty() => None,
        Err(Error::NotFound) => {
            let errors = [("container_template", "This template is not there any more. Choose another")];
            return Ok(Rejected(page(&opened, &errors.into_iter().collect()).await?).into_response());
        }
        Err(error) => return Err(error.into()),
    };
    if opened.draft.form.container_template != chosen.container_template {
        opened.draft.form.choose(recipe.as_ref());
        opened.save().await?;
    }
    Ok(opened.go_to(WizardStep::Configure))
}

/// The page with its messages.
pub(super) async fn page(opened: &Opened, errors: &FormErrors) -> Result<TemplateStepPage, WebError> {
    found(opened, errors, &Wanted::default()).await
}

/// The page with those that are looked for. The chosen one is always among them.
async fn found(opened: &Opened, errors: &FormErrors, wanted: &Wanted) -> Result<TemplateStepPage, WebError> {
    let recipes = container_templates::list(opened.call.ctx(), opened.call.user_id()).await?;
    let drafts = drafts::list(opened.call.ctx(), opened.call.user_id()).await?;
    Ok(TemplateStepPage {
        unfinished: drafts.iter().filter(|draft| draft.id != opened.draft.id).map(unfinished).collect(),
        layout: opened.layout().await?,
        wizard: opened.wizard(WizardStep::Template),
        search: wanted.view(&opened.wizard(WizardStep::Template).here(), &recipes),
        any: !recipes.is_empty(),
        choices: recipes
            .into_iter()
            .filter(|recipe| {
                wanted.finds(recipe) || recipe.id.to_string() == opened.draft.form.container_template
            })
            .map(choice)
            .collect(),
        chosen: errors.field("container_template", opened.draft.form.container_template.clone()),
    })
}

fn choice(recipe: Summary) -> ContainerTemplateChoice {
    ContainerTemplateChoice {
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

fn unfinished(draft: &Draft) -> UnfinishedDraft {
    let named = [&draft.form.hostname, &draft.form.container_template_title]
        .into_iter()
        .find(|name| !name.trim().is_empty());
    UnfinishedDraft {
        base: base(draft.id),
        title: named.map_or_else(|| "From scratch".to_owned(), Clone::clone),
        updated_at: draft.updated_at,
    }
}
