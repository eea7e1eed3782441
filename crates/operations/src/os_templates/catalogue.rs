//! What Proxmox offers for download, as a node knows it.

use std::collections::BTreeMap;

use berth_domain::os_template::compare_names;
use berth_domain::{NodeId, UserId};

use super::DEADLINE;
use crate::foreign::shortened;
use crate::node_options::{self, MOST_OS_TEMPLATES, Offer, StorageSpace};
use crate::{Context, NodeConnection, Result};

/// The largest catalogue that is read, in bytes: Proxmox's own has some hundred entries of a KiB each.
const MOST_BYTES: usize = 4 << 20;
/// How much is kept of what is said about an OS template, in characters.
const LONGEST: usize = 1000;

/// Proxmox's catalogue on a node, and where a file of it may go.
#[derive(Clone, Debug)]
pub struct Catalogue {
    /// What can be downloaded, by section, Proxmox's own systems first.
    pub sections: Vec<Section>,
    /// Storages that take OS templates and work; empty when there are none or the token sees none.
    pub storages: Offer<Vec<StorageSpace>>,
}

/// A part of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Proxmox's name for it: `system`, `turnkeylinux`, `mail`.
    pub name: String,
    /// What is in it, by kind, the newest of each first.
    pub appliances: Vec<Appliance>,
}

/// An OS template that can be downloaded. The catalogue does not tell its size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appliance {
    /// The file, which is asked for.
    pub file: String,
    /// One line about it.
    pub headline: String,
    /// More about it.
    pub description: String,
    /// Its version.
    pub version: String,
    /// The operating system, such as `debian-12`.
    pub os: String,
    /// Storages that have this very file.
    pub on: Vec<String>,
}

/// Asks one of the user's nodes for the catalogue. Without one the node has never run `pveam update`: the list is empty then.
pub async fn catalogue(ctx: &Context, user: UserId, node: NodeId) -> Result<Catalogue> {
    let connection = NodeConnection::for_user(ctx, user, node).await?;
    let client = connection.client.within(DEADLINE).max_response(MOST_BYTES);
    let (found, options) =
        tokio::join!(client.appliances(connection.pve_node()), node_options::of(&connection));
    let found = found.map_err(|error| connection.trouble(error))?;
    let present = options.os_templates.unwrap_or_default();
    let mut storages_of: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for os_template in &present {
        storages_of.entry(os_template.file()).or_default().push(&os_template.storage);
    }
    let mut by_section: BTreeMap<(bool, String), Vec<Appliance>> = BTreeMap::new();
    let found = found.into_iter().filter(|each| each.kind.as_deref().is_none_or(|kind| kind == "lxc"));
    for appliance in found.take(MOST_OS_TEMPLATES) {
        let section = appliance.section.unwrap_or_else(|| "other".into());
        let on = storages_of.get(appliance.file.as_str()).into_iter().flatten();
        by_section.entry((section != "system", section)).or_default().push(Appliance {
            on: on.map(|storage| (*storage).to_owned()).collect(),
            headline: shortened(appliance.headline.as_deref().unwrap_or(&appliance.file), LONGEST),
            description: shortened(appliance.description.unwrap_or_default().trim(), LONGEST),
            version: appliance.version.unwrap_or_default(),
            os: appliance.os.unwrap_or_default(),
            file: appliance.file,
        });
    }
    let section = |((_, name), mut appliances): ((bool, String), Vec<Appliance>)| {
        appliances.sort_by(|a, b| kind(a).cmp(kind(b)).then_with(|| compare_names(&b.file, &a.file)));
        Section { name, appliances }
    };
    Ok(Catalogue {
        sections: by_section.into_iter().map(section).collect(),
        storages: options.os_template_storages,
    })
}

/// The distribution.
fn kind(appliance: &Appliance) -> &str {
    appliance.file.split('-').next().unwrap_or_default()
}
