//! What each package manager takes as a name and as a version.

use super::PackageManager;

/// npm's bound for a name with its scope, the widest of all managers.
const LONGEST_NAME: usize = 214;
const LONGEST_VERSION: usize = 80;

fn alphanumeric_or(text: &str, extra: &str) -> bool {
    text.chars().all(|character| character.is_ascii_alphanumeric() || extra.contains(character))
}

fn starts_alphanumeric(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphanumeric())
}

impl PackageManager {
    /// Whether `name` fits the manager's own grammar, so that it can never be read as an option or a path.
    ///
    /// Debian Policy 5.6.1 (apt), Alpine's apk-package(5), RPM and PKGBUILD(5) names, npm's package-name rules, PEP 508 with its extras.
    pub fn accepts(self, name: &str) -> bool {
        (1..=LONGEST_NAME).contains(&name.len())
            && match self {
                Self::Apt => is_debian_name(name),
                Self::Apk | Self::Dnf | Self::Pacman => {
                    starts_alphanumeric(name) && alphanumeric_or(name, "+-._@") && !name.contains("..")
                }
                Self::Npm => is_npm_name(name),
                Self::Pip => is_requirement(name),
            }
    }

    /// Whether `version` is one that can be asked for exactly: Debian Policy 5.6.12, apk and pacman versions, RPM's version-release, npm's
    /// versions, ranges of one part and tags, PEP 440.
    pub fn accepts_version(self, version: &str) -> bool {
        let extra = match self {
            Self::Apt => ".+-:~",
            Self::Apk => ".+-_~",
            Self::Dnf => ".+-:_~^",
            Self::Pacman => ".+-:_~",
            Self::Npm => ".+-_",
            Self::Pip => ".+-_!",
        };
        let version = match self {
            Self::Npm => version.strip_prefix(['^', '~']).unwrap_or(version),
            _ => version,
        };
        (1..=LONGEST_VERSION).contains(&version.len())
            && starts_alphanumeric(version)
            && alphanumeric_or(version, extra)
            && !version.ends_with('-')
    }

    /// What a name looks like, for whoever typed one that does not.
    pub(super) const fn naming_rule(self) -> &'static str {
        match self {
            Self::Apt => {
                "its names have lower-case letters, digits and + - ., begin with a letter or a digit and do not end with -, which \
                 would remove the package"
            }
            Self::Apk | Self::Dnf | Self::Pacman => {
                "its names have letters, digits and + - . _ @ and begin with a letter or a digit"
            }
            Self::Npm => {
                "its names have lower-case letters, digits and - . _ ~, after @scope/ where there is one"
            }
            Self::Pip => "its names have letters, digits and - . _, and extras as in name[extra]",
        }
    }
}

/// What ends with `-` is removed by `apt-get install` (apt-get(8)).
fn is_debian_name(name: &str) -> bool {
    let (package, architecture) = name.split_once(':').unwrap_or((name, "any"));
    package.len() >= 2
        && starts_alphanumeric(package)
        && alphanumeric_or(package, "+-.")
        && !package.ends_with('-')
        && !package.chars().any(|character| character.is_ascii_uppercase())
        && !architecture.is_empty()
        && !architecture.starts_with('-')
        && !architecture.ends_with('-')
        && alphanumeric_or(architecture, "-")
}

fn is_npm_name(name: &str) -> bool {
    let (scope, bare) =
        name.strip_prefix('@').and_then(|scoped| scoped.split_once('/')).unwrap_or(("x", name));
    [scope, bare].iter().all(|part| {
        part.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit())
            && part.chars().all(|character| {
                character.is_ascii_lowercase() || character.is_ascii_digit() || "-._~".contains(character)
            })
    })
}

fn is_requirement(text: &str) -> bool {
    let is_name = |name: &str| {
        starts_alphanumeric(name)
            && alphanumeric_or(name, "-._")
            && name.ends_with(|last: char| last.is_ascii_alphanumeric())
    };
    match text.strip_suffix(']').map(|open| open.split_once('[')) {
        Some(Some((name, extras))) => is_name(name) && extras.split(',').all(is_name),
        Some(None) => false,
        None => is_name(text),
    }
}
