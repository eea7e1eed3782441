//! Step 4: scripts on and off, and their order.

use std::collections::HashSet;

use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::Form;
use berth_domain::container_template::ScriptOutline;
use berth_operations::creation::ScriptChoice;
use berth_operations::{Error, container_templates};
use serde::Deserialize;

use super::draft::{Behind, Opened};
use super::view::{ScriptItem, ScriptsStepPage, WizardStep};
use crate::WebError;
use crate::forms::FormErrors;
use crate::reorder::Order;

pub(super) async fn show(opened: Opened) -> Result<ScriptsStepPage, WebError> {
    page(&opened, &FormErrors::default()).await
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Typed {
    go: String,
    version: Option<i32>,
    scripts: HashSet<String>,
    order: Vec<String>,
    #[serde(rename = "move")]
    moved: String,
}

pub(super) async fn submit(mut opened: Opened, Form(typed): Form<Typed>) -> Result<Response, WebError> {
    let order = Order::new(typed.order, typed.moved);
    let scripts = &mut opened.draft.form.scripts;
    for script in scripts.iter_mut() {
        script.on = typed.scripts.contains(&script.name);
    }
    let position = order.apply(scripts, |script| &script.name);
    if !opened.save(typed.version).await? {
        return Ok(Behind(page(&opened, &FormErrors::default()).await?).into_response());
    }
    if order.moves() {
        // Without JavaScript, too, one goes on where the script is now.
        let place = position.map(|position| format!("#script-{}", position + 1)).unwrap_or_default();
        return Ok(
            Redirect::to(&format!("{}{place}", opened.wizard(WizardStep::Scripts).here())).into_response()
        );
    }
    let next = if typed.go == "back" { WizardStep::Packages } else { WizardStep::Review };
    Ok(opened.go_to(next))
}

/// The scripts of the draft's container template; none when there is no such container template (any more).
pub(super) async fn known(opened: &Opened) -> Result<Vec<ScriptOutline>, WebError> {
    let (call, chosen) = (&opened.call, &opened.draft.form.container_template);
    match container_templates::outline_of(call.ctx(), call.user_id(), chosen).await {
        Ok(found) => Ok(found.recipe.scripts),
        Err(Error::NotFound) => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// The page with its messages.
pub(super) async fn page(opened: &Opened, errors: &FormErrors) -> Result<ScriptsStepPage, WebError> {
    let known = known(opened).await?;
    let wizard = opened.wizard(WizardStep::Scripts);
    Ok(ScriptsStepPage {
        layout: opened.layout().await?,
        scripts: opened.draft.form.scripts.iter().map(|choice| item(choice, &known, &wizard.base)).collect(),
        wizard,
        error: errors.get("scripts"),
    })
}

fn item(choice: &ScriptChoice, known: &[ScriptOutline], base: &str) -> ScriptItem {
    let script = known.iter().find(|script| script.name == choice.name);
    ScriptItem {
        name: choice.name.clone(),
        description: script.and_then(|script| script.about.clone()),
        content: script.map(|script| (super::script::address(base, &script.name), script.size)),
        on: choice.on,
    }
}
