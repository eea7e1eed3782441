//! What the five steps to a new container show.

mod os_templates;
mod packages;
mod scripts;

use std::cmp::Ordering;
use std::collections::BTreeMap;

use askama::Template;
use askama_web::WebTemplate;
use berth_domain::os_template::DownloadState;
use berth_operations::drafts::KEPT_DAYS;
use time::OffsetDateTime;

pub use os_templates::{CatalogueSection, DownloadFragment, DownloadView, OsTemplatesPage};
pub use packages::{BucketState, BucketToggle, PackageGroup, PackageToggle, PackagesStepPage};
pub use scripts::{ScriptFragment, ScriptItem, ScriptPage, ScriptsStepPage};

use crate::error::NodeTrouble;
use crate::filters;
use crate::forms::{Choice, Field};
use crate::layout::{Layout, Tone};
use crate::pages::container_templates::search::SearchView;
use crate::pages::containers::view::Fact;

/// A step of the wizard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WizardStep {
    /// Choice of a container template.
    Template,
    /// Node, resources, network, options.
    Configure,
    /// Packages on and off.
    Packages,
    /// Scripts on and off, and their order.
    Scripts,
    /// Everything once more.
    Review,
}

impl WizardStep {
    /// All steps in their order.
    pub const ALL: [Self; 5] = [Self::Template, Self::Configure, Self::Packages, Self::Scripts, Self::Review];

    /// What it is called.
    pub fn label(self) -> &'static str {
        match self {
            Self::Template => "Template",
            Self::Configure => "Configure",
            Self::Packages => "Packages",
            Self::Scripts => "Scripts",
            Self::Review => "Review",
        }
    }

    /// The last part of its address.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Template => "template",
            Self::Configure => "configure",
            Self::Packages => "packages",
            Self::Scripts => "scripts",
            Self::Review => "review",
        }
    }

    fn before(self) -> Option<Self> {
        let position = Self::ALL.iter().position(|step| *step == self)?;
        position.checked_sub(1).map(|index| Self::ALL[index])
    }
}

/// Where in the wizard a page is.
#[derive(Debug, Clone)]
pub struct Wizard {
    /// The draft's address, without a trailing slash.
    pub base: String,
    /// The step shown.
    pub step: WizardStep,
    /// The furthest step that may be opened.
    pub reached: WizardStep,
    /// Whether there is any node to create a container on.
    pub has_nodes: bool,
    /// The version of the draft that the page shows, which its form sends.
    pub version: i32,
    /// Whether what was sent came from a page that shows an older one, so that nothing was kept.
    pub behind: bool,
}

impl Wizard {
    /// The address of a step.
    pub fn href(&self, step: &WizardStep) -> String {
        format!("{}/{}", self.base, step.slug())
    }

    /// The address of the step shown, where its form is sent.
    pub fn here(&self) -> String {
        self.href(&self.step)
    }

    /// The address of the step before, if there is one.
    pub fn back(&self) -> Option<String> {
        self.step.before().map(|step| self.href(&step))
    }

    /// The CSS class of a step.
    pub fn class(&self, step: &WizardStep) -> &'static str {
        match step.cmp(&self.step) {
            Ordering::Less => "step-done",
            Ordering::Equal => "step-current",
            Ordering::Greater => "",
        }
    }

    /// Whether a step can be opened from here.
    pub fn can_open(&self, step: &WizardStep) -> bool {
        *step != self.step && *step <= self.reached
    }
}

/// A container template to choose.
#[derive(Debug, Clone)]
pub struct ContainerTemplateChoice {
    /// Its id, which is sent.
    pub id: String,
    /// Its title.
    pub title: String,
    /// What it is good for.
    pub description: String,
    /// Whether it was written by the reader; else it was found on disk.
    pub own: bool,
    /// Its tags.
    pub tags: Vec<String>,
    /// How many packages it installs.
    pub packages: usize,
    /// How many scripts it runs.
    pub scripts: usize,
    /// How many files it brings.
    pub files: usize,
}

/// Another draft of the same person.
#[derive(Debug, Clone)]
pub struct UnfinishedDraft {
    /// Its address, without a trailing slash.
    pub base: String,
    /// What it is called.
    pub title: String,
    /// The container template's title.
    pub template: String,
    /// The VMID, as typed.
    pub vmid: Option<String>,
    /// The node, if it is still there.
    pub node: Option<String>,
    /// The step that is next.
    pub step: WizardStep,
    /// When it was last changed.
    pub updated_at: OffsetDateTime,
}

/// `/containers/new` for somebody who has as many drafts as one may have.
#[derive(Template, WebTemplate)]
#[template(path = "wizard/too_many.html")]
pub struct TooManyDraftsPage {
    /// The frame.
    pub layout: Layout,
    /// What was begun and not finished.
    pub unfinished: Vec<UnfinishedDraft>,
}

impl TooManyDraftsPage {
    /// Where discarding one leads back to.
    #[allow(clippy::unused_self, reason = "its partial is shared with a page that has an address of its own")]
    pub fn here(&self) -> String {
        "/containers/new".into()
    }
}

/// A step of a draft that was discarded.
#[derive(Template, WebTemplate)]
#[template(path = "wizard/discarded.html")]
pub struct DiscardedPage {
    /// The frame.
    pub layout: Layout,
    /// What the draft is called.
    pub title: String,
    /// Its address, without a trailing slash.
    pub base: String,
}

/// Step 1.
#[derive(Template, WebTemplate)]
#[template(path = "wizard/template.html")]
pub struct TemplateStepPage {
    /// The frame.
    pub layout: Layout,
    /// Where we are.
    pub wizard: Wizard,
    /// What can be chosen.
    pub choices: Vec<ContainerTemplateChoice>,
    /// Whether there are any, found or not.
    pub any: bool,
    /// What is looked for.
    pub search: SearchView,
    /// The chosen id in `container_template`; empty for "from scratch".
    pub chosen: Field,
    /// What else was begun and not finished.
    pub unfinished: Vec<UnfinishedDraft>,
}

/// What is known about a typed VMID.
#[derive(Debug, Clone)]
pub enum VmidCheck {
    /// Nothing typed.
    Empty,
    /// Not a VMID.
    Invalid(String),
    /// Nobody has it.
    Available,
    /// Somebody has it; who, after "Taken".
    Taken(String),
    /// It could not be asked.
    Unknown(String),
}

/// `/containers/new/vmid`: the answer while typing.
#[derive(Template, WebTemplate)]
#[template(path = "wizard/_vmid.html")]
pub struct VmidFragment {
    /// What is known.
    pub check: VmidCheck,
}

/// What was typed in step 2.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools, reason = "one per checkbox of the form")]
pub struct ConfigureForm {
    /// Node id.
    pub node: Field,
    /// Hostname.
    pub hostname: Field,
    /// VMID.
    pub vmid: Field,
    /// Volume id of the OS template.
    pub os_template: Field,
    /// Processor cores.
    pub cores: Field,
    /// MiB.
    pub memory: Field,
    /// MiB.
    pub swap: Field,
    /// GiB.
    pub disk: Field,
    /// Storage of the root disk.
    pub storage: Field,
    /// Bridge.
    pub bridge: Field,
    /// VLAN tag.
    pub vlan: Field,
    /// `dhcp`, `static` or `none`.
    pub ipv4_method: Field,
    /// CIDR.
    pub ipv4_address: Field,
    /// Gateway.
    pub ipv4_gateway: Field,
    /// `none`, `auto`, `dhcp` or `static`.
    pub ipv6_method: Field,
    /// CIDR.
    pub ipv6_address: Field,
    /// Gateway.
    pub ipv6_gateway: Field,
    /// Proxmox's firewall on this interface.
    pub firewall: bool,
    /// DNS servers.
    pub nameserver: Field,
    /// DNS search domain.
    pub search_domain: Field,
    /// Unprivileged container.
    pub unprivileged: bool,
    /// Nesting.
    pub nesting: bool,
    /// Keyctl.
    pub keyctl: bool,
    /// What is wrong with it.
    pub keyctl_error: Option<String>,
    /// FUSE.
    pub fuse: bool,
    /// Start at boot.
    pub start_at_boot: bool,
    /// SSH public keys, one per line.
    pub ssh_public_keys: Field,
    /// Tags.
    pub tags: Field,
    /// How many fields have a message.
    pub error_count: usize,
}

impl ConfigureForm {
    /// One of the fields that hold a number: `cores`, `memory`, `swap` or `disk`.
    pub fn number(&self, name: &str) -> &Field {
        match name {
            "cores" => &self.cores,
            "memory" => &self.memory,
            "swap" => &self.swap,
            _ => &self.disk,
        }
    }

    /// The ways to an IPv4 address.
    pub fn ipv4_choices() -> Vec<Choice> {
        vec![Choice::new("dhcp", "DHCP"), Choice::new("static", "Static"), Choice::new("none", "None")]
    }

    /// The ways to an IPv6 address.
    pub fn ipv6_choices() -> Vec<Choice> {
        vec![
            Choice::new("none", "None"),
            Choice::new("auto", "Automatic"),
            Choice::new("dhcp", "DHCP"),
            Choice::new("static", "Static"),
        ]
    }
}

/// One of the lists that the chosen node offers.
#[derive(Debug, Clone, Default)]
pub struct Offered {
    /// What can be chosen.
    pub choices: Vec<Choice>,
    /// Why nothing is known; it is typed then.
    pub problem: Option<String>,
}

/// OS templates of one storage.
#[derive(Debug, Clone)]
pub struct OsTemplateGroup {
    /// The storage, or why these are apart.
    pub label: String,
    /// By volume id.
    pub choices: Vec<Choice>,
}

/// What the chosen node offers.
#[derive(Debug, Clone, Default)]
pub struct NodeOffer {
    /// OS templates by storage.
    pub os_templates: Vec<OsTemplateGroup>,
    /// Why none are known; one is typed then.
    pub os_template_problem: Option<String>,
    /// Cores, memory and swap that the node has, in one line; empty when it does not say.
    pub capacity: String,
    /// What is more than the node has or has free, by field.
    pub doubts: BTreeMap<&'static str, String>,
    /// Storages for root disks, with their free space in the label.
    pub storages: Offered,
    /// Bridges.
    pub bridges: Offered,
}

impl NodeOffer {
    /// What is too much in one of the fields that hold a number.
    pub fn doubt(&self, field: &str) -> Option<&String> {
        self.doubts.get(field)
    }
}

/// Step 2. A node that does not answer is shown with a way to try again; the draft stays.
#[derive(Template, WebTemplate)]
#[template(path = "wizard/configure.html")]
pub struct ConfigureStepPage {
    /// The frame.
    pub layout: Layout,
    /// Where we are.
    pub wizard: Wizard,
    /// All nodes by id.
    pub nodes: Vec<Choice>,
    /// What was typed.
    pub form: ConfigureForm,
    /// The node whose lists are shown.
    pub fitted: String,
    /// A host name to suggest.
    pub hostname_hint: String,
    /// What is known about the VMID.
    pub vmid_check: VmidCheck,
    /// What the node offers, or why it does not say.
    pub offer: Result<NodeOffer, NodeTrouble>,
    /// What was chosen anew because this node does not have it.
    pub changed: Vec<String>,
    /// The download of the chosen OS template.
    pub download: Option<DownloadView>,
}

/// A part of the review.
#[derive(Debug, Clone)]
pub struct ReviewSection {
    /// What it is about.
    pub title: String,
    /// The step that changes it.
    pub step: WizardStep,
    /// What was chosen.
    pub facts: Vec<Fact>,
}

/// Step 5.
#[derive(Template, WebTemplate)]
#[template(path = "wizard/review.html")]
pub struct ReviewStepPage {
    /// The frame.
    pub layout: Layout,
    /// Where we are.
    pub wizard: Wizard,
    /// Everything.
    pub sections: Vec<ReviewSection>,
    /// What may go wrong.
    pub warnings: Vec<String>,
    /// Why the node could not be asked; everything typed is kept.
    pub trouble: Option<NodeTrouble>,
    /// Why it was not accepted, with the step that mends it.
    pub problem: Option<(String, WizardStep)>,
    /// The VMID, where another one is needed.
    pub vmid: Option<Field>,
    /// The node's id, on which that VMID is looked up.
    pub node: String,
    /// The version of the container template that the page shows, which its form sends.
    pub recipe_version: Option<i32>,
    /// Whether what was sent came from a page that shows an older one, so that nothing was created.
    pub recipe_changed: bool,
    /// Why it was not created for now: too many creations are under way.
    pub too_many: Option<String>,
}

/// `/containers/new` without any node.
#[derive(Template, WebTemplate)]
#[template(path = "wizard/no_nodes.html")]
pub struct NoNodesPage {
    /// The frame.
    pub layout: Layout,
}
