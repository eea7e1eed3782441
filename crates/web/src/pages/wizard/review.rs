//! Step 5: everything once more, and the creation.

mod facts;

use axum::Form;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use berth_operations::node_options;
use berth_operations::{Error, FieldErrors, container_templates, creation, nodes};
use serde::Deserialize;

use super::draft::{Behind, Opened};
use super::view::{ReviewStepPage, WizardStep};
use super::{choose, configure, packages, scripts, vmid};
use crate::WebError;
use crate::error::NodeTrouble;
use crate::forms::{Field, FormErrors, Rejected};

pub(super) async fn show(opened: Opened) -> Result<ReviewStepPage, WebError> {
    page(&opened, Shown::default()).await
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Typed {
    go: String,
    version: Option<i32>,
    /// The version of the container template that the page shows.
    recipe: Option<i32>,
    /// There once another one is needed.
    vmid: Option<String>,
}

/// Creates it, as the page shows it. What is refused leads back to the step that mends it, but for the VMID, which is mended here; a node
/// in trouble is said here, and the draft stays.
pub(super) async fn submit(mut opened: Opened, Form(typed): Form<Typed>) -> Result<Response, WebError> {
    if !opened.is_current(typed.version) {
        return Ok(Behind(page(&opened, Shown::default()).await?).into_response());
    }
    if let Some(vmid) = typed.vmid {
        opened.draft.form.vmid = vmid;
        if typed.go == "next-vmid" {
            return next_vmid(opened).await;
        }
        if !opened.save(typed.version).await? {
            return Ok(Behind(page(&opened, Shown::default()).await?).into_response());
        }
    }
    let stored = recipe_version(&opened).await?;
    if let (Some(seen), Some(stored)) = (typed.recipe, stored)
        && seen != stored
    {
        let shown = Shown { recipe_changed: true, ..Shown::default() };
        return Ok(Behind(page(&opened, shown).await?).into_response());
    }
    let (call, draft) = (&opened.call, opened.draft.clone());
    match creation::submit_as_read(call.ctx(), call.user_id(), draft).await {
        Ok(id) => Ok(call.by_htmx.go_to(&format!("/creations/{id}"))),
        Err(Error::Invalid(errors)) => rejected(opened, errors).await,
        Err(Error::Node(trouble)) => {
            let shown = Shown { trouble: Some(NodeTrouble::from(*trouble)), ..Shown::default() };
            Ok((StatusCode::BAD_GATEWAY, page(&opened, shown).await?).into_response())
        }
        // Changed, or submitted, from another tab in this very moment.
        Err(Error::Behind) => Ok(opened.go_to(WizardStep::Review)),
        Err(error) => Err(error.into()),
    }
}

/// The version of the draft's container template as it is stored; none without one.
async fn recipe_version(opened: &Opened) -> Result<Option<i32>, WebError> {
    let Ok(id) = opened.draft.form.container_template.parse() else { return Ok(None) };
    match container_templates::outline(opened.call.ctx(), opened.call.user_id(), id).await {
        Ok(recipe) => Ok(Some(recipe.version)),
        Err(Error::NotFound) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The page with the next free VMID in its field, or why there is none.
async fn next_vmid(mut opened: Opened) -> Result<Response, WebError> {
    let error = vmid::fill(&mut opened).await?.err();
    let kept = opened.save(None).await?;
    let vmid = Some(Field { value: opened.draft.form.vmid.clone(), error });
    let page = page(&opened, Shown { vmid, ..Shown::default() }).await?;
    Ok(if kept { page.into_response() } else { Behind(page).into_response() })
}

async fn rejected(opened: Opened, errors: FieldErrors) -> Result<Response, WebError> {
    if let Some(too_many) = errors.of("creations").first() {
        let shown = Shown { too_many: Some(too_many.clone()), ..Shown::default() };
        return Ok(Rejected(page(&opened, shown).await?).into_response());
    }
    if let (Some("vmid"), Some(vmid)) = (only_field(&errors), errors.of("vmid").first()) {
        let field = Field { value: opened.draft.form.vmid.clone(), error: Some(vmid.clone()) };
        let shown = Shown { vmid: Some(field), ..Shown::default() };
        return Ok(Rejected(page(&opened, shown).await?).into_response());
    }
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

/// The field, if there is only one to mend.
fn only_field(errors: &FieldErrors) -> Option<&str> {
    let mut fields = errors.iter().map(|(field, _)| field);
    fields.next().filter(|_| fields.next().is_none())
}

/// The first step that has something to mend.
fn first_step(errors: &FieldErrors) -> WizardStep {
    errors.iter().map(|(field, _)| step_of(field)).min().unwrap_or(WizardStep::Configure)
}

/// What the page shows besides what was chosen.
#[derive(Default)]
struct Shown {
    /// What prevented the creation.
    trouble: Option<NodeTrouble>,
    /// Another VMID is needed. The node is not asked what it thinks of the rest: that was on the page that was sent.
    vmid: Option<Field>,
    /// The container template is another one than the page showed that was sent.
    recipe_changed: bool,
    /// Too many creations are under way.
    too_many: Option<String>,
}

async fn page(opened: &Opened, shown: Shown) -> Result<ReviewStepPage, WebError> {
    let (ctx, user) = (opened.call.ctx(), opened.call.user_id());
    let form = &opened.draft.form;
    let recipe = match form.container_template.parse() {
        Ok(id) => container_templates::outline(ctx, user, id).await,
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
    let Shown { mut trouble, vmid, recipe_changed, too_many } = shown;
    let (mut warnings, mut problem) = (Vec::new(), None);
    let errors = form.errors(recipe.as_ref());
    if errors.is_empty() {
        if trouble.is_none() && vmid.is_none() {
            match warned(opened).await? {
                Ok(found) => warnings = found,
                Err(found) => trouble = Some(found),
            }
        }
    } else if vmid.is_none() || only_field(&errors) != Some("vmid") {
        // The VMID's stands beside its field.
        problem = Some((summary(&errors), first_step(&errors)));
    }
    warnings.extend(facts::unlike(form));
    warnings.extend(form.package_warnings());
    Ok(ReviewStepPage {
        layout: opened.layout().await?,
        sections: facts::sections(form, recipe.is_some(), node),
        warnings,
        trouble: trouble.map(|trouble| NodeTrouble { retry: Some(wizard.here()), ..trouble }),
        problem,
        vmid,
        node: form.node.clone(),
        recipe_version: recipe.map(|recipe| recipe.version),
        recipe_changed,
        too_many,
        wizard,
    })
}

/// What the node says to think twice about, or why it does not say.
async fn warned(opened: &Opened) -> Result<Result<Vec<String>, NodeTrouble>, WebError> {
    let form = &opened.draft.form;
    let Some(node) = form.node_id() else { return Ok(Ok(Vec::new())) };
    Ok(match node_options::options(opened.call.ctx(), opened.call.user_id(), node).await {
        Ok(options) => match options.trouble() {
            Some(text) => Err(configure::trouble(&options.node.name, text)),
            None => Ok(options.doubts(form.wanted()).into_iter().map(|doubt| doubt.text).collect()),
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
