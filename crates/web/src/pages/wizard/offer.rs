//! What a node offers, as step 2 lets one choose from it.

use berth_operations::creation::CreationForm;
use berth_operations::node_options::{Bridge, Capacity, NodeOptions, Offer, OsTemplate, StorageSpace};

use super::view::{NodeOffer, Offered, OsTemplateGroup};
use crate::filters;
use crate::forms::Choice;

/// The lists, each with what is chosen in it, even if the node does not have that. `coming` is the volume id of an OS template that
/// is being downloaded.
pub(super) fn view(options: &NodeOptions, form: &CreationForm, coming: Option<&str>) -> NodeOffer {
    let doubts = options.doubts(form.wanted());
    NodeOffer {
        os_templates: os_templates(&options.os_templates, &form.os_template, coming),
        os_template_problem: options.os_templates.as_ref().err().cloned(),
        storages: offered(&options.storages, &form.storage, storage),
        bridges: offered(&options.bridges, &form.bridge, bridge),
        capacity: options.capacity.as_ref().map(capacity).unwrap_or_default(),
        doubts: doubts.into_iter().map(|doubt| (doubt.field, doubt.text)).collect(),
    }
}

fn offered<T>(offer: &Offer<Vec<T>>, chosen: &str, choice: fn(&T) -> Choice) -> Offered {
    let (found, problem) = match offer {
        Ok(found) => (found.as_slice(), None),
        Err(problem) => (&[][..], Some(problem.clone())),
    };
    let mut choices: Vec<Choice> = found.iter().map(choice).collect();
    let absent = !chosen.is_empty() && choices.iter().all(|choice| choice.value != chosen);
    if absent && !choices.is_empty() {
        choices.insert(0, Choice::new(chosen, format!("{chosen} (not on this node)")));
    }
    Offered { choices, problem }
}

/// By storage, in the order in which they come.
fn os_templates(offer: &Offer<Vec<OsTemplate>>, chosen: &str, coming: Option<&str>) -> Vec<OsTemplateGroup> {
    let found = offer.as_deref().unwrap_or_default();
    let mut groups: Vec<OsTemplateGroup> = Vec::new();
    for each in found {
        let size = each.size.map(|size| format!(" ({})", filters::size(size))).unwrap_or_default();
        let choice = Choice::new(each.volid.clone(), format!("{}{size}", each.name));
        match groups.last_mut() {
            Some(group) if group.label == each.storage => group.choices.push(choice),
            _ => groups.push(OsTemplateGroup { label: each.storage.clone(), choices: vec![choice] }),
        }
    }
    let is_there = |volid: &str| found.iter().any(|each| each.volid == volid);
    if let Some(volid) = coming.filter(|volid| !is_there(volid)) {
        let choices = vec![Choice::new(volid, format!("{} (on its way)", file(volid)))];
        groups.insert(0, OsTemplateGroup { label: "Being downloaded".into(), choices });
    } else if !chosen.is_empty() && !is_there(chosen) && !groups.is_empty() {
        let choices = vec![Choice::new(chosen, format!("{chosen} (not on this node)"))];
        groups.insert(0, OsTemplateGroup { label: "Chosen before".into(), choices });
    }
    groups
}

fn file(volid: &str) -> &str {
    volid.rsplit('/').next().unwrap_or(volid)
}

/// A storage with its free space.
pub(super) fn storage(found: &StorageSpace) -> Choice {
    let free = match (found.free, found.total) {
        (Some(free), Some(total)) => format!("{} free of {}", filters::size(free), filters::size(total)),
        (Some(free), None) => format!("{} free", filters::size(free)),
        (None, _) => "free space unknown".to_owned(),
    };
    Choice::new(found.name.clone(), format!("{} ({}, {free})", found.name, found.kind))
}

fn bridge(found: &Bridge) -> Choice {
    let mut notes: Vec<&str> =
        [&found.address, &found.comment].into_iter().flatten().map(String::as_str).collect();
    if found.vlan_aware {
        notes.push("VLAN aware");
    }
    if !found.active {
        notes.push("down");
    }
    let label =
        if notes.is_empty() { found.name.clone() } else { format!("{} ({})", found.name, notes.join(", ")) };
    Choice::new(found.name.clone(), label)
}

/// What the node has, in one line.
fn capacity(found: &Capacity) -> String {
    let free = found.memory.saturating_sub(found.memory_used);
    let memory = format!("{} of {} memory free", filters::size(free), filters::size(found.memory));
    let swap =
        if found.swap == 0 { "no swap".to_owned() } else { format!("{} swap", filters::size(found.swap)) };
    match found.cores {
        Some(cores) => format!("The node has {cores} cores, {memory}, {swap}."),
        None => format!("The node has {memory}, {swap}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_chosen_is_always_in_its_list() {
        let offer: Offer<Vec<&str>> = Ok(vec!["local"]);
        let list = |chosen| offered(&offer, chosen, |name| Choice::new(*name, *name)).choices;
        assert_eq!(list("local").len(), 1);
        assert_eq!(list("nas")[0], Choice::new("nas", "nas (not on this node)"));
        let unknown: Offer<Vec<&str>> = Err("no answer".into());
        let offered = offered(&unknown, "local", |name| Choice::new(*name, *name));
        assert!(offered.choices.is_empty() && offered.problem.as_deref() == Some("no answer"));
    }

    #[test]
    fn os_templates_stand_under_their_storage() {
        let template = |storage: &str, name: &str| OsTemplate {
            volid: format!("{storage}:vztmpl/{name}.tar.zst"),
            name: name.into(),
            storage: storage.into(),
            size: Some(3 << 20),
        };
        let offer = Ok(vec![
            template("local", "debian-13"),
            template("local", "debian-12"),
            template("nas", "debian-12"),
        ]);
        let labels = |chosen, coming| {
            let groups = os_templates(&offer, chosen, coming);
            groups.iter().map(|group| format!("{} {}", group.label, group.choices.len())).collect::<Vec<_>>()
        };
        assert_eq!(labels("nas:vztmpl/debian-12.tar.zst", None), ["local 2", "nas 1"]);
        assert_eq!(labels("gone:vztmpl/x", None), ["Chosen before 1", "local 2", "nas 1"]);
        let coming = Some("local:vztmpl/alpine.tar.xz");
        assert_eq!(labels("local:vztmpl/alpine.tar.xz", coming), ["Being downloaded 1", "local 2", "nas 1"]);
        assert_eq!(labels("", Some("local:vztmpl/debian-13.tar.zst")), ["local 2", "nas 1"]);
        assert_eq!(os_templates(&offer, "", None)[0].choices[0].label, "debian-13 (3 MiB)");
    }
}
