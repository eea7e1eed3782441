//! What is different in a container template that was read anew.

use std::collections::BTreeMap;

use berth_domain::container_template::Outline;
use berth_domain::package::Package;

/// So many differences are told one by one.
const MOST: usize = 8;

/// A container template that is different now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its name.
    pub name: String,
    /// What is different, such as `defaults`, `new package apt:htop` or `script 10-install.sh`; empty when what it was
    /// before cannot be read any more.
    pub what: Vec<String>,
}

pub(super) fn compared(old: Option<&Outline>, new: &Outline) -> Change {
    let mut what = old.map(|old| differences(old, new)).unwrap_or_default();
    if what.len() > MOST + 1 {
        let more = what.split_off(MOST).len();
        what.push(format!("{more} more"));
    }
    Change { name: new.name.clone(), what }
}

fn differences(old: &Outline, new: &Outline) -> Vec<String> {
    let single = [
        ("title", old.title != new.title),
        ("description", old.description != new.description),
        ("tags", old.tags != new.tags),
        ("defaults", old.defaults != new.defaults),
    ];
    let mut what: Vec<String> =
        single.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name.to_owned()).collect();
    let package = |package: &Package| format!("{}:{}", package.manager(), package.argument());
    listed(&mut what, "package", &old.packages, &new.packages, package);
    listed(&mut what, "installer", &old.installers, &new.installers, |script| script.name.clone());
    listed(&mut what, "script", &old.scripts, &new.scripts, |script| script.name.clone());
    listed(&mut what, "file", &old.files, &new.files, |file| file.path.to_string());
    what
}

/// New, changed and gone members of a list whose members have a key.
fn listed<T: PartialEq>(
    what: &mut Vec<String>,
    noun: &str,
    old: &[T],
    new: &[T],
    key: impl Fn(&T) -> String,
) {
    let told = what.len();
    let mut before: BTreeMap<String, &T> = old.iter().map(|member| (key(member), member)).collect();
    for member in new {
        let name = key(member);
        match before.remove(&name) {
            None => what.push(format!("new {noun} {name}")),
            Some(old) if old != member => what.push(format!("{noun} {name}")),
            Some(_) => {}
        }
    }
    what.extend(before.into_keys().map(|name| format!("{noun} {name} is gone")));
    if what.len() == told && old != new {
        what.push(format!("order of {noun}s"));
    }
}

#[cfg(test)]
mod tests {
    use berth_domain::container_template::{Defaults, ScriptOutline};
    use berth_domain::package::PackageManager;

    use super::*;

    fn recipe() -> Outline {
        let script = |name: &str| ScriptOutline {
            name: name.into(),
            about: None,
            size: 4,
            sha256: "0a".repeat(32).parse().unwrap(),
        };
        Outline {
            name: "web".into(),
            title: "Web".into(),
            description: String::new(),
            tags: Vec::new(),
            defaults: Defaults::default(),
            packages: vec![Package::new(PackageManager::Apt, "nginx", None).unwrap()],
            installers: Vec::new(),
            scripts: vec![script("10-a.sh"), script("20-b.sh")],
            files: Vec::new(),
        }
    }

    #[test]
    fn what_is_different_is_named() {
        let mut new = recipe();
        new.title = "Web server".into();
        new.packages = vec![Package::new(PackageManager::Apt, "nginx", Some("1.22")).unwrap()];
        new.scripts.remove(0);
        new.scripts[0].sha256 = "0b".repeat(32).parse().unwrap();
        assert_eq!(
            compared(Some(&recipe()), &new).what,
            [
                "title",
                "new package apt:nginx=1.22",
                "package apt:nginx is gone",
                "script 20-b.sh",
                "script 10-a.sh is gone"
            ]
        );
        let mut turned = recipe();
        turned.scripts.reverse();
        assert_eq!(compared(Some(&recipe()), &turned).what, ["order of scripts"]);
        assert_eq!(compared(None, &new).what, [""; 0]);
    }

    #[test]
    fn very_many_differences_are_counted() {
        let mut new = recipe();
        let more = (0..500)
            .map(|number| Package::new(PackageManager::Apt, &format!("package{number}"), None).unwrap());
        new.packages.extend(more);
        let what = compared(Some(&recipe()), &new).what;
        assert_eq!((what.len(), what.last().map(String::as_str)), (MOST + 1, Some("492 more")));
    }
}
