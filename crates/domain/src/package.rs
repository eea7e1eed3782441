//! Packages and the managers that install them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

mod grammar;
pub mod list;
pub mod paste;

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

    /// The manager that the operating system of an OS template comes with, by the name that Proxmox's catalogue gives its file; none where
    /// that does not tell.
    pub fn of_os_template(volid: &str) -> Option<Self> {
        let file = volid.rsplit('/').next().unwrap_or(volid);
        let system = file.split(['-', '_']).next().unwrap_or(file);
        match system {
            "debian" | "ubuntu" | "devuan" => Some(Self::Apt),
            "alpine" => Some(Self::Apk),
            "fedora" | "rockylinux" | "almalinux" | "centos" | "openeuler" => Some(Self::Dnf),
            "archlinux" => Some(Self::Pacman),
            _ => None,
        }
    }

    /// Whether it is a distribution's own, of which a container has exactly one.
    pub const fn is_system(self) -> bool {
        !matches!(self, Self::Npm | Self::Pip)
    }

    /// What stands between name and version in a list.
    const fn version_separator(self) -> &'static str {
        match self {
            Self::Npm => "@",
            Self::Pip => "==",
            _ => "=",
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
    #[error("\"{}\" is not a package name for {manager}: {}", shown(name), why_not(*manager, name))]
    Name {
        /// The manager asked.
        manager: PackageManager,
        /// What was given.
        name: String,
    },
    /// The version.
    #[error(
        "\"{}\" is not a version that {manager} can be asked for: write an exact one, or none",
        shown(version)
    )]
    Version {
        /// The manager asked.
        manager: PackageManager,
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
        match version {
            Some(version) if !manager.accepts_version(version) => {
                Err(InvalidPackage::Version { manager, version: version.into() })
            }
            _ => Ok(Self { manager, name: name.into(), version: version.map(Into::into) }),
        }
    }

    /// Reads a line of a package list: `name` or `name=version` (npm: `name@version`, pip: `name==version`).
    pub fn parse(manager: PackageManager, line: &str) -> Result<Self, InvalidPackage> {
        // An npm scope starts with the character that separates the version.
        let scope = usize::from(line.starts_with('@'));
        match line[scope..].split_once(manager.version_separator()) {
            Some((name, version)) => Self::new(manager, &line[..scope + name.len()], Some(version)),
            None => Self::new(manager, line, None),
        }
    }

    /// The same, as [`Self::parse`] reads it.
    pub fn notation(&self) -> String {
        match &self.version {
            Some(version) => format!("{}{}{version}", self.name, self.manager.version_separator()),
            None => self.name.clone(),
        }
    }

    /// With another version, or none.
    pub fn with_version(&self, version: Option<&str>) -> Result<Self, InvalidPackage> {
        Self::new(self.manager, &self.name, version)
    }

    /// Whether both name the same package, whatever the version. Python's names are compared as PEP 503 says.
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.key() == other.key()
    }

    fn key(&self) -> (PackageManager, String) {
        let name = match self.manager {
            PackageManager::Pip => {
                let name = self.name.to_ascii_lowercase();
                name.split(['-', '_', '.']).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
            }
            _ => self.name.clone(),
        };
        (self.manager, name)
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

/// A refused text as a message shows it: short, and with what cannot be seen made visible.
fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(60).flat_map(char::escape_debug).collect();
    if text.chars().nth(60).is_some() {
        shown.push('…');
    }
    shown
}

fn why_not(manager: PackageManager, name: &str) -> String {
    match name.chars().find(|character| !character.is_ascii()) {
        Some(foreign) => {
            format!("it holds the character U+{:04X}, which no package name has", u32::from(foreign))
        }
        None => manager.naming_rule().into(),
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
        use PackageManager::{Apk, Apt, Dnf, Npm, Pacman, Pip};
        for (manager, name, valid) in [
            (Apt, "nginx", true),
            (Apt, "libstdc++6:amd64", true),
            (Apt, "--reinstall", false),
            (Apt, "Nginx", false),
            (Apt, "nginx; reboot", false),
            (Apt, "./local.deb", false),
            (Apt, "nginх", false),
            (Apt, "nginx\0", false),
            (Apt, "nginx\n", false),
            (Apt, "x:-y", false),
            (Apt, "ufw-", false),
            (Apt, "openssh-server-", false),
            (Apt, "sudo:any-", false),
            (Apt, "ufw-:amd64", false),
            (Apt, "g++", true),
            (Apt, "g++-12", true),
            (Apk, "!ufw", false),
            (Dnf, "-ufw", false),
            (Dnf, "@group", false),
            (Pacman, "!ufw", false),
            (Apk, "py3-pip", true),
            (Npm, "@scope/name", true),
            (Npm, "../evil", false),
            (Pip, "ruamel.yaml", true),
            (Pip, "uvicorn[standard,test]", true),
            (Pip, "uvicorn[]", false),
            (Pip, "uvicorn]", false),
            (Pip, "[standard]", false),
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

    #[test]
    fn versions_follow_each_managers_grammar() {
        use PackageManager::{Apk, Apt, Dnf, Npm, Pip};
        for (manager, version, valid) in [
            (Apt, "1:1.22.1-9+deb12u1~bpo", true),
            (Apt, "1!2", false),
            (Apt, "1-", false),
            (Apt, "1.2+", true),
            (Dnf, "1-", false),
            (Apk, "1.2.3_p1-r0", true),
            (Dnf, "2:1.2^20240101-3.el9", true),
            (Npm, "^5.0.0", true),
            (Npm, "latest", true),
            (Npm, ">=5", false),
            (Pip, "1!2.0.post1+local", true),
            (Pip, "", false),
            (Pip, "-1", false),
        ] {
            assert_eq!(manager.accepts_version(version), valid, "{manager} {version}");
        }
    }

    #[test]
    fn what_looks_like_a_letter_and_is_none_is_named() {
        let message = Package::parse(PackageManager::Apt, "nginх").unwrap_err().to_string();
        assert!(message.contains("U+0445"), "{message}");
        let long = Package::parse(PackageManager::Apt, &"x;\0".repeat(1000)).unwrap_err().to_string();
        assert!(long.chars().count() < 300 && long.contains("\\0") && !long.contains('\0'), "{long}");
    }

    #[test]
    fn an_os_template_tells_its_manager() {
        for (os_template, manager) in [
            ("local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst", Some(PackageManager::Apt)),
            ("local:vztmpl/alpine-3.22-default_20250617_amd64.tar.xz", Some(PackageManager::Apk)),
            ("nas:vztmpl/rockylinux-9-default_20240912_amd64.tar.xz", Some(PackageManager::Dnf)),
            ("local:vztmpl/archlinux-base_20240911-1_amd64.tar.zst", Some(PackageManager::Pacman)),
            ("local:vztmpl/opensuse-15.6-default_20240910_amd64.tar.xz", None),
            ("local:vztmpl/mine.tar.zst", None),
            ("", None),
        ] {
            assert_eq!(PackageManager::of_os_template(os_template), manager, "{os_template}");
        }
    }

    proptest! {
        #[test]
        fn an_accepted_argument_is_one_harmless_word(line in "\\PC{0,40}") {
            for manager in PackageManager::ALL {
                if let Ok(package) = Package::parse(manager, &line) {
                    let again = Package::parse(manager, &package.notation());
                    prop_assert_eq!(again.as_ref(), Ok(&package));
                    let argument = package.argument();
                    prop_assert!(!argument.starts_with('-'));
                    // apt-get removes it instead.
                    prop_assert!(manager != PackageManager::Apt || !argument.ends_with('-'));
                    prop_assert!(!argument.contains([' ', ';', '$', '`', '\'', '"', '|', '&', '<', '>', '\\', '*', '?']));
                }
            }
        }
    }
}
