//! Step 3: packages on and off, and more of them.

use std::collections::BTreeMap;

use axum::response::{IntoResponse, Response};
use axum_extra::extract::Form;
use berth_domain::package::{Package, PackageManager};
use berth_operations::creation::{CreationForm, PackageChoice};
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
    let errors = FormErrors::from(opened.draft.form.package_errors());
    if errors.is_empty() {
        return Ok(opened.go_to(WizardStep::Scripts));
    }
    Ok(Rejected(page(&opened, &errors).await?).into_response())
}

fn apply(form: &mut CreationForm, ticked: &[String], extra: String) {
    for choice in &mut form.packages {
        choice.on = ticked.contains(&key(&choice.package));
    }
    form.extra_packages = extra;
}

/// How the page names a package: `manager:argument`.
fn key(package: &Package) -> String {
    format!("{}:{}", package.manager().name(), package.argument())
}

/// The page with its messages.
pub(super) async fn page(opened: &Opened, errors: &FormErrors) -> Result<PackagesStepPage, WebError> {
    let form = &opened.draft.form;
    Ok(PackagesStepPage {
        layout: opened.layout().await?,
        wizard: opened.wizard(WizardStep::Packages),
        groups: groups(&form.packages, &form.container_template),
        extra_manager: form.extra_manager.clone(),
        extra_packages: errors.field("extra_packages", &form.extra_packages),
    })
}

fn groups(choices: &[PackageChoice], container_template: &str) -> Vec<PackageGroup> {
    let mut by_manager: BTreeMap<PackageManager, Vec<PackageToggle>> = BTreeMap::new();
    for PackageChoice { package, on } in choices {
        let toggle = PackageToggle { value: key(package), name: package.argument(), on: *on };
        by_manager.entry(package.manager()).or_default().push(toggle);
    }
    let group = |(manager, packages): (PackageManager, _)| PackageGroup {
        title: manager.name().into(),
        note: format!("from {container_template}"),
        packages,
    };
    by_manager.into_iter().map(group).collect()
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
        let mut form = CreationForm { packages, ..CreationForm::default() };
        apply(&mut form, &["npm:nginx".to_owned()], "htop".into());
        assert_eq!(form.packages.iter().map(|choice| choice.on).collect::<Vec<_>>(), [false, true]);
        assert_eq!(form.extra_packages, "htop");
        let groups = groups(&form.packages, "nginx");
        assert_eq!(
            (groups[0].title.as_str(), groups[0].packages[0].value.as_str()),
            ("apt", "apt:nginx=1.22.1")
        );
    }
}
