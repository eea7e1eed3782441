//! "Create another like this": the wizard filled in from a creation or from a container as it is.

use berth_domain::container_template::{Origin, ScriptOutline};
use berth_domain::{ContainerId, CreationId, NodeId, UserId, Vmid};
use berth_proxmox::PropertyString;
use berth_proxmox::lxc::ContainerConfig;
use berth_store::container_templates;

use super::{CreationForm, PackageChoice, ScriptChoice};
use crate::foreign::shortened;
use crate::{Context, Error, NodeConnection, Result};

/// What the new container is to be like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Original {
    /// A creation, however it ended.
    Creation(CreationId),
    /// A managed container.
    Container(ContainerId),
    /// Any container of a node.
    Guest(NodeId, Vmid),
}

/// The wizard filled in like the original, but for what must differ: VMID and host name, and addresses that were fixed. What
/// Berth itself made is read from its creation, anything else from Proxmox's configuration.
///
/// [`Error::NotFound`] for what is not the user's, [`Error::Node`] when its node does not answer.
pub async fn like(ctx: &Context, user: UserId, original: Original) -> Result<CreationForm> {
    let mut form = match original {
        Original::Creation(id) => from_creation(ctx, user, id).await?.ok_or(Error::NotFound)?,
        Original::Guest(node, vmid) => from_guest(ctx, user, node, vmid).await?,
        Original::Container(id) => {
            let container = berth_store::containers::find(&ctx.pg, user, id).await?.ok_or(Error::NotFound)?;
            let creation = match container.creation_id {
                Some(creation) => from_creation(ctx, user, creation).await?,
                None => None,
            };
            match creation {
                Some(form) => form,
                None => from_guest(ctx, user, container.node_id, container.vmid).await?,
            }
        }
    };
    form.hostname_hint = next_name(&std::mem::take(&mut form.hostname));
    form.vmid.clear();
    form.ipv4_address.clear();
    form.ipv6_address.clear();
    form.fitted.clone_from(&form.node);
    Ok(form)
}

async fn from_creation(ctx: &Context, user: UserId, id: CreationId) -> Result<Option<CreationForm>> {
    let Some(creation) = berth_store::creations::find(&ctx.pg, user, id).await? else { return Ok(None) };
    let mut form = CreationForm::from_spec(creation.node_id, &creation.spec);
    let found = match &creation.spec.container_template {
        Some(Origin { id: Some(id), .. }) => container_templates::find_outline(&ctx.pg, user, *id).await?,
        Some(Origin { id: None, name, .. }) => container_templates::find_on_disk(&ctx.pg, name).await?,
        None => None,
    };
    let Some(found) = found else {
        // Its packages stay; installers, scripts and files went with it.
        form.container_template.clear();
        form.container_template_title.clear();
        form.installers.clear();
        form.scripts.clear();
        return Ok(Some(form));
    };
    form.container_template = found.id.to_string();
    form.ostype = found.recipe.defaults.ostype.unwrap_or_default();
    for package in found.recipe.packages {
        if form.packages.iter().all(|choice| choice.package != package) {
            form.packages.push(PackageChoice { package, on: false });
        }
    }
    offer(&mut form.installers, found.recipe.installers);
    offer(&mut form.scripts, found.recipe.scripts);
    Ok(Some(form))
}

/// Those that the creation left out are there, switched off.
fn offer(choices: &mut Vec<ScriptChoice>, scripts: Vec<ScriptOutline>) {
    for script in scripts {
        if choices.iter().all(|choice| choice.name != script.name) {
            choices.push(ScriptChoice { name: script.name, on: false });
        }
    }
}

async fn from_guest(ctx: &Context, user: UserId, node: NodeId, vmid: Vmid) -> Result<CreationForm> {
    let connection = NodeConnection::for_user(ctx, user, node).await?;
    match connection.client.container_config(connection.pve_node(), vmid).await {
        Ok(config) => Ok(from_config(node, &config)),
        Err(berth_proxmox::Error::NotFound { .. }) => Err(Error::NotFound),
        Err(error) => Err(connection.trouble(error)),
    }
}

/// Longest value that is taken over, in characters: longer than any of them is.
const LONGEST: usize = 1000;

fn taken_over(value: Option<&str>) -> String {
    shortened(value.unwrap_or_default(), LONGEST)
}

/// What can be read from a configuration. Its keys, packages and scripts are not in there.
fn from_config(node: NodeId, config: &ContainerConfig) -> CreationForm {
    let fresh = CreationForm::default();
    let number = |found: Option<u64>, default: String| found.map_or(default, |number| number.to_string());
    let features = config.features();
    let nets = config.nets();
    let rootfs = config.rootfs().unwrap_or_default();
    let storage =
        rootfs.default_value().and_then(|volume| volume.split_once(':')).map(|(storage, _)| storage);
    let text = |name: &str| taken_over(config.get(name));
    let form = CreationForm {
        node: node.to_string(),
        hostname: taken_over(config.hostname()),
        ostype: taken_over(config.get("ostype").filter(|ostype| *ostype != "unmanaged")),
        cores: number(config.cores().map(u64::from), fresh.cores.clone()),
        memory: number(config.memory_mib(), fresh.memory.clone()),
        swap: number(config.swap_mib(), fresh.swap.clone()),
        storage: taken_over(storage),
        disk: number(rootfs.get("size").and_then(gibibytes), fresh.disk.clone()),
        nameserver: text("nameserver"),
        search_domain: text("searchdomain"),
        unprivileged: config.unprivileged(),
        nesting: features.flag("nesting"),
        keyctl: features.flag("keyctl"),
        fuse: features.flag("fuse"),
        start_at_boot: config.onboot(),
        tags: shortened(&config.tags().join(" "), LONGEST),
        ..fresh
    };
    match nets.values().next() {
        Some(net) => with_network(form, net),
        None => form,
    }
}

fn with_network(form: CreationForm, net: &PropertyString) -> CreationForm {
    let text = |key: &str| taken_over(net.get(key));
    let method = |value: Option<&str>, none: &str| match value {
        Some(word @ ("dhcp" | "auto")) => word.to_owned(),
        Some("manual") | None => none.to_owned(),
        Some(_) => "static".to_owned(),
    };
    CreationForm {
        bridge: text("bridge"),
        vlan: text("tag"),
        ipv4_method: method(net.get("ip"), "none"),
        ipv4_gateway: text("gw"),
        ipv6_method: method(net.get("ip6"), "none"),
        ipv6_gateway: text("gw6"),
        firewall: net.flag("firewall"),
        ..form
    }
}

/// Whole GiB, at least as much: a size such as `8G`, `512M`, `1T`, or bytes.
fn gibibytes(size: &str) -> Option<u64> {
    let digits = size.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let number: f64 = digits.parse().ok().filter(|number: &f64| number.is_finite() && *number > 0.0)?;
    let factor = match &size[digits.len()..] {
        "T" => 1024.0,
        "G" => 1.0,
        "M" => 1.0 / 1024.0,
        "K" => 1.0 / 1024.0 / 1024.0,
        "" => 1.0 / 1024.0 / 1024.0 / 1024.0,
        _ => return None,
    };
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a positive number of GiB, capped"
    )]
    Some((number * factor).ceil().clamp(1.0, f64::from(u32::MAX)) as u64)
}

/// `web-01` after `web-00`, `db-2` after `db`: a suggestion in the first label.
fn next_name(name: &str) -> String {
    let (label, domain) =
        name.split_once('.').map_or((name, String::new()), |(label, rest)| (label, format!(".{rest}")));
    let stem = label.trim_end_matches(|character: char| character.is_ascii_digit());
    let digits = &label[stem.len()..];
    let next = digits.parse::<u32>().ok().and_then(|number| number.checked_add(1));
    match next {
        Some(next) if stem.ends_with('-') && stem.len() > 1 => {
            format!("{stem}{next:0width$}{domain}", width = digits.len())
        }
        _ if label.is_empty() => String::new(),
        _ => format!("{label}-2{domain}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_next_name_is_a_suggestion() {
        for (name, next) in [
            ("web", "web-2"),
            ("web-2", "web-3"),
            ("web-09", "web-10"),
            ("web-01.home.lan", "web-02.home.lan"),
            ("node12", "node12-2"),
            ("CT102", "CT102-2"),
            ("web-4294967295", "web-4294967295-2"),
            ("", ""),
        ] {
            assert_eq!(next_name(name), next, "{name}");
        }
    }

    #[test]
    fn sizes_are_whole_gibibytes() {
        for (size, expected) in [
            ("8G", Some(8)),
            ("512M", Some(1)),
            ("1.5G", Some(2)),
            ("1T", Some(1024)),
            ("2147483648", Some(2)),
            ("x", None),
            ("-1G", None),
        ] {
            assert_eq!(gibibytes(size), expected, "{size}");
        }
    }

    #[test]
    fn a_configuration_fills_in_what_it_says() {
        let config: ContainerConfig = serde_json::from_value(json!({
            "hostname": "db", "ostype": "debian", "cores": 2, "memory": 1024, "swap": 0, "rootfs": "fast:vm-1-disk-0,size=16G",
            "net0": "name=eth0,bridge=vmbr1,gw=10.0.0.1,hwaddr=BC:24:11:00:00:01,ip=10.0.0.5/24,ip6=auto,tag=7,type=veth,firewall=1",
            "features": "keyctl=1,nesting=1", "unprivileged": 1, "onboot": 1, "tags": "db;home", "nameserver": "1.1.1.1 9.9.9.9",
        }))
        .unwrap();
        let form = from_config(NodeId::new(), &config);
        let texts = [
            &form.hostname,
            &form.ostype,
            &form.cores,
            &form.memory,
            &form.swap,
            &form.storage,
            &form.disk,
            &form.bridge,
            &form.vlan,
            &form.ipv4_method,
            &form.ipv4_gateway,
            &form.ipv6_method,
            &form.tags,
            &form.nameserver,
        ];
        assert_eq!(
            texts.map(String::as_str),
            [
                "db",
                "debian",
                "2",
                "1024",
                "0",
                "fast",
                "16",
                "vmbr1",
                "7",
                "static",
                "10.0.0.1",
                "auto",
                "db home",
                "1.1.1.1 9.9.9.9"
            ]
        );
        assert!(
            form.unprivileged
                && form.nesting
                && form.keyctl
                && !form.fuse
                && form.start_at_boot
                && form.firewall
        );
        let bare = from_config(NodeId::new(), &serde_json::from_value(json!({"hostname": "x"})).unwrap());
        assert_eq!((bare.cores.as_str(), bare.disk.as_str(), bare.unprivileged), ("1", "8", false));
    }
}
