//! What the content security policy and the icon list ask of the askama templates.

#![allow(clippy::unwrap_used, reason = "a test may stop at what it does not expect")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn files_below(directory: &str, ending: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(directory)];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == ending) {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    assert!(!found.is_empty(), "no {ending} files below {directory}");
    found
}

fn icon_list() -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../static/icons.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// The names in `"name"|icon`.
fn icons_in(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("\"|icon").filter_map(|(end, _)| text[..end].rsplit_once('"').map(|(_, name)| name))
}

#[test]
fn nothing_needs_an_inline_script_or_style() {
    for (path, text) in files_below("../../templates", "html") {
        // The one script that the policy allows, by its hash.
        let lower = text.replace("<script>{{ crate::assets::BootScript }}</script>", "").to_lowercase();
        for word in lower.split_whitespace() {
            // `style=""` is a macro's argument.
            let Some((attribute, value)) = word.split_once("=\"") else { continue };
            let forbidden = attribute.starts_with("on")
                || attribute.starts_with("hx-on")
                || (attribute == "style" && !value.starts_with('"'));
            assert!(!forbidden, "{}: {word}", path.display());
        }
        for forbidden in ["<style", "<script>", "javascript:"] {
            assert!(!lower.contains(forbidden), "{}: {forbidden}", path.display());
        }
    }
}

#[test]
fn nothing_is_marked_safe() {
    for (path, text) in files_below("../../templates", "html") {
        let marked = text.contains("|safe") || text.contains("| safe") || text.contains("{% filter safe");
        assert!(!marked, "{}: escape it, or give it a type of its own", path.display());
    }
}

#[test]
fn every_icon_that_is_used_is_in_the_list() {
    let list = icon_list();
    for (path, text) in files_below("../../templates", "html") {
        for name in icons_in(&text) {
            assert!(list.contains(name), "{}: {name} is not in static/icons.json", path.display());
        }
    }
}

#[test]
fn every_icon_in_the_list_is_used() {
    let mut everything = String::new();
    for (_, text) in files_below("../../templates", "html").into_iter().chain(files_below("src", "rs")) {
        everything.push_str(&text);
    }
    let unused: Vec<String> =
        icon_list().into_iter().filter(|name| !everything.contains(&format!("\"{name}\""))).collect();
    assert!(unused.is_empty(), "{unused:?} are in static/icons.json for nothing");
}
