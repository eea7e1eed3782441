//! A form's choices from a node's lists, when the node changes and when nothing was chosen yet.

use super::{NodeOptions, OsTemplate};
use crate::creation::CreationForm;

/// Chooses from what the node offers where nothing is chosen. When the form was filled in for another node, what this one does not
/// have gives way as well, and the answer says what; what fits stays. A choice that was made for this very node stays in any
/// case: it is shown as absent.
pub fn fit(form: &mut CreationForm, options: &NodeOptions) -> Vec<String> {
    let node = options.node.id.to_string();
    let moved = !form.fitted.is_empty() && form.fitted != node;
    let mut changed = Vec::new();
    if let Ok(found) = &options.os_templates {
        os_template(form, found, moved.then_some(&mut changed));
    }
    if let Ok(found) = &options.storages {
        let roomiest = found.iter().max_by_key(|each| each.free).map(|each| each.name.as_str());
        let names: Vec<&str> = found.iter().map(|each| each.name.as_str()).collect();
        choose(&mut form.storage, "storage", &names, roomiest, moved.then_some(&mut changed));
    }
    if let Ok(found) = &options.bridges {
        let up = found.iter().find(|each| each.active).map(|each| each.name.as_str());
        let names: Vec<&str> = found.iter().map(|each| each.name.as_str()).collect();
        choose(&mut form.bridge, "bridge", &names, up, moved.then_some(&mut changed));
    }
    form.fitted = node;
    changed.into_iter().map(|text| format!("{} has {text}", options.node.name)).collect()
}

fn choose(
    field: &mut String,
    what: &str,
    offered: &[&str],
    preferred: Option<&str>,
    changed: Option<&mut Vec<String>>,
) {
    if offered.contains(&field.as_str()) {
        return;
    }
    let instead = preferred.or(offered.first().copied()).unwrap_or_default();
    match changed {
        _ if field.is_empty() => {}
        Some(changed) => changed.push(absent(what, field, instead)),
        None => return,
    }
    instead.clone_into(field);
}

fn absent(what: &str, old: &str, instead: &str) -> String {
    if instead.is_empty() {
        format!("no {what} {old}")
    } else {
        format!("no {what} {old}: {instead} is chosen instead")
    }
}

fn os_template(form: &mut CreationForm, found: &[OsTemplate], changed: Option<&mut Vec<String>>) {
    let chosen = form.os_template.clone();
    let file = chosen.rsplit('/').next().unwrap_or_default();
    // The same file on another storage is the same operating system.
    if changed.is_some()
        && found.iter().all(|each| each.volid != chosen)
        && let Some(same) = found.iter().find(|each| each.file() == file)
    {
        form.os_template.clone_from(&same.volid);
        return;
    }
    let volids: Vec<&str> = found.iter().map(|each| each.volid.as_str()).collect();
    let preferred = suggested(form, found).map(|each| each.volid.clone());
    choose(&mut form.os_template, "OS template", &volids, preferred.as_deref(), changed);
}

/// The one used last, where it is of the kind that the container template is written for; else the newest of that kind.
fn suggested<'a>(form: &CreationForm, found: &'a [OsTemplate]) -> Option<&'a OsTemplate> {
    let mut fitting: Vec<&OsTemplate> = found.iter().filter(|each| each.is_of(&form.ostype)).collect();
    if let Some(last) = fitting.iter().find(|each| each.volid == form.preferred_os_template) {
        return Some(last);
    }
    if !form.ostype.is_empty() {
        fitting.sort_by(|a, b| super::newest_first(&a.name, &b.name));
    }
    fitting.into_iter().next()
}

#[cfg(test)]
mod tests {
    use berth_domain::NodeId;

    use super::super::tests::options;
    use super::*;

    const DEBIAN: &str = "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst";
    const NEWER: &str = "local:vztmpl/debian-13-standard_13.6-1_amd64.tar.zst";
    const ALPINE: &str = "local:vztmpl/alpine-3.22-default_20250617_amd64.tar.xz";

    fn chosen(form: &CreationForm) -> [&str; 3] {
        [&form.os_template, &form.storage, &form.bridge]
    }

    #[test]
    fn what_is_open_is_chosen_the_newest_of_its_kind_first() {
        let options = options("attic", &[ALPINE, DEBIAN, NEWER], &["local-ct", "fast"], &["vmbr0", "vmbr1"]);
        let mut form = CreationForm { ostype: "debian".into(), ..CreationForm::default() };
        fit(&mut form, &options);
        assert_eq!(chosen(&form), [NEWER, "fast", "vmbr0"]);
        assert_eq!(form.fitted, options.node.id.to_string());
        let mut again = CreationForm {
            ostype: "debian".into(),
            preferred_os_template: DEBIAN.into(),
            ..CreationForm::default()
        };
        fit(&mut again, &options);
        assert_eq!(again.os_template, DEBIAN, "the one used last");
        let mut other = CreationForm { ostype: "alpine".into(), ..again };
        other.os_template.clear();
        fit(&mut other, &options);
        assert_eq!(other.os_template, ALPINE, "of the right kind before the one used last");
    }

    #[test]
    fn another_node_keeps_what_fits_and_says_what_does_not() {
        let first = options("attic", &[DEBIAN], &["local-ct"], &["vmbr0"]);
        let mut form = CreationForm::default();
        fit(&mut form, &first);
        let same_file = "nas:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst";
        let second = options("cellar", &[NEWER, same_file], &["local-ct"], &["vmbr1"]);
        let changed = fit(&mut form, &second);
        assert_eq!(chosen(&form), [same_file, "local-ct", "vmbr1"]);
        assert_eq!(changed, ["cellar has no bridge vmbr0: vmbr1 is chosen instead"]);
        // Seen again, nothing more changes.
        let before = form.clone();
        assert!(fit(&mut form, &second).is_empty());
        assert_eq!(form, before);
        let third = options("shed", &[], &["local-ct"], &["vmbr1"]);
        assert_eq!(fit(&mut form, &third), [format!("shed has no OS template {same_file}")]);
        assert_eq!(form.os_template, "");
    }

    #[test]
    fn what_the_person_chose_on_this_node_stays() {
        let options = options("attic", &[DEBIAN], &["local-ct"], &["vmbr0"]);
        let mut form = CreationForm { bridge: "vmbr9".into(), ..CreationForm::default() };
        form.fitted = options.node.id.to_string();
        fit(&mut form, &options);
        assert_eq!((form.bridge.as_str(), form.storage.as_str()), ("vmbr9", "local-ct"));
        // A part that the node does not say is left alone, too.
        let mut silent = options;
        silent.bridges = Err("no permission".into());
        let mut moved = CreationForm { fitted: NodeId::new().to_string(), ..form };
        fit(&mut moved, &silent);
        assert_eq!(moved.bridge, "vmbr9");
    }
}
