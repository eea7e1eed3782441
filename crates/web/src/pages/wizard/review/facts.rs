//! What was chosen, in words.

use berth_domain::node::Node;
use berth_domain::package::list::PackageList;
use berth_operations::creation::CreationForm;

use crate::pages::containers::view::Fact;
use crate::pages::wizard::view::{ReviewSection, WizardStep};

/// Everything that was chosen, by the step that changes it.
pub(super) fn sections(form: &CreationForm, is_there: bool, node: Option<&Node>) -> Vec<ReviewSection> {
    let section = |title: &str, step, facts| ReviewSection { title: title.into(), step, facts };
    vec![
        section("Template", WizardStep::Template, vec![Fact::new("Template", title(form, is_there))]),
        section("General", WizardStep::Configure, general(form, node)),
        section("Resources", WizardStep::Configure, resources(form)),
        section("Network", WizardStep::Configure, network(form)),
        section("Features and access", WizardStep::Configure, features(form)),
        section("Packages", WizardStep::Packages, packages(form)),
        section("Scripts", WizardStep::Scripts, scripts(form)),
    ]
}

/// A warning when the OS template is not of the kind that the container template is written for.
pub(super) fn unlike(form: &CreationForm) -> Option<String> {
    let file = form.os_template.rsplit('/').next().unwrap_or_default();
    let fits = form.ostype.is_empty() || file.is_empty() || file.starts_with(&form.ostype);
    (!fits).then(|| {
        format!(
            "{} is written for {}, and {file} is something else",
            form.container_template_title, form.ostype
        )
    })
}

fn title(form: &CreationForm, is_there: bool) -> String {
    match form.container_template_title.as_str() {
        _ if form.container_template.is_empty() => "From scratch".into(),
        title if is_there => title.into(),
        title => format!("{title} (not there any more)"),
    }
}

fn or_none(text: &str) -> &str {
    if text.trim().is_empty() { "none" } else { text }
}

fn general(form: &CreationForm, node: Option<&Node>) -> Vec<Fact> {
    vec![
        Fact::new("Node", node.map_or("none", |node| &node.name)),
        Fact::mono("Hostname", or_none(&form.hostname)),
        Fact::mono("VMID", or_none(&form.vmid)),
        Fact::mono("OS template", or_none(&form.os_template)),
        Fact::new("Tags", or_none(&form.tags)),
    ]
}

fn resources(form: &CreationForm) -> Vec<Fact> {
    vec![
        Fact::new("Cores", &form.cores),
        Fact::new("Memory", format!("{} MiB", form.memory)),
        Fact::new("Swap", format!("{} MiB", form.swap)),
        Fact::new("Disk", format!("{} GiB on {}", form.disk, or_none(&form.storage))),
    ]
}

fn network(form: &CreationForm) -> Vec<Fact> {
    let address = |method: &str, address: &str, gateway: &str| match method {
        "static" if gateway.trim().is_empty() => format!("{address}, no gateway"),
        "static" => format!("{address} by {gateway}"),
        "dhcp" => "DHCP".into(),
        "auto" => "automatic".into(),
        _ => "none".into(),
    };
    let mut facts = vec![Fact::mono("Bridge", or_none(&form.bridge))];
    if !form.vlan.trim().is_empty() {
        facts.push(Fact::mono("VLAN tag", &form.vlan));
    }
    facts.push(Fact::mono("IPv4", address(&form.ipv4_method, &form.ipv4_address, &form.ipv4_gateway)));
    facts.push(Fact::mono("IPv6", address(&form.ipv6_method, &form.ipv6_address, &form.ipv6_gateway)));
    facts.push(Fact::new("Firewall", if form.firewall { "on" } else { "off" }));
    for (label, text) in [("DNS servers", &form.nameserver), ("Search domain", &form.search_domain)] {
        if !text.trim().is_empty() {
            facts.push(Fact::mono(label, text));
        }
    }
    facts
}

fn features(form: &CreationForm) -> Vec<Fact> {
    let yes_no = |yes: bool| if yes { "yes" } else { "no" };
    let named = [("nesting", form.nesting), ("keyctl", form.keyctl), ("FUSE", form.fuse)];
    let on: Vec<&str> = named.into_iter().filter(|(_, on)| *on).map(|(name, _)| name).collect();
    let keys =
        form.ssh_public_keys.lines().filter(|line| !line.trim().is_empty() && !line.trim().starts_with('#'));
    vec![
        Fact::new("Unprivileged", yes_no(form.unprivileged)),
        Fact::new("Features", or_none(&on.join(", "))),
        Fact::new("Start at boot", yes_no(form.start_at_boot)),
        Fact::new("SSH keys", keys.count().to_string()),
    ]
}

fn packages(form: &CreationForm) -> Vec<Fact> {
    let (on, off): (Vec<_>, Vec<_>) = form.packages.iter().partition(|choice| choice.on);
    let names = |choices: &[&berth_operations::creation::PackageChoice]| {
        choices.iter().map(|choice| choice.package.notation()).collect::<Vec<_>>().join(", ")
    };
    let mut facts = vec![Fact::mono("From the template", or_none(&names(&on)))];
    if !off.is_empty() {
        facts.push(Fact::mono("Left out", names(&off)));
    }
    let buckets: Vec<&str> = form.buckets.iter().map(|bucket| bucket.name.as_str()).collect();
    facts.push(Fact::new("Buckets", or_none(&buckets.join(", "))));
    let lines = form.extra_packages.lines().map(str::trim);
    let extra: Vec<&str> = lines.filter(|line| !line.is_empty()).take(20).collect();
    facts.push(Fact::mono(format!("More, by {}", form.extra_manager), or_none(&extra.join(", "))));
    let installers: Vec<&str> =
        form.installers.iter().filter(|choice| choice.on).map(|choice| choice.name.as_str()).collect();
    if !installers.is_empty() {
        facts.push(Fact::mono("Custom installers", installers.join(", ")));
    }
    let all = form.chosen_packages().packages;
    let sums = PackageList::by_manager(&all).into_iter();
    let sums: Vec<_> = sums.map(|(manager, packages)| format!("{manager} {}", packages.len())).collect();
    facts.push(Fact::new("In all", or_none(&sums.join(", "))));
    facts
}

fn scripts(form: &CreationForm) -> Vec<Fact> {
    let (on, off): (Vec<_>, Vec<_>) = form.scripts.iter().partition(|choice| choice.on);
    if on.is_empty() {
        return vec![Fact::new("Run", "none")];
    }
    let mut facts: Vec<Fact> =
        (1..).zip(&on).map(|(position, choice)| Fact::mono(position.to_string(), &choice.name)).collect();
    if !off.is_empty() {
        let names: Vec<&str> = off.iter().map(|choice| choice.name.as_str()).collect();
        facts.push(Fact::mono("Left out", names.join(", ")));
    }
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_system_than_the_recipes_is_warned_of() {
        let form = |ostype: &str| CreationForm {
            ostype: ostype.into(),
            os_template: "local:vztmpl/alpine-3.22-default_20250617_amd64.tar.xz".into(),
            ..CreationForm::default()
        };
        assert!(unlike(&form("debian")).is_some_and(|text| text.contains("debian")));
        assert_eq!(unlike(&form("alpine")), None);
        assert_eq!(unlike(&form("")), None);
    }

    #[test]
    fn what_is_left_out_is_said() {
        let scripts = ["10-a.sh", "20-b.sh"].map(|name| berth_operations::creation::ScriptChoice {
            name: name.into(),
            on: name == "20-b.sh",
        });
        let facts = scripts_of(&CreationForm { scripts: scripts.into(), ..CreationForm::default() });
        assert_eq!(
            facts,
            [("1".to_owned(), "20-b.sh".to_owned()), ("Left out".to_owned(), "10-a.sh".to_owned())]
        );
    }

    fn scripts_of(form: &CreationForm) -> Vec<(String, String)> {
        scripts(form).into_iter().map(|fact| (fact.label, fact.value)).collect()
    }
}
