//! A bucket as its form has it.

use berth_domain::package::list::{Added, PackageList};
use berth_domain::package::paste::{self, Unread};
use berth_domain::package::{Package, PackageManager};
use berth_domain::package_bucket::{BucketName, MOST_PACKAGES, PackageBucket};

use crate::FieldErrors;

/// A longer pasted text is refused, in bytes.
pub(crate) const LONGEST_PASTE: usize = 64 << 10;
/// So many packages a form lists at most, with those that are to be taken out: who has too many can see which.
const MOST_LISTED: usize = 2 * MOST_PACKAGES;

/// Everything that is typed for a bucket, as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BucketForm {
    /// Its name.
    pub name: String,
    /// The revision that the form was made from; 0 for a new bucket.
    pub revision: i32,
    /// The packages in its list.
    pub packages: Vec<TypedPackage>,
    /// A list to be read into it.
    pub paste: String,
    /// The manager of names in that list that do not say theirs.
    pub manager: String,
}

/// A package in the list of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypedPackage {
    /// Its manager and name as `apt:nginx`, which are not typed.
    pub key: String,
    /// Its version, or empty.
    pub version: String,
    /// Whether it is to be taken out.
    pub removed: bool,
}

impl TypedPackage {
    fn of(package: &Package) -> Self {
        Self {
            key: format!("{}:{}", package.manager(), package.name()),
            version: package.version().unwrap_or_default().into(),
            removed: false,
        }
    }

    fn read(&self) -> Result<Package, String> {
        let no_package = || "this is no package: reload the page".to_owned();
        let (manager, name) = self.key.split_once(':').ok_or_else(no_package)?;
        let manager: PackageManager = manager.parse().map_err(|_| no_package())?;
        let version = Some(self.version.trim()).filter(|version| !version.is_empty());
        Package::new(manager, name, version).map_err(|error| error.to_string())
    }
}

/// A package of the list and what is wrong with its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// As typed.
    pub typed: TypedPackage,
    /// What is wrong.
    pub error: Option<String>,
}

/// What a form says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Read {
    /// The packages of the list that stay and those of the pasted text, each once.
    pub packages: Vec<Package>,
    /// The list with what was read from the pasted text, as it is shown again.
    pub listed: Vec<Listed>,
    /// How many packages of the pasted text are new in the list.
    pub added: usize,
    /// How many packages of the list have the version that the pasted text names.
    pub versions: usize,
    /// What of the pasted text was not read.
    pub unread: Vec<Unread>,
    /// The pasted text without what was read.
    pub rest: String,
    /// What is wrong, beside `name`, `packages`, `paste` and `manager`.
    pub errors: FieldErrors,
}

impl BucketForm {
    /// A bucket as it is stored.
    pub fn of(bucket: &PackageBucket) -> Self {
        Self {
            name: bucket.name.to_string(),
            revision: bucket.revision,
            packages: bucket.packages.iter().map(TypedPackage::of).collect(),
            paste: String::new(),
            manager: PackageManager::Apt.name().into(),
        }
    }

    /// Reads the pasted text into the list and says what is wrong with the whole.
    pub fn read(&self) -> Read {
        let mut read = Read { rest: self.paste.clone(), ..Read::default() };
        if let Err(error) = self.name.parse::<BucketName>() {
            read.errors.add("name", error.to_string());
        }
        // No page lists so many.
        if self.packages.len() > MOST_LISTED {
            read.errors.add("packages", format!("a bucket holds {MOST_PACKAGES} packages: reload the page"));
            return read;
        }
        let mut list = PackageList::default();
        let mut kept = Vec::new();
        for typed in &self.packages {
            let package = typed.read();
            let error = package.as_ref().err().cloned().filter(|_| !typed.removed);
            if let Some(message) = &error {
                read.errors.add("packages", message.clone());
            }
            let Ok(package) = package else {
                read.listed.push(Listed { typed: typed.clone(), error });
                continue;
            };
            kept.push((package, typed.removed));
        }
        // What is taken out and pasted again stays in.
        list.extend(kept.iter().filter(|(_, removed)| !removed).map(|(package, _)| package.clone()));
        self.paste_into(&mut list, &mut read);
        kept.retain(|(package, removed)| *removed && !list.contains(package));
        let removed =
            kept.iter().map(|(package, _)| TypedPackage { removed: true, ..TypedPackage::of(package) });
        read.packages = list.into_packages();
        let shown = read.packages.iter().map(TypedPackage::of);
        read.listed.extend(shown.chain(removed).map(|typed| Listed { typed, error: None }));
        if read.packages.len() > MOST_PACKAGES {
            let message = format!(
                "these are {} packages, and a bucket holds {MOST_PACKAGES}: take some out, or make a second bucket",
                read.packages.len()
            );
            read.errors.add("packages", message);
        }
        read
    }

    fn paste_into(&self, list: &mut PackageList, read: &mut Read) {
        if self.paste.len() > LONGEST_PASTE {
            let most = LONGEST_PASTE / 1024;
            read.errors.add("paste", format!("this list is longer than {most} KiB: paste it in parts"));
            return;
        }
        let manager = match self.manager.parse() {
            Ok(manager) => manager,
            Err(error) => {
                let error: berth_domain::package::UnknownPackageManager = error;
                read.errors.add("manager", error.to_string());
                return;
            }
        };
        let pasted = paste::read(&self.paste, manager);
        if self.packages.len() + pasted.packages.len() > MOST_LISTED {
            let message = format!(
                "these are {} packages, and a bucket holds {MOST_PACKAGES}: paste fewer, or make a second bucket",
                pasted.packages.len()
            );
            read.errors.add("paste", message);
            return;
        }
        for package in pasted.packages {
            match list.add(package) {
                Added::New => read.added += 1,
                Added::OtherVersion => read.versions += 1,
                Added::Known => {}
            }
        }
        if !pasted.unread.is_empty() {
            let message = match pasted.unread.len() {
                1 => "one line could not be read: mend it or take it out".to_owned(),
                many => format!("{many} lines could not be read: mend them or take them out"),
            };
            read.errors.add("paste", message);
        }
        (read.unread, read.rest) = (pasted.unread, pasted.rest);
    }

    /// The name and what the form says, if nothing is wrong with either.
    pub(super) fn checked(&self) -> Result<(BucketName, Read), FieldErrors> {
        let read = self.read();
        match self.name.parse() {
            Ok(name) if read.errors.is_empty() => Ok((name, read)),
            _ => Err(read.errors),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(key: &str, version: &str, removed: bool) -> TypedPackage {
        TypedPackage { key: key.into(), version: version.into(), removed }
    }

    fn form(packages: Vec<TypedPackage>, paste: &str) -> BucketForm {
        BucketForm { name: "Web".into(), revision: 1, packages, paste: paste.into(), manager: "apt".into() }
    }

    fn lines(packages: &[Package]) -> Vec<String> {
        packages.iter().map(|package| format!("{}:{}", package.manager(), package.notation())).collect()
    }

    #[test]
    fn a_pasted_list_joins_the_one_that_is_there() {
        let listed = vec![typed("apt:nginx", " 1.2 ", false), typed("npm:typescript", "", false)];
        let read = form(listed, "nginx=1.3\nnpm:typescript\npip install rich").read();
        assert_eq!(lines(&read.packages), ["apt:nginx=1.3", "npm:typescript", "pip:rich"]);
        assert_eq!((read.added, read.versions, read.rest.as_str()), (1, 1, ""));
        assert!(read.errors.is_empty());
    }

    #[test]
    fn nothing_typed_is_lost_by_what_is_wrong() {
        let listed = vec![typed("apt:nginx", "$(x)", false), typed("apt:curl", "", true)];
        let wrong = BucketForm { name: " ".into(), ..form(listed, "git\nnginx; reboot") };
        let read = wrong.read();
        let fields: Vec<_> = read.errors.iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["name", "packages", "paste"]);
        assert_eq!(read.rest, "nginx; reboot");
        let shown: Vec<_> = read
            .listed
            .iter()
            .map(|listed| (listed.typed.key.as_str(), listed.typed.version.as_str(), listed.typed.removed))
            .collect();
        assert_eq!(shown, [("apt:nginx", "$(x)", false), ("apt:git", "", false), ("apt:curl", "", true)]);
        assert!(read.listed[0].error.is_some() && read.listed[1].error.is_none());
        assert!(wrong.checked().is_err());
    }

    #[test]
    fn what_is_taken_out_and_pasted_again_stays() {
        let read = form(vec![typed("apt:curl", "7", true)], "curl").read();
        assert_eq!(lines(&read.packages), ["apt:curl"]);
        assert_eq!(read.listed.len(), 1);
        assert!(form(vec![typed("apt:curl", "not a version", true)], "").read().errors.is_empty());
    }

    #[test]
    fn lists_are_bounded_and_forged_rows_refused() {
        let many: Vec<String> = (0..=MOST_PACKAGES).map(|number| format!("package-{number}")).collect();
        let fields = |form: BucketForm| {
            form.read().errors.iter().map(|(field, _)| field.to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(fields(form(vec![], &many.join("\n"))), ["packages"]);
        assert!(fields(form(vec![], &many[1..].join(" "))).is_empty());
        // Who has too many sees which, but not without end.
        let endless: Vec<String> = (0..=MOST_LISTED).map(|number| format!("package-{number}")).collect();
        let pasted = form(vec![], &endless.join(" "));
        assert_eq!(fields(pasted.clone()), ["paste"]);
        assert_eq!((pasted.read().listed, pasted.read().rest), (vec![], pasted.paste));
        let rows = |count: usize| {
            let row = |number| typed(&format!("apt:package-{number}"), "", number % 2 == 0);
            (0..count).map(row).collect::<Vec<_>>()
        };
        assert_eq!(form(rows(MOST_LISTED), "").read().listed.len(), MOST_LISTED);
        assert_eq!(fields(form(rows(MOST_LISTED + 1), "")), ["packages"]);
        let long = form(vec![], &"nginx\n".repeat(LONGEST_PASTE / 6 + 1));
        assert_eq!(
            (long.read().rest.len(), fields(long.clone())),
            (long.paste.len(), vec!["paste".to_owned()])
        );
        for key in ["nginx", "apt:; reboot", "make:nginx", ""] {
            assert_eq!(fields(form(vec![typed(key, "", false)], "")), ["packages"], "{key}");
        }
        assert_eq!(fields(BucketForm { manager: "make".into(), ..form(vec![], "x") }), ["manager"]);
    }
}
