//! `template.conf`.

use std::collections::BTreeMap;

use berth_domain::container_template::Defaults;
use berth_domain::network::is_tag;

use super::folder::Folder;

const FILE: &str = "template.conf";
const LIMIT: u64 = 64 << 10;

#[derive(Debug, Default)]
pub(super) struct Conf {
    pub(super) title: String,
    pub(super) description: String,
    pub(super) tags: Vec<String>,
    pub(super) defaults: Defaults,
}

pub(super) fn read(folder: &mut Folder) -> Option<Conf> {
    let text = folder.text(FILE, LIMIT)?;
    let mut conf = Conf::default();
    let mut lines_by_key = BTreeMap::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let outcome = match line.split_once('=').map(|(key, value)| (key.trim(), value.trim())) {
            None => Err("write KEY=VALUE".into()),
            Some((key, _)) if lines_by_key.insert(key, number).is_some() => {
                Err(format!("{key} is given twice"))
            }
            Some((key, value)) => set(&mut conf, key, value),
        };
        if let Err(message) = outcome {
            folder.problem(FILE, Some(number), message);
        }
    }
    if !lines_by_key.contains_key("TITLE") {
        folder.problem(FILE, None, "TITLE is missing: what people see");
    }
    Some(conf)
}

fn set(conf: &mut Conf, key: &str, value: &str) -> Result<(), String> {
    let defaults = &mut conf.defaults;
    match key {
        "TITLE" => conf.title = text(key, value, 1, 100)?,
        "DESCRIPTION" => conf.description = text(key, value, 0, 1000)?,
        "TAGS" => conf.tags = tags(value)?,
        "OSTYPE" => defaults.ostype = Some(ostype(value)?),
        "CORES" => defaults.cores = Some(number(key, value, 1, 8192)?),
        "MEMORY" => defaults.memory = Some(number(key, value, 16, u32::MAX)?),
        "SWAP" => defaults.swap = Some(number(key, value, 0, u32::MAX)?),
        "DISK" => defaults.disk = Some(number(key, value, 1, u32::MAX)?),
        "UNPRIVILEGED" => defaults.unprivileged = Some(flag(key, value)?),
        "NESTING" => defaults.nesting = Some(flag(key, value)?),
        "KEYCTL" => defaults.keyctl = Some(flag(key, value)?),
        "FUSE" => defaults.fuse = Some(flag(key, value)?),
        _ => {
            return Err(format!(
                "unknown key {key}: the keys are TITLE, DESCRIPTION, TAGS, OSTYPE, CORES, MEMORY, SWAP, DISK, \
                 UNPRIVILEGED, NESTING, KEYCTL and FUSE"
            ));
        }
    }
    Ok(())
}

fn text(key: &str, value: &str, least: usize, most: usize) -> Result<String, String> {
    if (least..=most).contains(&value.chars().count()) {
        Ok(value.into())
    } else {
        Err(format!("{key} has {least} to {most} characters"))
    }
}

fn tags(value: &str) -> Result<Vec<String>, String> {
    let tags = value.split(',').map(str::trim).filter(|tag| !tag.is_empty());
    tags.map(|tag| {
        if is_tag(tag) {
            Ok(tag.to_owned())
        } else {
            Err(format!("\"{tag}\" is not a tag: use a-z, 0-9 and _ first, then also - + and ."))
        }
    })
    .collect()
}

fn ostype(value: &str) -> Result<String, String> {
    let is_plain =
        !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if is_plain { Ok(value.into()) } else { Err("OSTYPE is one word such as debian".into()) }
}

fn number(key: &str, value: &str, least: u32, most: u32) -> Result<u32, String> {
    value.parse().ok().filter(|number| (least..=most).contains(number)).ok_or_else(|| {
        if most == u32::MAX {
            format!("{key} is a whole number, {least} or more")
        } else {
            format!("{key} is a whole number from {least} to {most}")
        }
    })
}

fn flag(key: &str, value: &str) -> Result<bool, String> {
    match value {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err(format!("{key} is yes or no")),
    }
}
