//! The packages that a wizard asks for: the container template's, those of buckets, and more.

use berth_domain::PackageBucketId;
use berth_domain::package::list::PackageList;
use berth_domain::package::paste::{self, Unread};
use berth_domain::package::{Package, PackageManager};
use berth_domain::package_bucket::PackageBucket;
use serde::{Deserialize, Serialize};

use super::CreationForm;
use crate::FieldErrors;
use crate::package_buckets::LONGEST_PASTE;

/// So many packages one container gets at most.
const MOST_PACKAGES: usize = 2000;

/// A package bucket that is switched on. Its packages are a copy, so that nothing is lost when the bucket is changed or deleted meanwhile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketChoice {
    /// The bucket's id.
    pub id: PackageBucketId,
    /// Its name then.
    pub name: String,
    /// Its revision then.
    pub revision: i32,
    /// Its packages then.
    pub packages: Vec<Package>,
}

impl From<&PackageBucket> for BucketChoice {
    fn from(bucket: &PackageBucket) -> Self {
        Self {
            id: bucket.id,
            name: bucket.name.to_string(),
            revision: bucket.revision,
            packages: bucket.packages.clone(),
        }
    }
}

/// All that is to be installed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChosenPackages {
    /// Each package once: a version of the extra packages counts before one of a bucket, and that before one of the container template.
    pub packages: Vec<Package>,
    /// What of the extra packages could not be read.
    pub unread: Vec<Unread>,
    /// What is wrong, beside `extra_packages`.
    pub errors: FieldErrors,
}

impl CreationForm {
    /// Everything that is on, merged.
    pub fn chosen_packages(&self) -> ChosenPackages {
        let mut chosen = ChosenPackages::default();
        let on = self.packages.iter().filter(|choice| choice.on).map(|choice| &choice.package);
        let of_buckets = self.buckets.iter().flat_map(|bucket| &bucket.packages);
        let mut list: PackageList = on.chain(of_buckets).cloned().collect();
        if self.extra_packages.len() > LONGEST_PASTE {
            let most = LONGEST_PASTE / 1024;
            chosen
                .errors
                .add("extra_packages", format!("this list is longer than {most} KiB: make it a bucket"));
        } else {
            let extra = paste::read(&self.extra_packages, self.manager());
            for unread in &extra.unread {
                chosen.errors.add("extra_packages", said(unread));
            }
            list.extend(extra.packages);
            chosen.unread = extra.unread;
        }
        chosen.packages = list.into_packages();
        if chosen.packages.len() > MOST_PACKAGES {
            let message = format!(
                "these are {} packages, and one container gets at most {MOST_PACKAGES}: take some out",
                chosen.packages.len()
            );
            chosen.errors.add("extra_packages", message);
        }
        chosen
    }

    /// The manager of extra packages that do not say theirs: that of the OS template's system.
    fn manager(&self) -> PackageManager {
        self.extra_manager.parse().unwrap_or(PackageManager::Apt)
    }

    /// What to think of before these packages are installed on the chosen OS template.
    pub fn package_warnings(&self) -> Vec<String> {
        let packages = self.chosen_packages().packages;
        let Some(system) = PackageManager::of_os_template(&self.os_template) else { return Vec::new() };
        let has = |manager: PackageManager| packages.iter().any(|package| package.manager() == manager);
        let file = self.os_template.rsplit('/').next().unwrap_or_default();
        let foreign =
            PackageManager::ALL.into_iter().filter(|manager| manager.is_system() && *manager != system);
        let mut warnings: Vec<String> = foreign
            .filter(|manager| has(*manager))
            .map(|manager| {
                if has(system) {
                    format!("{manager} packages are skipped: {file} installs with {system}")
                } else {
                    format!(
                        "{file} installs with {system} and has no {manager}: the creation would fail. Switch the {manager} packages off, or choose another OS template"
                    )
                }
            })
            .collect();
        // A stock OS template has neither.
        for (manager, names) in [
            (PackageManager::Npm, &["npm", "nodejs"][..]),
            (PackageManager::Pip, &["python3-pip", "py3-pip", "python-pip"]),
        ] {
            let brought =
                packages.iter().any(|package| package.manager() == system && names.contains(&package.name()));
            if has(manager) && !brought {
                let name = match (manager, system) {
                    (PackageManager::Npm, _) => "npm",
                    (_, PackageManager::Apk) => "py3-pip",
                    (_, PackageManager::Pacman) => "python-pip",
                    _ => "python3-pip",
                };
                warnings.push(format!(
                    "{manager} packages need {manager} in the container: add {system}:{name}, if neither the OS template nor a script brings it"
                ));
            }
        }
        warnings
    }
}

fn said(unread: &Unread) -> String {
    format!("line {}, \"{}\": {}", unread.line, unread.text, unread.reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::creation::PackageChoice;

    fn package(line: &str) -> Package {
        paste::read(line, PackageManager::Apt).packages.remove(0)
    }

    fn form(template: &[&str], bucket: &[&str], extra: &str) -> CreationForm {
        let packages = |lines: &[&str]| lines.iter().map(|line| package(line)).collect::<Vec<_>>();
        let bucket = BucketChoice {
            id: PackageBucketId::new(),
            name: "Web".into(),
            revision: 1,
            packages: packages(bucket),
        };
        CreationForm {
            packages: packages(template)
                .into_iter()
                .map(|package| PackageChoice { package, on: true })
                .collect(),
            buckets: vec![bucket],
            extra_packages: extra.into(),
            os_template: "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst".into(),
            ..CreationForm::default()
        }
    }

    fn chosen(form: &CreationForm) -> Vec<String> {
        form.chosen_packages().packages.iter().map(Package::notation).collect()
    }

    #[test]
    fn what_is_typed_counts_before_buckets_and_those_before_the_container_template() {
        let mut form = form(&["nginx=1", "curl", "git=1"], &["nginx=2", "jq"], "nginx=3\ngit");
        assert_eq!(chosen(&form), ["nginx=3", "curl", "git=1", "jq"]);
        form.extra_packages = String::new();
        form.packages[1].on = false;
        assert_eq!(chosen(&form), ["nginx=2", "git=1", "jq"]);
        form.buckets.clear();
        assert_eq!(chosen(&form), ["nginx=1", "git=1"]);
    }

    #[test]
    fn every_line_that_cannot_be_read_is_said() {
        let form = form(&[], &[], "htop\n; rm -rf /\n$(reboot)\n-y");
        let errors = form.chosen_packages().errors;
        let messages = errors.of("extra_packages");
        assert_eq!(messages.len(), 3, "{messages:?}");
        assert!(messages[0].starts_with("line 2, \"; rm -rf /\": "), "{messages:?}");
        let long = CreationForm { extra_packages: "htop\n".repeat(LONGEST_PASTE), ..form };
        assert_eq!(long.chosen_packages().errors.of("extra_packages").len(), 1);
    }

    #[test]
    fn five_hundred_packages_are_fine_and_more_than_two_thousand_are_not() {
        let names = |count: usize| (0..count).map(|n| format!("package-{n}")).collect::<Vec<_>>().join("\n");
        assert_eq!(form(&[], &[], &names(500)).chosen_packages().packages.len(), 500);
        assert!(form(&[], &[], &names(2000)).chosen_packages().errors.is_empty());
        assert!(!form(&[], &[], &names(2001)).chosen_packages().errors.is_empty());
    }

    #[test]
    fn what_does_not_apply_to_the_system_is_said() {
        let warned = |form: &CreationForm| form.package_warnings().join(" | ");
        assert_eq!(warned(&form(&["nginx"], &[], "")), "");
        let both = form(&["nginx", "apk:nginx"], &[], "");
        assert!(warned(&both).contains("apk packages are skipped"), "{}", warned(&both));
        let mut sole = form(&["nginx"], &[], "");
        sole.os_template = "local:vztmpl/alpine-3.22-default_20250617_amd64.tar.xz".into();
        assert!(warned(&sole).contains("the creation would fail"), "{}", warned(&sole));
        sole.os_template = "local:vztmpl/mine.tar.zst".into();
        assert_eq!(warned(&sole), "");
        let pip = form(&[], &["pip:rich"], "");
        assert!(warned(&pip).contains("add apt:python3-pip"), "{}", warned(&pip));
        assert_eq!(warned(&form(&["python3-pip"], &["pip:rich"], "")), "");
    }
}
