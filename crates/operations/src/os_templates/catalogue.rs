//! What Proxmox offers for download, as a node knows it.

use std::collections::BTreeMap;

use berth_domain::os_template::compare_names;
use berth_domain::{NodeId, UserId};

use super::DEADLINE;
use crate::node_options::{self, Offer, StorageSpace};
use crate::{Context, NodeConnection, Result};

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
    let client = connection.client.within(DEADLINE);
    let (found, options) =
        tokio::join!(client.appliances(connection.pve_node()), node_options::of(&connection));
    let found = found.map_err(|error| connection.trouble(error))?;
    let present = options.os_templates.unwrap_or_default();
    let mut by_section: BTreeMap<(bool, String), Vec<Appliance>> = BTreeMap::new();
    for appliance in found.into_iter().filter(|each| each.kind.as_deref().is_none_or(|kind| kind == "lxc")) {
        let section = appliance.section.unwrap_or_else(|| "other".into());
        let on = present.iter().filter(|each| each.file() == appliance.file);
        by_section.entry((section != "system", section)).or_default().push(Appliance {
            on: on.map(|each| each.storage.clone()).collect(),
            headline: appliance.headline.unwrap_or_else(|| appliance.file.clone()),
            description: appliance.description.unwrap_or_default().trim().to_owned(),
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
