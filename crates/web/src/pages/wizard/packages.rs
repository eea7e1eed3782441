//! Step 3: packages and buckets on and off, and more of them.

use std::collections::{BTreeMap, HashSet};

use axum::response::{IntoResponse, Response};
use axum_extra::extract::Form;
use berth_domain::PackageBucketId;
use berth_domain::package::{Package, PackageManager};
use berth_domain::package_bucket::PackageBucket;
use berth_operations::creation::{BucketChoice, CreationForm, PackageChoice, ScriptChoice};
use berth_operations::{drafts, package_buckets};
use serde::Deserialize;

use super::draft::{Behind, Opened};
use super::view::{BucketState, BucketToggle, PackageGroup, PackageToggle, PackagesStepPage, WizardStep};
use crate::WebError;
use crate::forms::{FormErrors, Rejected};
use crate::pages::container_templates::package_lists;
use crate::pages::container_templates::view::PackageList;
use crate::pages::packages::view::UnreadLines;

/// Whose packages installers are shown as.
const CUSTOM: &str = "custom";

pub(super) async fn show(opened: Opened) -> Result<PackagesStepPage, WebError> {
    page(&opened, &FormErrors::default()).await
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Typed {
    /// `back`, or `sum` to stay and see what will be installed.
    go: String,
    version: Option<i32>,
    packages: HashSet<String>,
    buckets: Vec<String>,
    /// The id of a bucket that is to be taken as it is now.
    renew: String,
    extra_packages: String,
}

pub(super) async fn submit(mut opened: Opened, Form(typed): Form<Typed>) -> Result<Response, WebError> {
    let stored = package_buckets::list(opened.call.ctx(), opened.call.user_id(), "").await?;
    let all_there = apply(&mut opened.draft.form, &typed, &stored);
    if let Err(errors) = drafts::fits(&opened.draft.form) {
        return Ok(Rejected(page(&opened, &errors.into()).await?).into_response());
    }
    if !opened.save(typed.version).await? {
        return Ok(Behind(page(&opened, &FormErrors::default()).await?).into_response());
    }
    if typed.go == "back" {
        return Ok(opened.go_to(WizardStep::Configure));
    }
    let mut errors = FormErrors::default();
    if !all_there {
        errors.add("buckets", "A bucket that you switched on was deleted in the meantime. The others are on");
    }
    let stays = typed.go == "sum" || !typed.renew.is_empty();
    if stays && errors.is_empty() {
        return Ok(opened.go_to(WizardStep::Packages));
    }
    for (field, messages) in opened.draft.form.chosen_packages().errors.iter() {
        errors.add(field, summary(messages));
    }
    if errors.is_empty() {
        return Ok(opened.go_to(WizardStep::Scripts));
    }
    Ok(Rejected(page(&opened, &errors).await?).into_response())
}

/// The lines themselves are listed beside the box.
fn summary(messages: &[String]) -> String {
    match messages {
        [message] => message.clone(),
        many => format!("{} lines could not be read: mend them or take them out", many.len()),
    }
}

/// False when a bucket was switched on that is not there any more.
fn apply(form: &mut CreationForm, typed: &Typed, stored: &[PackageBucket]) -> bool {
    for choice in &mut form.packages {
        choice.on = typed.packages.contains(&key(&choice.package));
    }
    for choice in &mut form.installers {
        choice.on = typed.packages.contains(&installer_key(&choice.name));
    }
    form.extra_packages.clone_from(&typed.extra_packages);
    let before = std::mem::take(&mut form.buckets);
    let mut all_there = true;
    for id in typed.buckets.iter().filter_map(|id| id.parse::<PackageBucketId>().ok()) {
        if form.buckets.iter().any(|other| other.id == id) {
            continue;
        }
        let chosen = before.iter().find(|choice| choice.id == id);
        let now = stored.iter().find(|bucket| bucket.id == id);
        let kept = chosen.filter(|_| now.is_none() || typed.renew != id.to_string()).cloned();
        match kept.or_else(|| now.map(BucketChoice::from)) {
            Some(choice) => form.buckets.push(choice),
            None => all_there = false,
        }
    }
    all_there
}

/// How the page names a package: `manager:argument`.
fn key(package: &Package) -> String {
    format!("{}:{}", package.manager().name(), package.argument())
}

/// An installer stands among the packages as one of a manager of its own.
fn installer_key(name: &str) -> String {
    format!("{CUSTOM}:{name}")
}

/// The page with its messages.
pub(super) async fn page(opened: &Opened, errors: &FormErrors) -> Result<PackagesStepPage, WebError> {
    let stored = package_buckets::list(opened.call.ctx(), opened.call.user_id(), "").await?;
    let form = &opened.draft.form;
    let chosen = form.chosen_packages();
    let sum = sum(form, &chosen.packages);
    Ok(PackagesStepPage {
        layout: opened.layout().await?,
        wizard: opened.wizard(WizardStep::Packages),
        groups: groups(form),
        problem: errors.get("installers"),
        buckets: buckets(&form.buckets, &stored),
        buckets_error: errors.get("buckets"),
        extra_manager: form.extra_manager.clone(),
        extra_packages: errors.field("extra_packages", &form.extra_packages),
        unread: UnreadLines::of(&chosen.unread),
        total: sum.iter().map(|list| list.names.len()).sum(),
        sum,
        warnings: form.package_warnings(),
    })
}

fn groups(form: &CreationForm) -> Vec<PackageGroup> {
    let mut by_manager: BTreeMap<PackageManager, Vec<PackageToggle>> = BTreeMap::new();
    for PackageChoice { package, on } in &form.packages {
        let toggle = PackageToggle { value: key(package), name: package.notation(), on: *on };
        by_manager.entry(package.manager()).or_default().push(toggle);
    }
    let note = format!("from {}", form.container_template_title);
    let group = |title: &str, packages| PackageGroup { title: title.into(), note: note.clone(), packages };
    let mut groups: Vec<PackageGroup> =
        by_manager.into_iter().map(|(manager, packages)| group(manager.name(), packages)).collect();
    if !form.installers.is_empty() {
        let toggle = |choice: &ScriptChoice| PackageToggle {
            value: installer_key(&choice.name),
            name: choice.name.clone(),
            on: choice.on,
        };
        groups.push(group(CUSTOM, form.installers.iter().map(toggle).collect()));
    }
    groups
}

/// Everything that is on, by manager.
fn sum(form: &CreationForm, packages: &[Package]) -> Vec<PackageList> {
    let mut lists = package_lists(packages);
    let on = form.installers.iter().filter(|choice| choice.on).map(|choice| choice.name.clone());
    let names: Vec<String> = on.collect();
    if !names.is_empty() {
        lists.push(PackageList { manager: CUSTOM.into(), names });
    }
    lists
}

/// The person's buckets, and those of the draft that are not there any more.
fn buckets(chosen: &[BucketChoice], stored: &[PackageBucket]) -> Vec<BucketToggle> {
    let there = stored.iter().map(|bucket| {
        let choice = chosen.iter().find(|choice| choice.id == bucket.id);
        let packages = choice.map_or(&bucket.packages, |choice| &choice.packages);
        let state = choice.map_or(BucketState::AsItIs, |choice| compared(&choice.packages, &bucket.packages));
        toggle(bucket.id, bucket.name.as_str(), packages, choice.is_some(), state)
    });
    let gone = chosen.iter().filter(|choice| stored.iter().all(|bucket| bucket.id != choice.id));
    let gone =
        gone.map(|choice| toggle(choice.id, &choice.name, &choice.packages, true, BucketState::Deleted));
    there.chain(gone).collect()
}

fn toggle(
    id: PackageBucketId,
    name: &str,
    packages: &[Package],
    on: bool,
    state: BucketState,
) -> BucketToggle {
    BucketToggle {
        id: id.to_string(),
        name: name.to_owned(),
        count: packages.len(),
        packages: package_lists(packages),
        on,
        state,
    }
}

fn compared(chosen: &[Package], now: &[Package]) -> BucketState {
    let only_in = |here: &[Package], there: &[Package]| {
        let only = here.iter().filter(|package| !there.contains(package));
        only.map(Package::notation).collect::<Vec<_>>().join(", ")
    };
    let (added, removed) = (only_in(now, chosen), only_in(chosen, now));
    if added.is_empty() && removed.is_empty() {
        BucketState::AsItIs
    } else {
        BucketState::Changed { added, removed }
    }
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;

    fn package(line: &str) -> Package {
        Package::parse(PackageManager::Apt, line).unwrap()
    }

    fn bucket(name: &str, lines: &[&str]) -> PackageBucket {
        PackageBucket {
            id: PackageBucketId::new(),
            name: name.parse().unwrap(),
            packages: lines.iter().map(|line| package(line)).collect(),
            revision: 1,
            created_at: OffsetDateTime::UNIX_EPOCH,
            updated_at: OffsetDateTime::UNIX_EPOCH,
        }
    }

    fn typed(buckets: &[&PackageBucket], renew: &str) -> Typed {
        Typed {
            buckets: buckets.iter().map(|bucket| bucket.id.to_string()).collect(),
            renew: renew.into(),
            ..Typed::default()
        }
    }

    #[test]
    fn what_is_not_ticked_is_off() {
        let choice =
            |manager, line| PackageChoice { package: Package::parse(manager, line).unwrap(), on: true };
        let packages =
            vec![choice(PackageManager::Apt, "nginx=1.22.1"), choice(PackageManager::Npm, "nginx")];
        let installers = ["nginx", "tool"].map(|name| ScriptChoice { name: name.into(), on: true }).into();
        let mut form = CreationForm { packages, installers, ..CreationForm::default() };
        let typed = Typed {
            packages: ["npm:nginx", "custom:tool"].map(str::to_owned).into(),
            extra_packages: "htop".into(),
            ..Typed::default()
        };
        assert!(apply(&mut form, &typed, &[]));
        assert_eq!(form.packages.iter().map(|choice| choice.on).collect::<Vec<_>>(), [false, true]);
        assert_eq!(form.installers.iter().map(|choice| choice.on).collect::<Vec<_>>(), [false, true]);
        assert_eq!(form.extra_packages, "htop");
        let lists = sum(&form, &form.chosen_packages().packages);
        let lists: Vec<_> = lists.iter().map(|list| (list.manager.as_str(), list.names.join(" "))).collect();
        assert_eq!(
            lists,
            [("apt", "htop".to_owned()), ("npm", "nginx".to_owned()), ("custom", "tool".to_owned())]
        );
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

    #[test]
    fn a_bucket_stays_as_it_was_chosen_until_it_is_renewed() {
        let mut web = bucket("Web", &["nginx", "curl"]);
        let mut form = CreationForm::default();
        assert!(apply(&mut form, &typed(&[&web, &web], ""), std::slice::from_ref(&web)));
        assert_eq!(form.buckets, [BucketChoice::from(&web)], "once, even if it is sent twice");

        (web.packages, web.revision) = (vec![package("nginx"), package("git")], 2);
        let stored = [web.clone()];
        apply(&mut form, &typed(&[&web], ""), &stored);
        assert_eq!(form.buckets[0].packages, [package("nginx"), package("curl")]);
        let shown = buckets(&form.buckets, &stored);
        assert_eq!(shown[0].state, BucketState::Changed { added: "git".into(), removed: "curl".into() });
        apply(&mut form, &typed(&[&web], &web.id.to_string()), &stored);
        assert_eq!(form.buckets, [BucketChoice::from(&web)]);
        assert_eq!(buckets(&form.buckets, &stored)[0].state, BucketState::AsItIs);
    }

    #[test]
    fn a_deleted_bucket_is_kept_while_it_is_on() {
        let (web, other) = (bucket("Web", &["nginx"]), bucket("Other", &["git"]));
        let mut form = CreationForm::default();
        apply(&mut form, &typed(&[&web], ""), std::slice::from_ref(&web));
        assert!(apply(&mut form, &typed(&[&web], &web.id.to_string()), &[]));
        let shown = buckets(&form.buckets, &[]);
        assert_eq!((shown.len(), shown[0].on, &shown[0].state), (1, true, &BucketState::Deleted));
        // One that was never on cannot be had any more.
        assert!(!apply(&mut form, &typed(&[&web, &other], ""), &[]));
        assert_eq!(form.buckets.len(), 1);
        assert!(apply(&mut form, &typed(&[], ""), &[]));
        assert!(buckets(&form.buckets, &[]).is_empty());
    }
}
