//! Step 3: packages on and off, and more of them.

use std::collections::BTreeMap;

use axum::response::{IntoResponse, Response};
use axum_extra::extract::Form;
use berth_domain::package::{Package, PackageManager};
use berth_operations::creation::{CreationForm, PackageChoice, ScriptChoice};
use serde::Deserialize;

use super::draft::Opened;
use super::view::{PackageGroup, PackageToggle, PackagesStepPage, WizardStep};
use crate::WebError;
use crate::forms::{FormErrors, Rejected};

pub(super) async fn show(opened: Opened) -> Result<PackagesStepPage, WebError> {
    page(&opened, &FormErrors::default()).await
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Typed {
    go: String,
    packages: Vec<String>,
    extra_packages: String,
}

pub(super) async fn submit(mut opened: Opened, Form(typed): Form<Typed>) -> Result<Response, WebError> {
    apply(&mut opened.draft.form, &typed.packages, typed.extra_packages);
    opened.save().await?;
    if typed.go == "back" {
        return Ok(opened.go_to(WizardStep::Configure));
    }
    let errors = FormErrors::from(opened.draft.form.chosen_packages().errors);
    if errors.is_empty() {
        return Ok(opened.go_to(WizardStep::Scripts));
    }
    Ok(Rejected(page(&opened, &errors).await?).into_response())
}

fn apply(form: &mut CreationForm, ticked: &[String], extra: String) {
    for choice in &mut form.packages {
        choice.on = ticked.contains(&key(&choice.package));
    }
    for choice in &mut form.installers {
        choice.on = ticked.contains(&installer_key(&choice.name));
    }
    form.extra_packages = extra;
}

/// How the page names a package: `manager:argument`.
fn key(package: &Package) -> String {
    format!("{}:{}", package.manager().name(), package.argument())
}

/// An installer stands among the packages as one of a manager of its own.
fn installer_key(name: &str) -> String {
    format!("custom:{name}")
}

/// The page with its messages.
pub(super) async fn page(opened: &Opened, errors: &FormErrors) -> Result<PackagesStepPage, WebError> {
    let form = &opened.draft.form;
    Ok(PackagesStepPage {
        layout: opened.layout().await?,
        wizard: opened.wizard(WizardStep::Packages),
        groups: groups(form),
        extra_manager: form.extra_manager.clone(),
        extra_packages: errors.field("extra_packages", &form.extra_packages),
    })
}

fn groups(form: &CreationForm) -> Vec<PackageGroup> {
    let mut by_manager: BTreeMap<PackageManager, Vec<PackageToggle>> = BTreeMap::new();
    for PackageChoice { package, on } in &form.packages {
        let toggle = PackageToggle { value: key(package), name: package.argument(), on: *on };
        by_manager.entry(package.manager()).or_default().push(toggle);
    }
    let note = format!("from {}", form.container_template);
    let group = |title: &str, packages| PackageGroup { title: title.into(), note: note.clone(), packages };
    let mut groups: Vec<PackageGroup> =
        by_manager.into_iter().map(|(manager, packages)| group(manager.name(), packages)).collect();
    if !form.installers.is_empty() {
        let toggle = |choice: &ScriptChoice| PackageToggle {
            value: installer_key(&choice.name),
            name: choice.name.clone(),
            on: choice.on,
        };
        groups.push(group("custom", form.installers.iter().map(toggle).collect()));
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_ticked_is_off() {
        let choice =
            |manager, line| PackageChoice { package: Package::parse(manager, line).unwrap(), on: true };
        let packages =
            vec![choice(PackageManager::Apt, "nginx=1.22.1"), choice(PackageManager::Npm, "nginx")];
        let installers = ["nginx", "tool"].map(|name| ScriptChoice { name: name.into(), on: true }).into();
        let mut form = CreationForm { packages, installers, ..CreationForm::default() };
        apply(&mut form, &["npm:nginx".to_owned(), "custom:tool".to_owned()], "htop".into());
        assert_eq!(form.packages.iter().map(|choice| choice.on).collect::<Vec<_>>(), [false, true]);
        assert_eq!(form.installers.iter().map(|choice| choice.on).collect::<Vec<_>>(), [false, true]);
        assert_eq!(form.extra_packages, "htop");
        let groups = groups(&form);
        assert_eq!(
            (groups[0].title.as_str(), groups[0].packages[0].value.as_str()),
            ("apt", "apt:nginx=1.22.1")
        );
        assert_eq!(
            (groups[2].title.as_str(), groups[2].packages[1].value.as_str()),
            ("custom", "custom:tool")
        );
    }
}
