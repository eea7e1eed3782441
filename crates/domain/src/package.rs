//! Packages and the managers that install them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A program that installs packages inside a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PackageManager {
    /// Debian and Ubuntu.
    Apt,
    /// Alpine.
    Apk,
    /// Fedora, Rocky, Alma.
    Dnf,
    /// Arch.
    Pacman,
    /// Node.js packages, installed globally.
    Npm,
    /// Python packages.
    Pip,
}

impl PackageManager {
    /// All managers, in the order in which they run: the system's own first.
    pub const ALL: [Self; 6] = [Self::Apt, Self::Apk, Self::Dnf, Self::Pacman, Self::Npm, Self::Pip];

    /// The command's name, which is also the suffix of a package list in a container template.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Apt => "apt",
            Self::Apk => "apk",
            Self::Dnf => "dnf",
            Self::Pacman => "pacman",
            Self::Npm => "npm",
            Self::Pip => "pip",
        }
    }

    /// Whether `name` fits the manager's own grammar, so that it can never be read as an option or a path.
    ///
    /// Debian Policy 5.6.1 (apt), Alpine's apk-package(5), RPM and pacman names, npm's package-name rules, PEP 508.
    pub fn accepts(self, name: &str) -> bool {
        let plain = |extra: &str| {
            name.starts_with(|first: char| first.is_ascii_alphanumeric())
                && name
                    .chars()
                    .all(|character| character.is_ascii_alphanumeric() || extra.contains(character))
        };
        if name.is_empty() || name.len() > 214 {
            return false;
        }
        match self {
            Self::Apt => {
                let (package, architecture) = name.split_once(':').unwrap_or((name, "any"));
                plain("+-.:")
                    && package.len() >= 2
                    && !package.chars().any(|character| character.is_ascii_uppercase())
                    && !architecture.is_empty()
                    && architecture
                        .chars()
                        .all(|character| character.is_ascii_alphanumeric() || character == '-')
            }
            Self::Apk | Self::Dnf | Self::Pacman => plain("+-._@") && !name.contains(".."),
            Self::Npm => {
                let bare =
                    name.strip_prefix('@').and_then(|scoped| scoped.split_once('/')).unwrap_or(("x", name));
                [bare.0, bare.1].iter().all(|part| {
                    part.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit())
                        && part.chars().all(|character| {
                            character.is_ascii_lowercase()
                                || character.is_ascii_digit()
                                || "-._~".contains(character)
                        })
                })
            }
            Self::Pip => plain("-._") && name.ends_with(|last: char| last.is_ascii_alphanumeric()),
        }
    }
}

impl fmt::Display for PackageManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for PackageManager {
    type Err = UnknownPackageManager;
    fn from_str(text: &str) -> Result<Self, UnknownPackageManager> {
        Self::ALL
            .into_iter()
            .find(|manager| manager.name() == text)
            .ok_or_else(|| UnknownPackageManager(text.into()))
    }
}

/// A package manager that Berth does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown package manager \"{0}\": use apt, apk, dnf, pacman, npm or pip")]
pub struct UnknownPackageManager(String);

/// A package, with a version where one is asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "RawPackage")]
pub struct Package {
    manager: PackageManager,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
}

#[derive(Deserialize)]
struct RawPackage {
    manager: PackageManager,
    name: String,
    #[serde(default)]
    version: Option<String>,
}

/// A name or version that the manager's grammar refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPackage {
    /// The name.
    #[error("\"{name}\" is not a package name for {manager}")]
    Name {
        /// The manager asked.
        manager: PackageManager,
        /// What was given.
        name: String,
    },
    /// The version.
    #[error("\"{version}\" is not a version")]
    Version {
        /// What was given.
        version: String,
    },
}

impl Package {
    /// A package whose name and version fit the manager's grammar.
    pub fn new(manager: PackageManager, name: &str, version: Option<&str>) -> Result<Self, InvalidPackage> {
        if !manager.accepts(name) {
            return Err(InvalidPackage::Name { manager, name: name.into() });
        }
        let is_version = |version: &str| {
            (1..=80).contains(&version.len())
                && version.starts_with(|first: char| first.is_ascii_alphanumeric())
                && version
                    .chars()
                    .all(|character| character.is_ascii_alphanumeric() || ".+-:~_!".contains(character))
        };
        match version {
            Some(version) if !is_version(version) => Err(InvalidPackage::Version { version: version.into() }),
            _ => Ok(Self { manager, name: name.into(), version: version.map(Into::into) }),
        }
    }

    /// Reads a line of a package list: `name` or `name=version` (npm: `name@version`, pip: `name==version`).
    pub fn parse(manager: PackageManager, line: &str) -> Result<Self, InvalidPackage> {
        let separator = match manager {
            PackageManager::Npm => "@",
            PackageManager::Pip => "==",
            _ => "=",
        };
        // An npm scope starts with the character that separates the version.
        let scope = usize::from(line.starts_with('@'));
        match line[scope..].split_once(separator) {
            Some((name, version)) => Self::new(manager, &line[..scope + name.len()], Some(version)),
            None => Self::new(manager, line, None),
        }
    }

    /// The manager that installs it.
    pub const fn manager(&self) -> PackageManager {
        self.manager
    }

    /// The bare name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The version asked for, if any.
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// The argument that the manager's install command takes.
    pub fn argument(&self) -> String {
        match (&self.version, self.manager) {
            (None, _) => self.name.clone(),
            (Some(version), PackageManager::Npm) => format!("{}@{version}", self.name),
            (Some(version), PackageManager::Pip) => format!("{}=={version}", self.name),
            (Some(version), PackageManager::Dnf) => format!("{}-{version}", self.name),
            (Some(version), _) => format!("{}={version}", self.name),
        }
    }
}

impl TryFrom<RawPackage> for Package {
    type Error = InvalidPackage;
    fn try_from(raw: RawPackage) -> Result<Self, InvalidPackage> {
        Self::new(raw.manager, &raw.name, raw.version.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_follow_each_managers_grammar() {
        use PackageManager::{Apk, Apt, Npm, Pip};
        for (manager, name, valid) in [
            (Apt, "nginx", true),
            (Apt, "libstdc++6:amd64", true),
            (Apt, "--reinstall", false),
            (Apt, "Nginx", false),
            (Apt, "nginx; reboot", false),
            (Apt, "./local.deb", false),
            (Apk, "py3-pip", true),
            (Npm, "@scope/name", true),
            (Npm, "../evil", false),
            (Pip, "ruamel.yaml", true),
            (Pip, "-r", false),
        ] {
            assert_eq!(manager.accepts(name), valid, "{manager} {name}");
        }
    }

    #[test]
    fn versions_are_read_in_each_managers_notation() {
        let argument = |manager, line: &str| Package::parse(manager, line).map(|package| package.argument());
        assert_eq!(argument(PackageManager::Apt, "nginx=1.22.1-9"), Ok("nginx=1.22.1-9".into()));
        assert_eq!(argument(PackageManager::Npm, "@a/b@1.2.3"), Ok("@a/b@1.2.3".into()));
        assert_eq!(argument(PackageManager::Pip, "rich==13.0"), Ok("rich==13.0".into()));
        assert!(argument(PackageManager::Apt, "nginx=$(reboot)").is_err());
    }

    proptest! {
        #[test]
        fn an_accepted_argument_is_one_harmless_word(line in "\\PC{0,40}") {
            for manager in PackageManager::ALL {
                if let Ok(package) = Package::parse(manager, &line) {
                    let argument = package.argument();
                    prop_assert!(!argument.starts_with('-'));
                    prop_assert!(!argument.contains([' ', ';', '$', '`', '\'', '"', '|', '&', '<', '>', '\\', '*', '?']));
                }
            }
        }
    }
}
