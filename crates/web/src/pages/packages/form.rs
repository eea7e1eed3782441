//! What the form of a bucket sends, and how it is shown with what was read from it.

use std::collections::{BTreeMap, HashSet};

use berth_domain::PackageBucketId;
use berth_domain::package::{Package, PackageManager};
use berth_domain::package_bucket::PackageBucket;
use berth_operations::FieldErrors;
use berth_operations::package_buckets::{BucketForm, Listed, Read, TypedPackage};
use serde::Deserialize;

use super::view::{BucketFormPage, BucketGroup, BucketRow, ChangedMeanwhile, UnreadLines};
use crate::WebError;
use crate::extract::Call;
use crate::forms::{Field, FormErrors};
use crate::layout::{Layout, Section};

/// The fields as sent.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Sent {
    /// `add` to read the pasted list without saving.
    pub(super) go: String,
    name: String,
    revision: String,
    manager: String,
    paste: String,
    package: Vec<String>,
    version: Vec<String>,
    remove: Vec<String>,
}

impl From<Sent> for BucketForm {
    fn from(sent: Sent) -> Self {
        let removed: HashSet<String> = sent.remove.into_iter().collect();
        let versions = sent.version.into_iter().chain(std::iter::repeat(String::new()));
        let packages = sent.package.into_iter().zip(versions).map(|(key, version)| TypedPackage {
            removed: removed.contains(&key),
            key,
            version,
        });
        Self {
            name: sent.name,
            revision: sent.revision.parse().unwrap_or_default(),
            packages: packages.collect(),
            paste: sent.paste,
            manager: sent.manager,
        }
    }
}

/// A bucket's address.
pub(super) fn address(id: PackageBucketId) -> String {
    format!("/packages/{id}")
}

/// The frame of a page about buckets.
pub(super) async fn layout(call: &Call, title: impl Into<String>) -> Result<Layout, WebError> {
    Ok(call.layout(title, Section::Packages).await?.under("Packages", "/packages"))
}

/// The form with what was read from it. `bucket` is the one that is edited, if it is not a new one.
pub(super) fn page(
    layout: Layout,
    bucket: Option<PackageBucketId>,
    typed: &BucketForm,
    read: Read,
) -> BucketFormPage {
    let errors = FormErrors::from(read.errors.clone());
    BucketFormPage {
        layout,
        address: bucket.map(address),
        named: errors.field("name", &typed.name),
        revision: typed.revision,
        manager: errors.field("manager", &typed.manager),
        paste: errors.field("paste", &read.rest),
        unread: UnreadLines::of(&read.unread),
        count: read.packages.len(),
        groups: groups(read.listed),
        packages_error: errors.get("packages"),
        read: (read.added + read.versions > 0).then_some((read.added, read.versions)),
        changed: None,
        error_count: errors.len(),
    }
}

/// What a form says with the messages of an attempt to save it. Only read, it may still be without a name.
pub(super) fn with(typed: &BucketForm, errors: FieldErrors, only_reads: bool) -> Read {
    let read = typed.read();
    if !only_reads {
        return Read { errors, ..read };
    }
    let mut beside_list = FieldErrors::new();
    for field in ["packages", "paste", "manager"] {
        for message in read.errors.of(field) {
            beside_list.add(field, message);
        }
    }
    Read { errors: beside_list, ..read }
}

/// The form of a bucket as it is stored, or of a new one.
pub(super) fn untouched(layout: Layout, bucket: Option<&PackageBucket>) -> BucketFormPage {
    let typed = bucket.map_or_else(
        || BucketForm { manager: PackageManager::Apt.name().into(), ..BucketForm::default() },
        BucketForm::of,
    );
    let read = Read { errors: FieldErrors::new(), ..typed.read() };
    page(layout, bucket.map(|bucket| bucket.id), &typed, read)
}

/// How the stored bucket differs from what is about to be saved over it.
pub(super) fn changed(stored: &PackageBucket, typed: &Read) -> ChangedMeanwhile {
    let absent = |from: &[Package], of: &[Package]| {
        let rest = of.iter().filter(|package| !from.contains(package));
        rest.map(Package::notation).collect::<Vec<_>>().join(", ")
    };
    ChangedMeanwhile {
        at: stored.updated_at,
        name: stored.name.to_string(),
        only_stored: absent(&typed.packages, &stored.packages),
        only_typed: absent(&stored.packages, &typed.packages),
    }
}

fn groups(listed: Vec<Listed>) -> Vec<BucketGroup> {
    let mut by_manager: BTreeMap<Option<PackageManager>, Vec<BucketRow>> = BTreeMap::new();
    for (number, Listed { typed, error }) in (1..).zip(listed) {
        let (manager, name) = typed.key.split_once(':').unwrap_or(("", &typed.key));
        let row = BucketRow {
            id: format!("version-{number}"),
            name: name.to_owned(),
            version: Field { value: typed.version, error },
            removed: typed.removed,
            key: typed.key.clone(),
        };
        by_manager.entry(manager.parse().ok()).or_default().push(row);
    }
    let title = |manager: Option<PackageManager>| manager.map_or("unknown", PackageManager::name).to_owned();
    by_manager.into_iter().map(|(manager, rows)| BucketGroup { manager: title(manager), rows }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_as_they_were_sent() {
        let sent = Sent {
            package: vec!["apt:nginx".into(), "npm:@a/b".into()],
            version: vec!["1".into()],
            remove: vec!["npm:@a/b".into(), "apt:gone".into()],
            revision: "x".into(),
            ..Sent::default()
        };
        let form = BucketForm::from(sent);
        let rows: Vec<_> = form
            .packages
            .iter()
            .map(|typed| (typed.key.as_str(), typed.version.as_str(), typed.removed))
            .collect();
        assert_eq!(rows, [("apt:nginx", "1", false), ("npm:@a/b", "", true)]);
        assert_eq!(form.revision, 0);
    }

    #[test]
    fn rows_are_shown_by_manager() {
        let typed = |key: &str| Listed {
            typed: TypedPackage { key: key.into(), version: String::new(), removed: false },
            error: None,
        };
        let groups = groups(vec![typed("pip:rich"), typed("apt:nginx"), typed("pip:flask")]);
        let titles: Vec<_> = groups.iter().map(|group| (group.manager.as_str(), group.rows.len())).collect();
        assert_eq!(titles, [("apt", 1), ("pip", 2)]);
        assert_eq!(groups[1].rows[1].id, "version-3");
    }
}
