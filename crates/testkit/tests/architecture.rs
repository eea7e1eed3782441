//! The arrows between the crates, and what must not be in any file.

#![allow(clippy::unwrap_used, reason = "a helper that fails here fails the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, MetadataCommand, Package};

const ALL_BUT_SIMULATOR_AND_TESTKIT: &[&str] =
    &["berth-domain", "berth-proxmox", "berth-store", "berth-operations", "berth-web", "berth-worker"];

/// Each crate with those of ours it may depend on. The simulator shares nothing with the client it tests.
const ARROWS: &[(&str, &[&str])] = &[
    ("berth-domain", &[]),
    ("berth-proxmox", &["berth-domain"]),
    ("berth-store", &["berth-domain"]),
    ("berth-operations", &["berth-domain", "berth-store", "berth-proxmox"]),
    ("berth-web", &["berth-domain", "berth-operations"]),
    ("berth-worker", &["berth-operations"]),
    ("berth", ALL_BUT_SIMULATOR_AND_TESTKIT),
    ("berth-simulator", &[]),
    (
        "berth-testkit",
        &[
            "berth-domain",
            "berth-proxmox",
            "berth-store",
            "berth-operations",
            "berth-web",
            "berth-worker",
            "berth-simulator",
        ],
    ),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn members() -> Vec<Package> {
    let metadata = MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec().unwrap();
    metadata.packages
}

fn ours(package: &Package, kinds: &[DependencyKind]) -> BTreeSet<String> {
    let dependencies = package.dependencies.iter();
    let of_kind =
        dependencies.filter(|dependency| kinds.contains(&dependency.kind) && dependency.path.is_some());
    of_kind.map(|dependency| dependency.name.clone()).collect()
}

#[test]
fn every_crate_depends_only_on_those_it_may() {
    let table: BTreeMap<&str, BTreeSet<String>> = ARROWS
        .iter()
        .map(|(name, may)| (*name, may.iter().map(|name| (*name).to_owned()).collect()))
        .collect();
    let members = members();
    for package in &members {
        let name = package.name.as_str();
        let may = table
            .get(name)
            .unwrap_or_else(|| panic!("{name} is new: give it a row in ARROWS and in docs/architecture.md"));
        let used = ours(package, &[DependencyKind::Normal, DependencyKind::Build]);
        let extra: Vec<_> = used.difference(may).collect();
        assert!(extra.is_empty(), "{name} must not depend on {extra:?}");
    }
    let present: BTreeSet<&str> = members.iter().map(|package| package.name.as_str()).collect();
    let absent: Vec<_> = table.keys().filter(|name| !present.contains(*name)).collect();
    assert!(absent.is_empty(), "ARROWS has rows for crates that do not exist: {absent:?}");
}

#[test]
fn nothing_but_tests_needs_the_testkit() {
    for package in members() {
        let shipped = ours(&package, &[DependencyKind::Normal, DependencyKind::Build]);
        assert!(
            !shipped.contains("berth-testkit"),
            "{}: berth-testkit belongs in [dev-dependencies]",
            package.name
        );
    }
}

#[test]
fn the_architecture_page_knows_every_crate() {
    let page = std::fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    for (name, _) in ARROWS {
        assert!(page.contains(&format!("`{name}`")), "docs/architecture.md does not mention {name}");
    }
}

#[test]
fn no_source_file_is_over_500_lines() {
    let sources = files(&["crates", "templates", "static/src", "scripts", "e2e"]);
    let code: Vec<_> =
        sources.iter().filter(|file| has_extension(file, &["rs", "ts", "js", "css", "html"])).collect();
    assert!(code.len() > 50, "the walk found only {} files", code.len());
    for file in code {
        let lines = text(file).lines().count();
        assert!(lines <= 500, "{} has {lines} lines: split it by feature or by verb", file.display());
    }
}

#[test]
fn pages_escape_everything() {
    for file in files(&["templates"]) {
        let unescaped = text(&file)
            .lines()
            .any(|line| line.split('|').skip(1).any(|filter| filter.trim_start().starts_with("safe")));
        assert!(!unescaped, "{}: no page may use the safe filter", file.display());
    }
}

#[test]
fn pages_have_no_inline_script_style_or_handler() {
    for file in files(&["templates"]) {
        // What stands in askama's own tags, such as a macro's parameter, is no HTML; and one script is allowed by its hash.
        let page: String = text(&file)
            .replace("<script>{{ crate::assets::BootScript }}</script>", "")
            .split("{%")
            .map(|part| part.split_once("%}").map_or(part, |(_, html)| html))
            .collect();
        for forbidden in
            ["<script>", "<style", " style=\"", " onclick=", " onchange=", " onsubmit=", " hx-on"]
        {
            assert!(
                !page.contains(forbidden),
                "{} holds {forbidden:?}, which the content security policy forbids",
                file.display()
            );
        }
    }
}

#[test]
fn lockfiles_record_no_download_addresses() {
    for lockfile in ["static/package-lock.json", "e2e/package-lock.json"] {
        let content = text(&root().join(lockfile));
        assert!(
            !content.contains("\"resolved\""),
            "{lockfile} records download addresses: set omit-lockfile-registry-resolved"
        );
    }
    let content = text(&root().join("Cargo.lock"));
    let sources: BTreeSet<&str> = content.lines().filter(|line| line.starts_with("source = ")).collect();
    assert_eq!(sources.len(), 1, "Cargo.lock names more than the one registry: {sources:?}");
}

#[test]
fn dependencies_are_declared_once_and_say_what_they_are_for() {
    let manifest = text(&root().join("Cargo.toml"));
    let section = manifest.split("[workspace.dependencies]").nth(1).unwrap().split("\n[").next().unwrap();
    for line in section.lines().filter(|line| line.contains(" = ") && !line.starts_with('#')) {
        assert!(line.contains("# ") || line.contains("path = "), "no reason is given for: {line}");
    }
    for package in members() {
        let manifest = text(package.manifest_path.as_std_path());
        let version = manifest.lines().find(|line| line.contains("version = \"") && !line.starts_with('['));
        assert_eq!(
            version, None,
            "{} declares a version of its own: declare it in the root manifest",
            package.name
        );
    }
}

fn text(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn has_extension(file: &Path, extensions: &[&str]) -> bool {
    file.extension().is_some_and(|extension| extensions.iter().any(|wanted| extension == *wanted))
}

/// Every file below these folders of the project, without what is built or downloaded.
fn files(folders: &[&str]) -> Vec<PathBuf> {
    let mut waiting: Vec<PathBuf> = folders.iter().map(|folder| root().join(folder)).collect();
    let mut found = Vec::new();
    while let Some(directory) = waiting.pop() {
        for entry in
            std::fs::read_dir(&directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()))
        {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                if !["node_modules", "dist", "target", "results", "screenshots", "fixtures"]
                    .contains(&name.as_str())
                {
                    waiting.push(path);
                }
            } else {
                found.push(path);
            }
        }
    }
    found
}
