//! What the five steps to a new container show.

use std::cmp::Ordering;

use askama::Template;
use askama_web::WebTemplate;
use time::OffsetDateTime;

use crate::error::NodeTrouble;
use crate::filters;
use crate::forms::{Choice, Field};
use crate::layout::{Layout, Tone};
use crate::pages::container_templates::search::SearchView;
use crate::pages::container_templates::view::PackageList;
use crate::pages::containers::view::Fact;
use crate::pages::packages::view::UnreadLines;

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
    /// What it is to become.
    pub title: String,
    /// When it was last changed.
    pub updated_at: OffsetDateTime,
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
    /// Somebody has it.
    Taken {
        /// Who.
        name: String,
        /// The PVE node; none while it is being created.
        node: Option<String>,
    },
    /// It could not be asked.
    Unknown(String),
}

/// `{draft}/vmid`: the answer while typing.
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
    /// `dhcp` or `static`.
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
    /// The ways to an IPv4 address.
    pub fn ipv4_choices() -> Vec<Choice> {
        vec![Choice::new("dhcp", "DHCP"), Choice::new("static", "Static")]
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

/// What the chosen node offers.
#[derive(Debug, Clone, Default)]
pub struct NodeOffer {
    /// OS templates by volume id.
    pub os_templates: Offered,
    /// Storages for root disks, with their free space in the label.
    pub storages: Offered,
    /// Bridges.
    pub bridges: Offered,
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
    /// What is known about the VMID.
    pub vmid_check: VmidCheck,
    /// What the node offers, or why it does not say.
    pub offer: Result<NodeOffer, NodeTrouble>,
}

/// A package that can be left out.
#[derive(Debug, Clone)]
pub struct PackageToggle {
    /// `manager:name`, which is sent as `packages`.
    pub value: String,
    /// Its name.
    pub name: String,
    /// Whether it is installed.
    pub on: bool,
}

/// Packages of one manager or bucket.
#[derive(Debug, Clone)]
pub struct PackageGroup {
    /// Such as `apt`.
    pub title: String,
    /// Where they come from.
    pub note: String,
    /// The packages.
    pub packages: Vec<PackageToggle>,
}

/// How a bucket that is on differs from what it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BucketState {
    /// Not at all, or it is off.
    AsItIs,
    /// Others are in it.
    Changed {
        /// What is new in it.
        added: String,
        /// What is no more in it.
        removed: String,
    },
    /// It is not there any more.
    Deleted,
}

/// A bucket that can be switched on.
#[derive(Debug, Clone)]
pub struct BucketToggle {
    /// Its id, which is sent as `buckets`.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How many packages it has.
    pub count: usize,
    /// Its packages, as they are installed.
    pub packages: Vec<PackageList>,
    /// Whether they are.
    pub on: bool,
    /// Whether it is still what was switched on.
    pub state: BucketState,
}

/// Step 3.
#[derive(Template, WebTemplate)]
#[template(path = "wizard/packages.html")]
pub struct PackagesStepPage {
    /// The frame.
    pub layout: Layout,
    /// Where we are.
    pub wizard: Wizard,
    /// What the container template brings.
    pub groups: Vec<PackageGroup>,
    /// What is wrong with that.
    pub problem: Option<String>,
    /// The manager that installs [`Self::extra_packages`].
    pub extra_manager: String,
    /// More packages, one per line.
    pub extra_packages: Field,
    /// What of them cannot be read.
    pub unread: UnreadLines,
    /// The person's buckets.
    pub buckets: Vec<BucketToggle>,
    /// What is wrong with them.
    pub buckets_error: Option<String>,
    /// All that is on, merged, by manager.
    pub sum: Vec<PackageList>,
    /// How many that are.
    pub total: usize,
    /// What to think of before they are installed.
    pub warnings: Vec<String>,
}

/// A script that can be left out or moved.
#[derive(Debug, Clone)]
pub struct ScriptItem {
    /// Its name, which is sent as `scripts` and in `move`.
    pub name: String,
    /// What it does.
    pub description: Option<String>,
    /// The address of its text and how many bytes that has; none when the container template does not have it any more.
    pub content: Option<(String, u64)>,
    /// Whether it is run.
    pub on: bool,
}

/// A script's text, for the step.
#[derive(Template, WebTemplate)]
#[template(path = "wizard/_script.html")]
pub struct ScriptFragment {
    /// Its text, or its beginning; none when it is not there any more.
    pub content: Option<String>,
    /// Where all of it is and how many bytes that has, when this is only its beginning.
    pub rest: Option<(String, u64)>,
}

/// A script's text as a page.
#[derive(Template, WebTemplate)]
#[template(path = "wizard/script.html")]
pub struct ScriptPage {
    /// The frame.
    pub layout: Layout,
    /// The step's address.
    pub back: String,
    /// Its name.
    pub name: String,
    /// Its text; none when it is not there any more.
    pub content: Option<String>,
}

/// Step 4. Moving sends `move=up:NAME` or `move=down:NAME`.
#[derive(Template, WebTemplate)]
#[template(path = "wizard/scripts.html")]
pub struct ScriptsStepPage {
    /// The frame.
    pub layout: Layout,
    /// Where we are.
    pub wizard: Wizard,
    /// The scripts in their order.
    pub scripts: Vec<ScriptItem>,
    /// What is wrong with them.
    pub error: Option<String>,
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
}

/// `/containers/new` without any node.
#[derive(Template, WebTemplate)]
#[template(path = "wizard/no_nodes.html")]
pub struct NoNodesPage {
    /// The frame.
    pub layout: Layout,
}
