//! Step 4: scripts on and off, and their order.

use axum::response::{IntoResponse, Response};
use axum_extra::extract::Form;
use berth_domain::container_template::Script;
use berth_operations::creation::ScriptChoice;
use berth_operations::{Error, container_templates};
use serde::Deserialize;

use super::draft::Opened;
use super::view::{ScriptItem, ScriptsStepPage, WizardStep};
use crate::WebError;
use crate::forms::FormErrors;

pub(super) async fn show(opened: Opened) -> Result<ScriptsStepPage, WebError> {
    page(&opened, &FormErrors::default()).await
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Typed {
    go: String,
    scripts: Vec<String>,
    order: Vec<String>,
    #[serde(rename = "move")]
    moved: String,
}

pub(super) async fn submit(mut opened: Opened, Form(typed): Form<Typed>) -> Result<Response, WebError> {
    let scripts = &mut opened.draft.form.scripts;
    apply(scripts, &typed.scripts, &typed.order);
    shift(scripts, &typed.moved);
    opened.save().await?;
    let next = match (typed.moved.as_str(), typed.go.as_str()) {
        ("", "back") => WizardStep::Packages,
        ("", _) => WizardStep::Review,
        _ => WizardStep::Scripts,
    };
    Ok(opened.go_to(next).into_response())
}

/// Ticks and order as sent. A script that the page did not have goes to the end.
fn apply(scripts: &mut [ScriptChoice], ticked: &[String], order: &[String]) {
    for script in scripts.iter_mut() {
        script.on = ticked.contains(&script.name);
    }
    scripts.sort_by_key(|script| order.iter().position(|name| *name == script.name).unwrap_or(order.len()));
}

/// `up:NAME` or `down:NAME`.
fn shift(scripts: &mut [ScriptChoice], moved: &str) {
    let Some((direction, name)) = moved.split_once(':') else { return };
    let Some(from) = scripts.iter().position(|script| script.name == name) else { return };
    let to = if direction == "up" { from.checked_sub(1) } else { Some(from + 1) };
    if let Some(to) = to.filter(|to| *to < scripts.len()) {
        scripts.swap(from, to);
    }
}

/// The page with its messages.
pub(super) async fn page(opened: &Opened, errors: &FormErrors) -> Result<ScriptsStepPage, WebError> {
    let form = &opened.draft.form;
    let known = match container_templates::find(opened.call.ctx(), &form.container_template).await {
        Ok(recipe) => recipe.scripts,
        Err(Error::NotFound) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    Ok(ScriptsStepPage {
        layout: opened.layout().await?,
        wizard: opened.wizard(WizardStep::Scripts),
        scripts: form.scripts.iter().map(|choice| item(choice, &known)).collect(),
        error: errors.get("scripts"),
    })
}

fn item(choice: &ScriptChoice, known: &[Script]) -> ScriptItem {
    let content = known.iter().find(|script| script.name == choice.name).map(|script| script.content.clone());
    ScriptItem {
        name: choice.name.clone(),
        description: content.as_deref().and_then(first_comment),
        content: content.unwrap_or_else(|| "This script is not in the template any more.".into()),
        on: choice.on,
    }
}

/// What a script says of itself: the comment it begins with.
fn first_comment(content: &str) -> Option<String> {
    let line = content.lines().find(|line| !line.starts_with("#!"))?;
    let text = line.strip_prefix('#')?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scripts() -> Vec<ScriptChoice> {
        ["10-a.sh", "20-b.sh", "30-c.sh"].map(|name| ScriptChoice { name: name.into(), on: true }).into()
    }

    fn names(scripts: &[ScriptChoice]) -> Vec<&str> {
        scripts.iter().map(|script| script.name.as_str()).collect()
    }

    #[test]
    fn scripts_move_within_their_list() {
        let mut found = scripts();
        shift(&mut found, "up:30-c.sh");
        assert_eq!(names(&found), ["10-a.sh", "30-c.sh", "20-b.sh"]);
        for nowhere in ["up:10-a.sh", "down:20-b.sh", "down:none", "", "sideways"] {
            shift(&mut found, nowhere);
            assert_eq!(names(&found), ["10-a.sh", "30-c.sh", "20-b.sh"], "{nowhere}");
        }
    }

    #[test]
    fn the_order_of_the_page_counts() {
        let mut found = scripts();
        apply(&mut found, &["20-b.sh".to_owned()], &["20-b.sh".to_owned(), "10-a.sh".to_owned()]);
        assert_eq!(names(&found), ["20-b.sh", "10-a.sh", "30-c.sh"]);
        assert_eq!(found.iter().map(|script| script.on).collect::<Vec<_>>(), [true, false, false]);
    }

    #[test]
    fn a_script_is_described_by_its_first_comment() {
        assert_eq!(first_comment("#!/bin/sh\n# Installs nginx.\nset -e").as_deref(), Some("Installs nginx."));
        assert_eq!(first_comment("#!/bin/sh\nset -e\n# later"), None);
        assert_eq!(first_comment(""), None);
    }
}
