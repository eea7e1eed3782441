//! Lists in which each package is once.

use std::collections::HashMap;

use super::{Package, PackageManager};

/// Packages of any managers, each once: a second mention may only name another version.
#[derive(Clone, Debug, Default)]
pub struct PackageList {
    packages: Vec<Package>,
    places: HashMap<(PackageManager, String), usize>,
}

/// What adding a package to a list did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// It was not there.
    New,
    /// It was there, with the same version or none asked for now.
    Known,
    /// It was there and has another version now.
    OtherVersion,
}

impl PackageList {
    /// Adds a package. One that is there already takes the version named last; naming none takes no version away.
    pub fn add(&mut self, package: Package) -> Added {
        match self.places.get(&package.key()) {
            None => {
                self.places.insert(package.key(), self.packages.len());
                self.packages.push(package);
                Added::New
            }
            Some(_) if package.version.is_none() => Added::Known,
            Some(&place) if self.packages[place].version == package.version => Added::Known,
            Some(&place) => {
                self.packages[place].version = package.version;
                Added::OtherVersion
            }
        }
    }

    /// Whether a package is there, whatever its version.
    pub fn contains(&self, package: &Package) -> bool {
        self.places.contains_key(&package.key())
    }

    /// The packages in the order in which they were first named.
    pub fn into_packages(self) -> Vec<Package> {
        self.packages
    }

    /// The same by manager, in the order in which the managers run.
    pub fn by_manager(packages: &[Package]) -> Vec<(PackageManager, Vec<&Package>)> {
        let of = |manager| packages.iter().filter(|package| package.manager == manager).collect::<Vec<_>>();
        let groups = PackageManager::ALL.into_iter().map(|manager| (manager, of(manager)));
        groups.filter(|(_, packages)| !packages.is_empty()).collect()
    }
}

impl Extend<Package> for PackageList {
    fn extend<I: IntoIterator<Item = Package>>(&mut self, packages: I) {
        for package in packages {
            self.add(package);
        }
    }
}

impl FromIterator<Package> for PackageList {
    fn from_iter<I: IntoIterator<Item = Package>>(packages: I) -> Self {
        let mut list = Self::default();
        list.extend(packages);
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(manager: PackageManager, line: &str) -> Package {
        Package::parse(manager, line).unwrap()
    }

    #[test]
    fn the_version_named_last_counts_and_naming_none_takes_none_away() {
        let mut list = PackageList::default();
        let mut add = |line| list.add(package(PackageManager::Apt, line));
        assert_eq!(add("nginx"), Added::New);
        assert_eq!(add("nginx=1.2"), Added::OtherVersion);
        assert_eq!(add("nginx=1.3"), Added::OtherVersion);
        assert_eq!(add("nginx=1.3"), Added::Known);
        assert_eq!(add("nginx"), Added::Known);
        assert_eq!(add("curl"), Added::New);
        assert!(list.contains(&package(PackageManager::Apt, "curl=1")));
        assert!(!list.contains(&package(PackageManager::Npm, "curl")));
        assert_eq!(
            list.into_packages().iter().map(Package::notation).collect::<Vec<_>>(),
            ["nginx=1.3", "curl"]
        );
    }

    #[test]
    fn the_same_name_of_another_manager_is_another_package() {
        let list: PackageList = [
            package(PackageManager::Npm, "nginx"),
            package(PackageManager::Apt, "nginx"),
            package(PackageManager::Pip, "Ruamel_Yaml"),
            package(PackageManager::Pip, "ruamel.yaml==1"),
        ]
        .into_iter()
        .collect();
        let packages = list.into_packages();
        let groups: Vec<_> = PackageList::by_manager(&packages)
            .into_iter()
            .map(|(manager, packages)| (manager.name(), packages.len()))
            .collect();
        assert_eq!(groups, [("apt", 1), ("npm", 1), ("pip", 1)]);
        assert_eq!(packages[2].version(), Some("1"));
    }
}
