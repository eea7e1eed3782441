//! Step 5: everything once more, and the creation.

mod facts;

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use berth_domain::creation::CreationSpec;
use berth_operations::node_options;
use berth_operations::{Error, FieldErrors, container_templates, creation, nodes};

use super::draft::{Opened, submitted};
use super::view::{ReviewStepPage, WizardStep};
use super::{choose, configure, packages, scripts};
use crate::WebError;
use crate::error::NodeTrouble;
use crate::forms::{FormErrors, Rejected};

pub(super) async fn show(opened: Opened) -> Result<ReviewStepPage, WebError> {
    page(&opened, None).await
}

/// Creates it. What is refused leads back to the step that mends it; a node in trouble is said here, and the draft stays.
pub(super) async fn submit(opened: Opened) -> Result<Response, WebError> {
    let (call, draft) = (&opened.call, opened.draft.id);
    match creation::submit(call.ctx(), call.user_id(), draft).await {
        Ok(id) => Ok(call.by_htmx.go_to(&format!("/creations/{id}"))),
        Err(Error::Invalid(errors)) => rejected(opened, errors).await,
        Err(Error::Node(trouble)) => {
            Ok((StatusCode::BAD_GATEWAY, page(&opened, Some(NodeTrouble::from(*trouble))).await?)
                .into_response())
        }
        // Submitted from another tab in this very moment.
        Err(Error::NotFound) => Ok(submitted(call, draft).await),
        Err(error) => Err(error.into()),
    }
}

async fn rejected(opened: Opened, errors: FieldErrors) -> Result<Response, WebError> {
    let step = first_step(&errors);
    let errors = FormErrors::from(errors);
    let page = match step {
        WizardStep::Template => choose::page(&opened, &errors).await?.into_response(),
        WizardStep::Packages => packages::page(&opened, &errors).await?.into_response(),
        WizardStep::Scripts => scripts::page(&opened, &errors).await?.into_response(),
        WizardStep::Configure | WizardStep::Review => configure::page(opened, &errors).await?,
    };
    Ok(Rejected(page).into_response())
}

/// The step that asks for a field.
fn step_of(field: &str) -> WizardStep {
    match field {
        "container_template" => WizardStep::Template,
        "installers" | "extra_packages" | "buckets" => WizardStep::Packages,
        "scripts" => WizardStep::Scripts,
        _ => WizardStep::Configure,
    }
}

/// The first step that has something to mend.
fn first_step(errors: &FieldErrors) -> WizardStep {
    errors.iter().map(|(field, _)| step_of(field)).min().unwrap_or(WizardStep::Configure)
}

/// The page, with the trouble that prevented the creation.
async fn page(opened: &Opened, trouble: Option<NodeTrouble>) -> Result<ReviewStepPage, WebError> {
    let (ctx, user) = (opened.call.ctx(), opened.call.user_id());
    let form = &opened.draft.form;
    let recipe = match form.container_template.parse() {
        Ok(id) => container_templates::find(ctx, user, id).await,
        Err(_) => Err(Error::NotFound),
    };
    let recipe = match recipe {
        Ok(recipe) => Some(recipe),
        Err(Error::NotFound) => None,
        Err(error) => return Err(error.into()),
    };
    let nodes = nodes::stored(ctx, user).await?;
    let node = nodes.iter().find(|node| Some(node.id) == form.node_id());
    let wizard = opened.wizard(WizardStep::Review);
    let (mut warnings, mut trouble, mut problem) = (Vec::new(), trouble, None);
    match form.to_spec(recipe.as_ref()) {
        Ok(spec) if trouble.is_none() => match warned(opened, &spec).await? {
            Ok(found) => warnings = found,
            Err(found) => trouble = Some(found),
        },
        Ok(_) => {}
        Err(errors) => problem = Some((summary(&errors), first_step(&errors))),
    }
    warnings.extend(facts::unlike(form));
    warnings.extend(form.package_warnings());
    Ok(ReviewStepPage {
        layout: opened.layout().await?,
        sections: facts::sections(form, recipe.is_some(), node),
        warnings,
        trouble: trouble.map(|trouble| NodeTrouble { retry: Some(wizard.here()), ..trouble }),
        problem,
        wizard,
    })
}

/// What the node says to think twice about, or why it does not say.
async fn warned(opened: &Opened, spec: &CreationSpec) -> Result<Result<Vec<String>, NodeTrouble>, WebError> {
    let Some(node) = opened.draft.form.node_id() else { return Ok(Ok(Vec::new())) };
    Ok(match node_options::options(opened.call.ctx(), opened.call.user_id(), node).await {
        Ok(options) => match options.trouble() {
            Some(text) => Err(configure::trouble(&options.node.name, text)),
            None => Ok(options.warnings(spec)),
        },
        Err(Error::Node(trouble)) => Err(NodeTrouble::from(*trouble)),
        // The submission asks for another one.
        Err(Error::NotFound) => Ok(Vec::new()),
        Err(error) => return Err(error.into()),
    })
}

/// The messages of the first step that has any.
fn summary(errors: &FieldErrors) -> String {
    let step = first_step(errors);
    let messages =
        errors.iter().filter(|(field, _)| step_of(field) == step).flat_map(|(_, messages)| messages.iter());
    let messages: Vec<&str> = messages.map(String::as_str).collect();
    format!("{}: {}", step.label(), messages.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_lead_to_the_first_step_that_mends_something() {
        let mut errors = FieldErrors::one("scripts", "20-b.sh is gone");
        assert_eq!(first_step(&errors), WizardStep::Scripts);
        errors.add("vmid", "105 is taken");
        assert_eq!(
            (first_step(&errors), summary(&errors)),
            (WizardStep::Configure, "Configure: 105 is taken".to_owned())
        );
    }
}
