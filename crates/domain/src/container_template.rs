//! Berth's recipes for containers.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::ContainerTemplateId;
use crate::package::Package;

/// A recipe: defaults for the wizard, and the files, packages and scripts that make a useful container.
///
/// It comes whole, or as an [`Outline`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerTemplate<S = Script, F = TemplateFile> {
    /// Its name: the folder's on disk, else made from the title.
    pub name: String,
    /// Shown to people.
    pub title: String,
    /// One or two sentences on what one gets.
    pub description: String,
    /// Tags to search by; also given to the container.
    pub tags: Vec<String>,
    /// What the wizard fills in.
    pub defaults: Defaults,
    /// Packages by manager.
    pub packages: Vec<Package>,
    /// Installers for what no package manager has, by the name of what they install; see [`is_installer_name`].
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    pub installers: Vec<S>,
    /// Scripts in the order in which they run.
    pub scripts: Vec<S>,
    /// Files put in place before packages and scripts.
    pub files: Vec<F>,
}

/// All of a container template but what is in its scripts and files.
pub type Outline = ContainerTemplate<ScriptOutline, FileOutline>;

impl<S, F> ContainerTemplate<S, F> {
    /// The same with other forms of its installers, scripts and files.
    pub fn with<S2, F2>(
        self,
        installers: Vec<S2>,
        scripts: Vec<S2>,
        files: Vec<F2>,
    ) -> ContainerTemplate<S2, F2> {
        let Self { name, title, description, tags, defaults, packages, .. } = self;
        ContainerTemplate { name, title, description, tags, defaults, packages, installers, scripts, files }
    }
}

/// A container template as Berth keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored<R = Outline> {
    /// The row's id.
    pub id: ContainerTemplateId,
    /// Whether it was written by the person who asks; else it was found on disk and is everybody's.
    pub own: bool,
    /// Counts its edits, from 1.
    pub version: i32,
    /// When it was last changed.
    pub updated_at: OffsetDateTime,
    /// What it is.
    pub recipe: R,
}

/// What a list shows of a container template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The row's id.
    pub id: ContainerTemplateId,
    /// Whether it was written by the person who asks; else it was found on disk and is everybody's.
    pub own: bool,
    /// Its name.
    pub name: String,
    /// Its title.
    pub title: String,
    /// What one gets.
    pub description: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// How many packages it installs.
    pub packages: usize,
    /// How many scripts it runs.
    pub scripts: usize,
    /// How many files it brings.
    pub files: usize,
    /// When it was last changed.
    pub updated_at: OffsetDateTime,
}

/// Which container template a creation was made from, as it was called then: history, also once it is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The row's id; none where it was gone before container templates had ids.
    pub id: Option<ContainerTemplateId>,
    /// Its name.
    pub name: String,
    /// Its title.
    pub title: String,
}

/// What a content is known by: its SHA-256.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ContentHash(String);

impl ContentHash {
    /// 64 lower-case hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ContentHash {
    type Err = InvalidContentHash;
    fn from_str(text: &str) -> Result<Self, InvalidContentHash> {
        let is_hash = text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if is_hash { Ok(Self(text.into())) } else { Err(InvalidContentHash) }
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ContentHash {
    type Error = InvalidContentHash;
    fn try_from(text: String) -> Result<Self, InvalidContentHash> {
        text.parse()
    }
}

impl From<ContentHash> for String {
    fn from(hash: ContentHash) -> Self {
        hash.0
    }
}

/// A text that is no SHA-256 in lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no SHA-256 in 64 lower-case hexadecimal digits")]
pub struct InvalidContentHash;

/// The wizard's starting values; absent means Berth's own default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Defaults {
    /// CPU cores.
    pub cores: Option<u32>,
    /// Memory in MiB.
    pub memory: Option<u32>,
    /// Swap in MiB.
    pub swap: Option<u32>,
    /// Root disk in GiB.
    pub disk: Option<u32>,
    /// `nesting`.
    pub nesting: Option<bool>,
    /// `keyctl`.
    pub keyctl: Option<bool>,
    /// `fuse`.
    pub fuse: Option<bool>,
    /// Unprivileged container.
    pub unprivileged: Option<bool>,
    /// The kind of OS template preferred, such as `debian`.
    pub ostype: Option<String>,
}

/// A shell script that runs inside the container: one of its scripts, or an installer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    /// The file's name, such as `10-install.sh`; of an installer the name of what it installs, such as `node-exporter`.
    pub name: String,
    /// Its text, run by `bash` where there is one and `sh` elsewhere, with Berth's helpers sourced.
    pub content: String,
}

/// Whether an installer may be called so: a letter or digit, then also `+`, `-`, `_` and `.`, at most 60 in all.
pub fn is_installer_name(name: &str) -> bool {
    (1..=60).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.chars().all(|character| character.is_ascii_alphanumeric() || "+-_.".contains(character))
}

/// What has a name, whole or as an outline.
pub trait Named {
    /// Its name.
    fn name(&self) -> &str;
}

impl Named for Script {
    fn name(&self) -> &str {
        &self.name
    }
}

impl Named for ScriptOutline {
    fn name(&self) -> &str {
        &self.name
    }
}

/// A script without its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptOutline {
    /// Its name.
    pub name: String,
    /// What it says of itself: the comment it begins with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// Bytes.
    pub size: u64,
    /// What its text is known by.
    pub sha256: ContentHash,
}

/// A file without its content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileOutline {
    /// Absolute path inside the container.
    pub path: FilePath,
    /// Permission bits.
    pub mode: u32,
    /// Its owner.
    pub owner: Owner,
    /// What happens to a file that is already there.
    pub policy: FilePolicy,
    /// Bytes.
    pub size: u64,
    /// What its content is known by.
    pub sha256: ContentHash,
}

impl Script {
    /// What it says of itself: the comment it begins with.
    pub fn about(&self) -> Option<String> {
        let line = self.content.lines().find(|line| !line.starts_with("#!"))?;
        let text = line.strip_prefix('#')?.trim();
        (!text.is_empty()).then(|| text.chars().take(200).collect())
    }
}

/// A file put into the container.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateFile {
    /// Absolute path inside the container.
    pub path: FilePath,
    /// Its content.
    #[serde(with = "base64_bytes")]
    pub content: Vec<u8>,
    /// Permission bits, such as `0o644`.
    pub mode: u32,
    /// `user` or `user:group`, by name or number, as `chown` takes it.
    pub owner: Owner,
    /// What happens to a file that is already there.
    pub policy: FilePolicy,
}

impl fmt::Debug for TemplateFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "TemplateFile({} {:o} {} {:?}, {} bytes)",
            self.path,
            self.mode,
            self.owner,
            self.policy,
            self.content.len()
        )
    }
}

/// What happens when the file exists already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FilePolicy {
    /// Overwrite it.
    #[default]
    Replace,
    /// Leave it alone: the file is only a default.
    Default,
    /// Keep the old one beside it, dated, then overwrite.
    Backup,
}

impl FromStr for FilePolicy {
    type Err = InvalidFile;
    fn from_str(text: &str) -> Result<Self, InvalidFile> {
        match text.trim() {
            "replace" => Ok(Self::Replace),
            "default" => Ok(Self::Default),
            "backup" => Ok(Self::Backup),
            _ => Err(InvalidFile::Policy),
        }
    }
}

/// Why a file's description is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFile {
    /// The path.
    #[error(
        "the path must be absolute, of at most 1024 bytes, without \"..\", \".\", empty parts or control characters, and name a file"
    )]
    Path,
    /// The owner.
    #[error("the owner must be a user or user:group, by name or number")]
    Owner,
    /// The mode.
    #[error("the mode must be three or four octal digits, such as 0644")]
    Mode,
    /// The policy.
    #[error("the policy must be replace, default or backup")]
    Policy,
}

/// Reads permission bits such as `0644`.
pub fn parse_mode(text: &str) -> Result<u32, InvalidFile> {
    let text = text.trim();
    if !(3..=4).contains(&text.len()) {
        return Err(InvalidFile::Mode);
    }
    u32::from_str_radix(text, 8).map_err(|_| InvalidFile::Mode)
}

/// An absolute path inside a container, without `..`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FilePath(String);

impl FilePath {
    /// The path, starting with `/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FilePath {
    type Err = InvalidFile;
    fn from_str(text: &str) -> Result<Self, InvalidFile> {
        let parts = text.strip_prefix('/').ok_or(InvalidFile::Path)?;
        let is_part = |part: &str| !part.is_empty() && part != "." && part != ".." && part.len() <= 255;
        if text.len() > 1024 || text.chars().any(char::is_control) || !parts.split('/').all(is_part) {
            return Err(InvalidFile::Path);
        }
        Ok(Self(text.into()))
    }
}

impl fmt::Display for FilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for FilePath {
    type Error = InvalidFile;
    fn try_from(text: String) -> Result<Self, InvalidFile> {
        text.parse()
    }
}

impl From<FilePath> for String {
    fn from(path: FilePath) -> Self {
        path.0
    }
}

/// A file's owner as `chown` takes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Owner(String);

impl Owner {
    /// `root:root`.
    pub fn root() -> Self {
        Self("root:root".into())
    }

    /// `user` or `user:group`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Owner {
    type Err = InvalidFile;
    fn from_str(text: &str) -> Result<Self, InvalidFile> {
        let text = text.trim();
        let is_name = |name: &str| {
            (1..=32).contains(&name.len())
                && name.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_')
                && name
                    .chars()
                    .all(|character| character.is_ascii_alphanumeric() || "_-.".contains(character))
        };
        let (user, group) = text.split_once(':').unwrap_or((text, "root"));
        if is_name(user) && is_name(group) { Ok(Self(text.into())) } else { Err(InvalidFile::Owner) }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Owner {
    type Error = InvalidFile;
    fn try_from(text: String) -> Result<Self, InvalidFile> {
        text.parse()
    }
}

impl From<Owner> for String {
    fn from(owner: Owner) -> Self {
        owner.0
    }
}

mod base64_bytes {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize as _, Deserializer, Serializer, de};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        STANDARD.decode(String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_cannot_climb() {
        for (path, valid) in [
            ("/etc/nginx/nginx.conf", true),
            ("/", false),
            ("etc/x", false),
            ("/etc/../shadow", false),
            ("/a//b", false),
            ("/a/", false),
            ("/a\nb", false),
            ("/srv/ä b", true),
        ] {
            assert_eq!(path.parse::<FilePath>().is_ok(), valid, "{path:?}");
        }
    }

    #[test]
    fn owners_are_names_or_numbers() {
        for (owner, valid) in [
            ("root", true),
            ("www-data:www-data", true),
            ("1000:1000", true),
            ("-R", false),
            ("a b", false),
            ("a:", false),
            ("$(id)", false),
        ] {
            assert_eq!(owner.parse::<Owner>().is_ok(), valid, "{owner:?}");
        }
    }

    #[test]
    fn a_script_is_described_by_its_first_comment() {
        let about = |content: &str| Script { name: "10-a.sh".into(), content: content.into() }.about();
        assert_eq!(about("#!/bin/sh\n# Installs nginx.\nset -e").as_deref(), Some("Installs nginx."));
        assert_eq!(about("#!/bin/sh\nset -e\n# later"), None);
        assert_eq!(about(""), None);
    }

    #[test]
    fn a_content_is_known_by_lower_case_digits() {
        for (text, valid) in [("0a".repeat(32), true), ("0A".repeat(32), false), ("0a".repeat(31), false)] {
            assert_eq!(text.parse::<ContentHash>().is_ok(), valid, "{text}");
        }
    }

    proptest! {
        #[test]
        fn content_survives_storage(content: Vec<u8>) {
            let file = TemplateFile { path: "/a".parse().unwrap(), content, mode: 0o600, owner: Owner::root(), policy: FilePolicy::Backup };
            let stored = serde_json::to_string(&file).unwrap();
            prop_assert_eq!(serde_json::from_str::<TemplateFile>(&stored).unwrap(), file);
        }
    }
}
