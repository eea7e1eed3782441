//! Packages, installers, scripts and files of a container template.

use std::collections::BTreeMap;

use berth_domain::container_template::{
    FilePath, FilePolicy, Owner, Script, TemplateFile, is_installer_name, parse_mode,
};
use berth_domain::package::{Package, PackageManager};

use super::folder::Folder;

pub(super) const LIST_LIMIT: u64 = 256 << 10;
pub(super) const MOST_PACKAGES: usize = 2000;
const SCRIPT_LIMIT: u64 = 1 << 20;
const FILE_LIMIT: u64 = 5 << 20;

/// What stands beside a file and describes it.
const SIDECARS: [&str; 4] = ["path", "policy", "mode", "owner"];

/// `packages/*.apt` and so on, and `packages/NAME.custom`.
pub(super) fn packages(folder: &mut Folder) -> (Vec<Package>, Vec<Script>) {
    let (mut packages, mut installers) = (Vec::new(), Vec::new());
    for name in folder.entries("packages") {
        let file = format!("packages/{name}");
        let (stem, ending) = name.rsplit_once('.').unwrap_or((&name, ""));
        match ending.parse::<PackageManager>() {
            Ok(manager) => package_list(folder, &file, manager, &mut packages),
            Err(_) if ending == "custom" => installers.extend(installer(folder, &file, stem)),
            Err(_) => folder.problem(
                &file,
                None,
                "a list of packages ends in .apt, .apk, .dnf, .pacman, .npm or .pip, and an installer in .custom",
            ),
        }
    }
    (packages, installers)
}

fn installer(folder: &mut Folder, file: &str, name: &str) -> Option<Script> {
    if is_installer_name(name) {
        return Some(Script { name: name.into(), content: shell_script(folder, file)? });
    }
    folder.problem(
        file,
        None,
        "an installer is named by letters, digits, '+', '-', '_' and '.', at most 60, and .custom",
    );
    None
}

fn package_list(folder: &mut Folder, file: &str, manager: PackageManager, packages: &mut Vec<Package>) {
    let Some(text) = folder.text(file, LIST_LIMIT) else { return };
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        if packages.len() == MOST_PACKAGES {
            folder.problem(file, Some(number), format!("one too many: at most {MOST_PACKAGES} packages"));
            return;
        }
        match Package::parse(manager, line) {
            Ok(package) if packages.contains(&package) => {}
            Ok(package) => packages.push(package),
            Err(error) => folder.problem(file, Some(number), error.to_string()),
        }
    }
}

/// `scripts/NN-name.sh`, in the order of their names.
pub(super) fn scripts(folder: &mut Folder) -> Vec<Script> {
    let mut scripts = Vec::new();
    for name in folder.entries("scripts") {
        let file = format!("scripts/{name}");
        if !is_script(&name) {
            folder.problem(
                &file,
                None,
                "a script is named by two digits, a dash, a name and .sh, such as 10-install.sh",
            );
            continue;
        }
        scripts.extend(shell_script(folder, &file).map(|content| Script { name, content }));
    }
    scripts
}

fn shell_script(folder: &mut Folder, file: &str) -> Option<String> {
    let content = folder.text(file, SCRIPT_LIMIT)?;
    let Some((line, _)) = (1..).zip(content.split('\n')).find(|(_, line)| line.ends_with('\r')) else {
        return Some(content);
    };
    folder.problem(file, Some(line), "ends in a carriage return: save it with Unix line ends");
    None
}

fn is_script(name: &str) -> bool {
    let Some((number, rest)) = name.strip_suffix(".sh").and_then(|name| name.split_once('-')) else {
        return false;
    };
    number.len() == 2
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && (1..=60).contains(&rest.len())
        && rest.chars().all(|character| character.is_ascii_alphanumeric() || "-_.".contains(character))
}

/// `files/NAME` with what stands beside it.
pub(super) fn files(folder: &mut Folder) -> Vec<TemplateFile> {
    let names = folder.entries("files");
    let (sidecars, contents): (Vec<&String>, Vec<&String>) =
        names.iter().partition(|name| describes(name).is_some());
    for sidecar in sidecars {
        let described = describes(sidecar).unwrap_or_default();
        if !contents.iter().any(|content| *content == described) {
            folder.problem(&format!("files/{sidecar}"), None, format!("there is no {described} beside it"));
        }
    }
    let mut files: Vec<TemplateFile> = Vec::new();
    let mut seen = BTreeMap::new();
    for name in contents {
        let Some(file) = file(folder, &format!("files/{name}")) else { continue };
        if let Some(other) = seen.insert(file.path.clone(), name) {
            folder.problem(&format!("files/{name}.path"), Some(1), format!("{other} goes to the same place"));
        }
        files.push(file);
    }
    files
}

/// The file that a sidecar describes.
fn describes(name: &str) -> Option<&str> {
    let (file, ending) = name.rsplit_once('.')?;
    SIDECARS.contains(&ending).then_some(file)
}

fn file(folder: &mut Folder, name: &str) -> Option<TemplateFile> {
    if !folder.has(&format!("{name}.path")) {
        folder.problem(name, None, format!("there is no {name}.path beside it, which says where it goes"));
        return None;
    }
    let path: Option<FilePath> = sidecar(folder, &format!("{name}.path"), str::parse);
    let policy = optional(folder, &format!("{name}.policy"), FilePolicy::default(), str::parse);
    let mode = optional(folder, &format!("{name}.mode"), 0o644, parse_mode);
    let owner = optional(folder, &format!("{name}.owner"), Owner::root(), str::parse);
    let content = folder.bytes(name, FILE_LIMIT)?;
    Some(TemplateFile { path: path?, content, mode: mode?, owner: owner?, policy: policy? })
}

fn optional<T, E: std::fmt::Display>(
    folder: &mut Folder,
    file: &str,
    default: T,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Option<T> {
    if folder.has(file) { sidecar(folder, file, parse) } else { Some(default) }
}

fn sidecar<T, E: std::fmt::Display>(
    folder: &mut Folder,
    file: &str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Option<T> {
    let text = folder.text(file, 4096)?;
    // A path may end in a space; the others do not mind.
    match parse(text.trim_end_matches(['\r', '\n'])) {
        Ok(value) => Some(value),
        Err(error) => {
            folder.problem(file, Some(1), error.to_string());
            None
        }
    }
}
