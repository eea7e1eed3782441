//! What the wizard has so far, and what becomes of it when it is submitted.

mod again;
mod keys;
mod like;
mod packages;
mod recall;
pub(crate) mod rules;

use berth_domain::NodeId;
use berth_domain::container_template::{ContainerTemplate, Named, Origin, Script, ScriptOutline, Stored};
use berth_domain::creation::{CreationSpec, Features, NetworkSpec};
use berth_domain::network::{InvalidAddress, Ipv4, Ipv6};
use berth_domain::package::{Package, PackageManager};
use serde::{Deserialize, Serialize};
use validator::Validate;

pub use packages::{BucketChoice, ChosenPackages};

use crate::FieldErrors;
use crate::forms::{checkbox, field_errors};
use crate::node_options::Wanted;

pub use like::{Original, like};
pub use recall::recall;

/// Everything the wizard asks, as typed: what a draft stores. It holds no secret. The names of its fields are those of the forms
/// and of the messages; the bounds are those of `POST /nodes/{node}/lxc`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Validate)]
#[serde(default)]
#[allow(clippy::struct_excessive_bools, reason = "one per checkbox of the page")]
pub struct CreationForm {
    /// The container template's id; empty means from scratch.
    pub container_template: String,
    /// What it was called when it was chosen: it may be gone by now.
    pub container_template_title: String,
    /// The kind of OS template that the container template is written for, such as `debian`; empty means any.
    pub ostype: String,
    /// The node's id.
    #[validate(custom(function = "rules::node"))]
    pub node: String,
    /// A DNS name.
    #[validate(custom(function = "rules::hostname"))]
    pub hostname: String,
    /// 100 to 999999999.
    #[validate(custom(function = "rules::vmid"))]
    pub vmid: String,
    /// Volume id of the OS template.
    #[validate(custom(function = "rules::os_template"))]
    pub os_template: String,
    /// CPU cores, 1 to 8192.
    #[validate(custom(function = "rules::cores"))]
    pub cores: String,
    /// Memory in MiB, at least 16.
    #[validate(custom(function = "rules::memory"))]
    pub memory: String,
    /// Swap in MiB, 0 for none.
    #[validate(custom(function = "rules::swap"))]
    pub swap: String,
    /// Storage of the root disk.
    #[validate(custom(function = "rules::storage"))]
    pub storage: String,
    /// Root disk in GiB, at least 1.
    #[validate(custom(function = "rules::disk"))]
    pub disk: String,
    /// Bridge, such as `vmbr0`.
    #[validate(custom(function = "rules::bridge"))]
    pub bridge: String,
    /// VLAN tag, 1 to 4094; empty for none.
    #[validate(custom(function = "rules::vlan"))]
    pub vlan: String,
    /// `dhcp`, `static` or `none`.
    #[validate(custom(function = "rules::ipv4_method"))]
    pub ipv4_method: String,
    /// With `static`: address and prefix length.
    pub ipv4_address: String,
    /// With `static`: gateway, or empty.
    pub ipv4_gateway: String,
    /// `none`, `auto`, `dhcp` or `static`.
    #[validate(custom(function = "rules::ipv6_method"))]
    pub ipv6_method: String,
    /// With `static`: address and prefix length.
    pub ipv6_address: String,
    /// With `static`: gateway, or empty.
    pub ipv6_gateway: String,
    /// Whether Proxmox's firewall applies.
    #[serde(deserialize_with = "checkbox")]
    pub firewall: bool,
    /// DNS servers' addresses; empty for the host's own.
    #[validate(custom(function = "rules::nameserver"))]
    pub nameserver: String,
    /// DNS search domains; empty for the host's own.
    #[validate(custom(function = "rules::search_domain"))]
    pub search_domain: String,
    /// Whether root inside is an ordinary user outside.
    #[serde(deserialize_with = "checkbox")]
    pub unprivileged: bool,
    /// `nesting`.
    #[serde(deserialize_with = "checkbox")]
    pub nesting: bool,
    /// `keyctl`, for unprivileged containers only.
    #[serde(deserialize_with = "checkbox")]
    pub keyctl: bool,
    /// `fuse`.
    #[serde(deserialize_with = "checkbox")]
    pub fuse: bool,
    /// Start with the host.
    #[serde(deserialize_with = "checkbox")]
    pub start_at_boot: bool,
    /// Public keys for root, one a line.
    #[validate(custom(function = "rules::ssh_public_keys"))]
    pub ssh_public_keys: String,
    /// Tags, separated by spaces, commas or semicolons.
    #[validate(custom(function = "rules::tags"))]
    pub tags: String,
    /// The node that the choices from its lists were made for; empty before any was.
    pub fitted: String,
    /// A host name to suggest.
    pub hostname_hint: String,
    /// The OS template to choose where nothing is chosen and it fits, such as that of the person's last creation.
    pub preferred_os_template: String,
    /// The container template's packages.
    pub packages: Vec<PackageChoice>,
    /// The container template's installers.
    pub installers: Vec<ScriptChoice>,
    /// The package buckets that are switched on.
    pub buckets: Vec<BucketChoice>,
    /// The manager of [`Self::extra_packages`].
    pub extra_manager: String,
    /// More packages, as [`berth_domain::package::paste`] reads them.
    pub extra_packages: String,
    /// The container template's scripts in the order in which they are to run.
    pub scripts: Vec<ScriptChoice>,
}

/// A package of the container template, on or off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackageChoice {
    /// The package.
    pub package: Package,
    /// Whether it is installed.
    pub on: bool,
}

/// A script or an installer of the container template, on or off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptChoice {
    /// Its name.
    pub name: String,
    /// Whether it runs.
    pub on: bool,
}

impl Default for CreationForm {
    /// What Proxmox's own dialog starts with, and nesting, without which a recent systemd does not work well.
    fn default() -> Self {
        let empty = String::new;
        Self {
            container_template: empty(),
            container_template_title: empty(),
            ostype: empty(),
            node: empty(),
            hostname: empty(),
            vmid: empty(),
            os_template: empty(),
            cores: "1".into(),
            memory: "512".into(),
            swap: "512".into(),
            storage: empty(),
            disk: "8".into(),
            bridge: empty(),
            vlan: empty(),
            ipv4_method: "dhcp".into(),
            ipv4_address: empty(),
            ipv4_gateway: empty(),
            ipv6_method: "none".into(),
            ipv6_address: empty(),
            ipv6_gateway: empty(),
            firewall: true,
            nameserver: empty(),
            search_domain: empty(),
            unprivileged: true,
            nesting: true,
            keyctl: false,
            fuse: false,
            start_at_boot: false,
            ssh_public_keys: empty(),
            tags: empty(),
            fitted: empty(),
            hostname_hint: empty(),
            preferred_os_template: empty(),
            packages: Vec::new(),
            installers: Vec::new(),
            buckets: Vec::new(),
            extra_manager: PackageManager::Apt.name().into(),
            extra_packages: empty(),
            scripts: Vec::new(),
        }
    }
}

impl CreationForm {
    /// A form prefilled from a container template.
    pub fn from_container_template(chosen: &Stored) -> Self {
        let mut form = Self::default();
        form.choose(Some(chosen));
        form
    }

    /// Chooses a container template, or none: its defaults, tags, packages and scripts replace what was there; node, name, VMID,
    /// storage and network stay.
    pub fn choose(&mut self, chosen: Option<&Stored>) {
        let fresh = Self::default();
        self.container_template = chosen.map(|chosen| chosen.id.to_string()).unwrap_or_default();
        let recipe = chosen.map(|chosen| &chosen.recipe);
        self.container_template_title = recipe.map(|recipe| recipe.title.clone()).unwrap_or_default();
        let defaults = recipe.map(|recipe| recipe.defaults.clone()).unwrap_or_default();
        let number = |value: Option<u32>, default: String| value.map_or(default, |value| value.to_string());
        self.ostype = defaults.ostype.unwrap_or_default();
        self.os_template.clear();
        self.cores = number(defaults.cores, fresh.cores);
        self.memory = number(defaults.memory, fresh.memory);
        self.swap = number(defaults.swap, fresh.swap);
        self.disk = number(defaults.disk, fresh.disk);
        self.unprivileged = defaults.unprivileged.unwrap_or(fresh.unprivileged);
        self.nesting = defaults.nesting.unwrap_or(fresh.nesting);
        self.keyctl = defaults.keyctl.unwrap_or(fresh.keyctl);
        self.fuse = defaults.fuse.unwrap_or(fresh.fuse);
        self.tags = recipe.map(|recipe| recipe.tags.join(" ")).unwrap_or_default();
        let packages = recipe.map(|recipe| recipe.packages.clone()).unwrap_or_default();
        self.packages = packages.into_iter().map(|package| PackageChoice { package, on: true }).collect();
        let names = |scripts: &[ScriptOutline]| all_on(scripts.iter().map(|script| &script.name));
        self.installers = recipe.map(|recipe| names(&recipe.installers)).unwrap_or_default();
        self.scripts = recipe.map(|recipe| names(&recipe.scripts)).unwrap_or_default();
    }

    /// What Docker needs inside an unprivileged container.
    pub fn make_ready_for_docker(&mut self) {
        (self.unprivileged, self.nesting, self.keyctl, self.fuse) = (true, true, true, true);
    }

    /// Takes the keys as pasted, but for what may be a private one: that is never kept. The message then is for beside the field.
    pub fn paste_ssh_public_keys(&mut self, text: &str) -> Option<String> {
        let (kept, private) = keys::without_private(text);
        self.ssh_public_keys = kept;
        private.map(|line| format!("line {line}: {}", keys::PRIVATE))
    }

    /// The node, once one is chosen.
    pub fn node_id(&self) -> Option<NodeId> {
        self.node.parse().ok()
    }

    /// What the container would take from the node, as far as it can be read.
    pub fn wanted(&self) -> Wanted<'_> {
        Wanted {
            cores: rules::number(&self.cores).ok(),
            memory: rules::number(&self.memory).ok(),
            swap: rules::number(&self.swap).ok(),
            disk: rules::number(&self.disk).ok(),
            storage: &self.storage,
        }
    }

    /// What is wrong with the fields of the configuration, all but packages and scripts.
    pub fn configuration_errors(&self) -> FieldErrors {
        let mut errors = self.validate().map_or_else(|errors| field_errors(&errors), |()| FieldErrors::new());
        if let Err((field, problem)) = self.ipv4() {
            errors.add(field, problem.to_string());
        }
        if let Err((field, problem)) = self.ipv6() {
            errors.add(field, problem.to_string());
        }
        if self.keyctl && !self.unprivileged {
            errors.add("keyctl", "keyctl is for unprivileged containers only: switch one of the two");
        }
        errors
    }

    /// The messages beside all fields. `chosen` is the container template that [`Self::container_template`] names.
    pub fn errors<S: Named, F>(&self, chosen: Option<&Stored<ContainerTemplate<S, F>>>) -> FieldErrors {
        let mut errors = self.configuration_errors();
        merge(&mut errors, &self.chosen_packages().errors);
        if chosen.map(|chosen| chosen.id.to_string()).unwrap_or_default() != self.container_template {
            errors.add("container_template", "this container template is not there any more: choose another");
        }
        let recipe = chosen.map(|chosen| &chosen.recipe);
        for (field, choices, known) in [
            ("installers", &self.installers, recipe.map(|recipe| recipe.installers.as_slice())),
            ("scripts", &self.scripts, recipe.map(|recipe| recipe.scripts.as_slice())),
        ] {
            let known = known.unwrap_or_default();
            let is_gone = |choice: &&ScriptChoice| known.iter().all(|script| script.name() != choice.name);
            for choice in choices.iter().filter(|choice| choice.on).filter(is_gone) {
                errors.add(field, format!("{} is not in the container template any more", choice.name));
            }
        }
        errors
    }

    /// What a creation needs, or [`Self::errors`].
    pub fn to_spec(&self, chosen: Option<&Stored<ContainerTemplate>>) -> Result<CreationSpec, FieldErrors> {
        let errors = self.errors(chosen);
        let recipe = chosen.map(|chosen| &chosen.recipe);
        let numbers = (
            rules::number(&self.cores),
            rules::number(&self.memory),
            rules::number(&self.swap),
            rules::number(&self.disk),
        );
        let (Ok(vmid), (Ok(cores), Ok(memory), Ok(swap), Ok(disk)), Ok(ipv4), Ok(ipv6), true) =
            (self.vmid.parse(), numbers, self.ipv4(), self.ipv6(), errors.is_empty())
        else {
            return Err(errors);
        };
        Ok(CreationSpec {
            vmid,
            hostname: self.hostname.trim().into(),
            os_template: self.os_template.clone(),
            cores,
            memory,
            swap,
            storage: self.storage.clone(),
            disk,
            network: NetworkSpec {
                bridge: self.bridge.clone(),
                vlan: self.vlan.trim().parse().ok(),
                ipv4,
                ipv6,
                firewall: self.firewall,
            },
            nameserver: rules::words(&self.nameserver),
            search_domain: rules::words(&self.search_domain),
            features: Features { nesting: self.nesting, keyctl: self.keyctl, fuse: self.fuse },
            unprivileged: self.unprivileged,
            start_at_boot: self.start_at_boot,
            ssh_public_keys: keys::lines(&self.ssh_public_keys).map(|(_, line)| line.to_owned()).collect(),
            tags: rules::split_tags(&self.tags),
            container_template: chosen.map(|chosen| Origin {
                id: Some(chosen.id),
                name: chosen.recipe.name.clone(),
                title: chosen.recipe.title.clone(),
            }),
            packages: self.chosen_packages().packages,
            installers: switched_on(&self.installers, recipe.map(|recipe| recipe.installers.as_slice())),
            scripts: switched_on(&self.scripts, recipe.map(|recipe| recipe.scripts.as_slice())),
            files: recipe.map(|recipe| recipe.files.clone()).unwrap_or_default(),
        })
    }

    fn ipv4(&self) -> Result<Ipv4, (&'static str, InvalidAddress)> {
        match self.ipv4_method.as_str() {
            "static" => Ipv4::parse_static(&self.ipv4_address, &self.ipv4_gateway)
                .map_err(|problem| (beside(problem, "ipv4_address", "ipv4_gateway"), problem)),
            "none" => Ok(Ipv4::None),
            _ => Ok(Ipv4::Dhcp),
        }
    }

    fn ipv6(&self) -> Result<Ipv6, (&'static str, InvalidAddress)> {
        match self.ipv6_method.as_str() {
            "static" => Ipv6::parse_static(&self.ipv6_address, &self.ipv6_gateway)
                .map_err(|problem| (beside(problem, "ipv6_address", "ipv6_gateway"), problem)),
            "auto" => Ok(Ipv6::Auto),
            "dhcp" => Ok(Ipv6::Dhcp),
            _ => Ok(Ipv6::None),
        }
    }
}

fn all_on<'a>(names: impl Iterator<Item = &'a String>) -> Vec<ScriptChoice> {
    names.map(|name| ScriptChoice { name: name.clone(), on: true }).collect()
}

/// Those that are on, in their order, as the container template has them now.
fn switched_on(choices: &[ScriptChoice], known: Option<&[Script]>) -> Vec<Script> {
    let known = known.unwrap_or_default();
    let on = choices.iter().filter(|choice| choice.on);
    on.filter_map(|choice| known.iter().find(|script| script.name == choice.name).cloned()).collect()
}

fn beside(problem: InvalidAddress, address: &'static str, gateway: &'static str) -> &'static str {
    match problem {
        InvalidAddress::Cidr | InvalidAddress::Prefix | InvalidAddress::NotAHost => address,
        InvalidAddress::Gateway | InvalidAddress::GatewayOutside | InvalidAddress::GatewayIsSelf => gateway,
    }
}

fn merge(errors: &mut FieldErrors, more: &FieldErrors) {
    for (field, messages) in more.iter() {
        for message in messages {
            errors.add(field.to_owned(), message);
        }
    }
}

#[cfg(test)]
mod tests;
