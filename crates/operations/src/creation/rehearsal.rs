//! What a worker brings into a container, without a Proxmox host: `make test-templates` runs it on a real Debian.

use std::path::Path;

use berth_domain::Vmid;
use berth_domain::container_template::ContainerTemplate;
use berth_domain::creation::{CreationSpec, Features, NetworkSpec};
use berth_domain::discovery::Service;
use berth_domain::network::{Ipv4, Ipv6};

use super::{bundle, deploy, steps};
use crate::container_templates;
use crate::services::discovery;

/// Unpacks a bundle from standard input in the directory `$1` and puts its files in place. `sh $1/attach.sh UNIT 0 0` then runs its steps.
pub const UNPACK: &str = deploy::UNPACK;
/// Tells what runs in the container: the input of [`services`].
pub const DISCOVER: &str = discovery::SCRIPT;

/// The container templates below a folder, each with the tar archive that a creation from it sends.
///
/// # Errors
/// What cannot be read, by file and line.
pub fn bundles(folder: &Path) -> Result<Vec<(String, Vec<u8>)>, String> {
    let recipes = container_templates::read_folder(folder)
        .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
    let pack = |recipe: ContainerTemplate| {
        let name = recipe.name.clone();
        let spec = spec(recipe);
        let archive = bundle::pack(&spec.files, &steps::plan(&spec)).map_err(|error| error.to_string())?;
        Ok((name, archive))
    };
    recipes.into_iter().map(pack).collect()
}

/// The services that Berth would show for this output of [`DISCOVER`].
pub fn services(output: &str) -> Vec<Service> {
    discovery::read(output).services
}

/// All that is not of the recipe stays at the host, and does not come into a bundle.
fn spec(recipe: ContainerTemplate) -> CreationSpec {
    CreationSpec {
        vmid: Vmid::new(100).expect("100 is the first container id"),
        hostname: recipe.name,
        os_template: String::new(),
        cores: 1,
        memory: 512,
        swap: 0,
        storage: String::new(),
        disk: 4,
        network: NetworkSpec {
            bridge: String::new(),
            vlan: None,
            ipv4: Ipv4::Dhcp,
            ipv6: Ipv6::None,
            firewall: false,
        },
        nameserver: None,
        search_domain: None,
        features: Features::default(),
        unprivileged: true,
        start_at_boot: false,
        ssh_public_keys: Vec::new(),
        tags: recipe.tags,
        container_template: None,
        packages: recipe.packages,
        installers: recipe.installers,
        scripts: recipe.scripts,
        files: recipe.files,
    }
}
