//! A container template as it is typed, and what becomes of it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashSet};

use berth_domain::container_template::{
    ContainerTemplate, ContentHash, Defaults, FilePath, FilePolicy, Owner, Script, TemplateFile,
    is_installer_name, parse_mode,
};
use berth_domain::package::{Package, PackageManager};
use validator::ValidationError;

use super::super::contents::{LIST_LIMIT, MOST_PACKAGES};
use super::FILE_LIMIT;
use crate::FieldErrors;
use crate::creation::form::rules;

const SCRIPT_LIMIT: usize = 1 << 20;
pub(super) const FILES_LIMIT: usize = 50 << 20;
/// Members of one list.
pub(super) const MOST: usize = 500;
/// Lines of one list of packages that are told one by one.
const MOST_PROBLEMS: usize = 50;
/// A text up to this size is edited in the page; a larger one is replaced by a file.
const EDITABLE: usize = 256 << 10;

/// Everything the editor asks, as typed. Messages name single fields as this does, and members of lists by their place, as in `script_name.0`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// Shown to people; each of a person's own differs.
    pub title: String,
    /// What one gets.
    pub description: String,
    /// Separated by spaces, commas or semicolons.
    pub tags: String,
    /// CPU cores; empty for Berth's own default, as in all defaults.
    pub cores: String,
    /// Memory in MiB.
    pub memory: String,
    /// Swap in MiB.
    pub swap: String,
    /// Root disk in GiB.
    pub disk: String,
    /// Such as `debian`.
    pub ostype: String,
    /// `yes`, `no` or empty.
    pub unprivileged: String,
    /// `yes`, `no` or empty.
    pub nesting: String,
    /// `yes`, `no` or empty.
    pub keyctl: String,
    /// `yes`, `no` or empty.
    pub fuse: String,
    /// One a line, by manager.
    pub packages: BTreeMap<PackageManager, String>,
    /// What no package manager has.
    pub installers: Vec<TypedScript>,
    /// In the order in which they run.
    pub scripts: Vec<TypedScript>,
    /// Put in place before all else.
    pub files: Vec<TypedFile>,
}

/// A script as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypedScript {
    /// Its name.
    pub name: String,
    /// Its text.
    pub content: String,
}

/// A file as typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypedFile {
    /// Where it goes.
    pub path: String,
    /// Octal.
    pub mode: String,
    /// `user:group`.
    pub owner: String,
    /// `replace`, `default` or `backup`.
    pub policy: String,
    /// What is in it.
    pub content: FileContent,
}

/// What is in a typed file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileContent {
    /// A text that is edited in the page.
    Text(String),
    /// Bytes that are kept: stored before, or uploaded with this form.
    Kept {
        /// What they are known by.
        sha256: String,
        /// How many, only to be shown.
        size: u64,
    },
}

impl TypedFile {
    /// A file with the usual mode, owner and policy.
    pub fn new(path: impl Into<String>, content: FileContent) -> Self {
        Self {
            path: path.into(),
            mode: "0644".into(),
            owner: "root:root".into(),
            policy: "replace".into(),
            content,
        }
    }
}

/// The text, if a page can show it and a browser sends it back as it is: no binary, no other line ends than Unix's, and not too long.
pub fn is_editable(content: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(content).ok().filter(|text| text.len() <= EDITABLE)?;
    (!text.contains(['\0', '\r'])).then_some(text)
}

const fn yes_no(flag: Option<bool>) -> &'static str {
    match flag {
        Some(true) => "yes",
        Some(false) => "no",
        None => "",
    }
}

impl Form {
    /// What leads to this container template again.
    pub fn of(recipe: &ContainerTemplate) -> Self {
        let number = |value: Option<u32>| value.map(|value| value.to_string()).unwrap_or_default();
        let defaults = &recipe.defaults;
        let mut packages: BTreeMap<PackageManager, String> = BTreeMap::new();
        for package in &recipe.packages {
            let list = packages.entry(package.manager()).or_default();
            list.push_str(&package.argument());
            list.push('\n');
        }
        let script =
            |script: &Script| TypedScript { name: script.name.clone(), content: script.content.clone() };
        Self {
            title: recipe.title.clone(),
            description: recipe.description.clone(),
            tags: recipe.tags.join(" "),
            cores: number(defaults.cores),
            memory: number(defaults.memory),
            swap: number(defaults.swap),
            disk: number(defaults.disk),
            ostype: defaults.ostype.clone().unwrap_or_default(),
            unprivileged: yes_no(defaults.unprivileged).into(),
            nesting: yes_no(defaults.nesting).into(),
            keyctl: yes_no(defaults.keyctl).into(),
            fuse: yes_no(defaults.fuse).into(),
            packages,
            installers: recipe.installers.iter().map(script).collect(),
            scripts: recipe.scripts.iter().map(script).collect(),
            files: recipe.files.iter().map(typed_file).collect(),
        }
    }

    /// The contents that it refers to, each as often as it does.
    pub(super) fn kept(&self) -> Vec<ContentHash> {
        let kept = self.files.iter().filter_map(|file| match &file.content {
            FileContent::Kept { sha256, .. } => sha256.parse().ok(),
            FileContent::Text(_) => None,
        });
        kept.collect()
    }

    /// The container template, or the messages beside the fields. `contents` are those that it refers to and that are there.
    pub fn check(&self, contents: &BTreeMap<ContentHash, Vec<u8>>) -> Result<ContainerTemplate, FieldErrors> {
        let mut errors = FieldErrors::new();
        let title = self.title.trim();
        if title.is_empty() || title.chars().count() > 100 || title.chars().any(char::is_control) {
            errors.add("title", "give it a title of at most 100 characters, in one line");
        }
        let description = self.description.replace("\r\n", "\n");
        if description.chars().count() > 2000 || description.contains('\0') {
            errors.add("description", "describe it in at most 2000 characters");
        }
        beside(&mut errors, "tags", rules::tags(&self.tags));
        let recipe = ContainerTemplate {
            name: slug(title),
            title: title.into(),
            description: description.trim().into(),
            tags: rules::split_tags(&self.tags),
            defaults: self.defaults(&mut errors),
            packages: self.packages(&mut errors),
            installers: scripts(&mut errors, "installer", &self.installers, is_installer_name),
            scripts: scripts(&mut errors, "script", &self.scripts, is_script_name),
            files: self.files(&mut errors, contents),
        };
        if errors.is_empty() { Ok(recipe) } else { Err(errors) }
    }

    fn defaults(&self, errors: &mut FieldErrors) -> Defaults {
        let mut number = |field: &'static str, text: &str, rule: fn(&str) -> Result<(), ValidationError>| {
            if text.trim().is_empty() {
                return None;
            }
            beside(errors, field, rule(text));
            rules::number(text).ok()
        };
        let cores = number("cores", &self.cores, rules::cores);
        let memory = number("memory", &self.memory, rules::memory);
        let swap = number("swap", &self.swap, rules::swap);
        let disk = number("disk", &self.disk, rules::disk);
        let mut flag = |field: &'static str, text: &str| match text {
            "yes" => Some(true),
            "no" => Some(false),
            "" => None,
            _ => {
                errors.add(field, "choose yes, no or neither");
                None
            }
        };
        let unprivileged = flag("unprivileged", &self.unprivileged);
        let nesting = flag("nesting", &self.nesting);
        let keyctl = flag("keyctl", &self.keyctl);
        let fuse = flag("fuse", &self.fuse);
        if keyctl == Some(true) && unprivileged == Some(false) {
            errors.add("keyctl", "keyctl is for unprivileged containers only: switch one of the two");
        }
        let ostype = self.ostype.trim();
        if ostype.len() > 30 || !ostype.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        {
            errors.add("ostype", "one word in lower case such as debian, or empty");
        }
        let ostype = (!ostype.is_empty()).then(|| ostype.to_owned());
        Defaults { cores, memory, swap, disk, nesting, keyctl, fuse, unprivileged, ostype }
    }

    /// With the bounds that lists on disk have.
    fn packages(&self, errors: &mut FieldErrors) -> Vec<Package> {
        let (mut packages, mut seen) = (Vec::new(), HashSet::new());
        for (manager, list) in &self.packages {
            let field = format!("packages_{manager}");
            if list.len() as u64 > LIST_LIMIT {
                errors.add(field, format!("this list is larger than {} KiB", LIST_LIMIT >> 10));
                continue;
            }
            for (number, line) in (1..).zip(list.lines()) {
                let line = line.split('#').next().unwrap_or_default().trim();
                if line.is_empty() {
                    continue;
                }
                match Package::parse(*manager, line) {
                    Ok(package) if !seen.insert(package.clone()) => {}
                    Ok(_) if packages.len() == MOST_PACKAGES => {
                        let message =
                            format!("line {number} is one too many: at most {MOST_PACKAGES} packages");
                        errors.add(field, message);
                        return packages;
                    }
                    Ok(package) => packages.push(package),
                    Err(error) => errors.add(field.clone(), format!("line {number}: {error}")),
                }
                if errors.of(&field).len() == MOST_PROBLEMS {
                    break;
                }
            }
        }
        packages
    }

    fn files(
        &self,
        errors: &mut FieldErrors,
        contents: &BTreeMap<ContentHash, Vec<u8>>,
    ) -> Vec<TemplateFile> {
        if self.files.len() > MOST {
            errors.add("files", too_many());
            return Vec::new();
        }
        let (mut files, mut seen, mut total) = (Vec::new(), BTreeSet::new(), 0);
        for (position, typed) in self.files.iter().enumerate() {
            let mut told = |field: &str, message: String| errors.add(format!("{field}.{position}"), message);
            let path =
                typed.path.trim().parse::<FilePath>().map_err(|error| told("file_path", error.to_string()));
            let mode = parse_mode(&typed.mode).map_err(|error| told("file_mode", error.to_string()));
            let owner = typed.owner.parse::<Owner>().map_err(|error| told("file_owner", error.to_string()));
            let policy =
                typed.policy.parse::<FilePolicy>().map_err(|error| told("file_policy", error.to_string()));
            let content = content_of(typed, contents).map_err(|message| told("file_content", message));
            let (Ok(path), Ok(mode), Ok(owner), Ok(policy), Ok(content)) =
                (path, mode, owner, policy, content)
            else {
                continue;
            };
            if !seen.insert(path.clone()) {
                told("file_path", "another file goes to the same place".into());
            }
            total += content.len();
            // What is too much in any case need not be copied.
            if total <= FILES_LIMIT {
                files.push(TemplateFile { path, content: content.into_owned(), mode, owner, policy });
            }
        }
        if total > FILES_LIMIT {
            errors.add("files", too_large());
        }
        files
    }
}

fn typed_file(file: &TemplateFile) -> TypedFile {
    let content = match is_editable(&file.content) {
        Some(text) => FileContent::Text(text.into()),
        None => FileContent::Kept {
            sha256: berth_store::container_templates::hash(&file.content).to_string(),
            size: file.content.len() as u64,
        },
    };
    TypedFile {
        mode: format!("{:04o}", file.mode),
        owner: file.owner.to_string(),
        policy: match file.policy {
            FilePolicy::Replace => "replace",
            FilePolicy::Default => "default",
            FilePolicy::Backup => "backup",
        }
        .into(),
        ..TypedFile::new(file.path.as_str(), content)
    }
}

pub(super) fn too_many() -> String {
    format!("at most {MOST} files")
}

pub(super) fn too_large() -> String {
    format!("all files together are larger than {} MiB", FILES_LIMIT >> 20)
}

fn content_of<'a>(
    file: &TypedFile,
    contents: &'a BTreeMap<ContentHash, Vec<u8>>,
) -> Result<Cow<'a, [u8]>, String> {
    match &file.content {
        FileContent::Text(text) => {
            let text = text.replace("\r\n", "\n");
            if text.len() > FILE_LIMIT {
                return Err(format!("this file is larger than {} MiB", FILE_LIMIT >> 20));
            }
            Ok(text.into_bytes().into())
        }
        FileContent::Kept { sha256, .. } => {
            let content = sha256.parse().ok().and_then(|hash: ContentHash| contents.get(&hash));
            content.map(Into::into).ok_or_else(|| "its content is not there any more: upload it again".into())
        }
    }
}

fn scripts(
    errors: &mut FieldErrors,
    kind: &str,
    typed: &[TypedScript],
    is_name: fn(&str) -> bool,
) -> Vec<Script> {
    if typed.len() > MOST {
        errors.add(format!("{kind}s"), format!("at most {MOST} of them"));
        return Vec::new();
    }
    let (mut scripts, mut seen) = (Vec::new(), BTreeSet::new());
    for (position, script) in typed.iter().enumerate() {
        let name = script.name.trim();
        if !is_name(name) {
            let message = "a name has letters, digits and inner - _ and ., at most 60, such as 10-install.sh";
            errors.add(format!("{kind}_name.{position}"), message);
        } else if !seen.insert(name) {
            errors.add(format!("{kind}_name.{position}"), "another one has this name");
        }
        let content = script.content.replace("\r\n", "\n");
        match text_problem(&content) {
            Some(message) => errors.add(format!("{kind}_content.{position}"), message),
            None => scripts.push(Script { name: name.into(), content }),
        }
    }
    scripts
}

fn text_problem(content: &str) -> Option<String> {
    if content.trim().is_empty() {
        return Some("write what it does, or remove it".into());
    }
    if content.len() > SCRIPT_LIMIT {
        return Some(format!("is larger than {} MiB", SCRIPT_LIMIT >> 20));
    }
    let (line, found) = (1..).zip(content.split('\n')).find_map(|(number, line)| {
        line.chars().find(|character| ['\0', '\r'].contains(character)).map(|found| (number, found))
    })?;
    let what =
        if found == '\0' { "a NUL character: a script is text" } else { "a carriage return within the line" };
    Some(format!("line {line} holds {what}"))
}

fn is_script_name(name: &str) -> bool {
    (1..=60).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.chars().all(|character| character.is_ascii_alphanumeric() || "-_.".contains(character))
}

/// A name as folders on disk have them.
fn slug(title: &str) -> String {
    let plain = |character: char| {
        if character.is_ascii_alphanumeric() { character.to_ascii_lowercase() } else { '-' }
    };
    let words: Vec<String> = title
        .chars()
        .map(plain)
        .collect::<String>()
        .split('-')
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    let name: String = words.join("-").chars().take(60).collect();
    if name.is_empty() { "template".into() } else { name.trim_end_matches('-').into() }
}

fn beside(errors: &mut FieldErrors, field: &'static str, checked: Result<(), ValidationError>) {
    if let Err(problem) = checked {
        errors.add(field, problem.message.unwrap_or(problem.code));
    }
}

#[cfg(test)]
mod tests;
