//! What a node offers, as step 2 lets one choose from it.

use berth_operations::creation::CreationForm;
use berth_operations::node_options::{Bridge, NodeOptions, Offer, OsTemplate, RootStorage};

use super::view::{NodeOffer, Offered};
use crate::filters;
use crate::forms::Choice;

/// What to do with a choice that the node does not offer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Unfit {
    /// It stays, and is shown as absent.
    Keep,
    /// It gives way to one that is there.
    Replace,
}

/// Chooses from what the node offers where nothing is chosen, or where the choice does not fit.
pub(super) fn fit(form: &mut CreationForm, options: &NodeOptions, unfit: Unfit) {
    if let Ok(found) = &options.os_templates {
        let names: Vec<&str> = found.iter().map(|each| each.volid.as_str()).collect();
        let preferred = found.iter().find(|each| each.is_of(&form.ostype)).map(|each| each.volid.as_str());
        choose(&mut form.os_template, &names, preferred, unfit);
    }
    if let Ok(found) = &options.storages {
        let names: Vec<&str> = found.iter().map(|each| each.name.as_str()).collect();
        let roomiest = found.iter().max_by_key(|each| each.free).map(|each| each.name.as_str());
        choose(&mut form.storage, &names, roomiest, unfit);
    }
    if let Ok(found) = &options.bridges {
        let names: Vec<&str> = found.iter().map(|each| each.name.as_str()).collect();
        let up = found.iter().find(|each| each.active).map(|each| each.name.as_str());
        choose(&mut form.bridge, &names, up, unfit);
    }
}

fn choose(field: &mut String, offered: &[&str], preferred: Option<&str>, unfit: Unfit) {
    let stays = !field.is_empty() && (unfit == Unfit::Keep || offered.contains(&field.as_str()));
    if !stays {
        preferred.or(offered.first().copied()).unwrap_or_default().clone_into(field);
    }
}

/// The lists, each with what is chosen in it, even if the node does not have that.
pub(super) fn view(options: &NodeOptions, form: &CreationForm) -> NodeOffer {
    NodeOffer {
        os_templates: offered(&options.os_templates, &form.os_template, os_template),
        storages: offered(&options.storages, &form.storage, storage),
        bridges: offered(&options.bridges, &form.bridge, bridge),
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

fn os_template(found: &OsTemplate) -> Choice {
    Choice::new(found.volid.clone(), format!("{} ({})", found.name, found.storage))
}

fn storage(found: &RootStorage) -> Choice {
    let free = found
        .free
        .map_or_else(|| "free space unknown".to_owned(), |free| format!("{} free", filters::size(free)));
    Choice::new(found.name.clone(), format!("{} ({}, {free})", found.name, found.kind))
}

fn bridge(found: &Bridge) -> Choice {
    let mut notes: Vec<&str> =
        [&found.address, &found.comment].into_iter().flatten().map(String::as_str).collect();
    if !found.active {
        notes.push("down");
    }
    let label =
        if notes.is_empty() { found.name.clone() } else { format!("{} ({})", found.name, notes.join(", ")) };
    Choice::new(found.name.clone(), label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_that_fits_stays() {
        let chosen = |field: &str, unfit| {
            let mut field = field.to_owned();
            choose(&mut field, &["vmbr0", "vmbr1"], Some("vmbr1"), unfit);
            field
        };
        assert_eq!(chosen("vmbr0", Unfit::Replace), "vmbr0");
        assert_eq!(chosen("vmbr9", Unfit::Replace), "vmbr1");
        assert_eq!(chosen("vmbr9", Unfit::Keep), "vmbr9");
        assert_eq!(chosen("", Unfit::Keep), "vmbr1");
    }

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
}
