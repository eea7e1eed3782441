//! What is shown of OS templates that a node does not have yet.

use askama::Template;
use askama_web::WebTemplate;
use berth_domain::os_template::DownloadState;
use berth_operations::os_templates::Appliance;

use super::{Wizard, WizardStep};
use crate::error::NodeTrouble;
use crate::filters;
use crate::forms::{Choice, Field};
use crate::layout::{Layout, Tone};

/// A download of an OS template.
#[derive(Debug, Clone)]
pub struct DownloadView {
    /// The volume id that it will have, or has.
    pub volid: String,
    /// Its file.
    pub file: String,
    /// Where it goes.
    pub storage: String,
    /// Where it stands.
    pub state: DownloadState,
    /// How far it is, once that is known.
    pub percent: Option<u8>,
    /// Why it failed, or why the node does not say how far it is.
    pub problem: Option<String>,
}

impl DownloadView {
    /// The volume id of what is not there yet.
    pub fn coming(&self) -> Option<&str> {
        (self.state == DownloadState::Running).then_some(self.volid.as_str())
    }
}

/// `{draft}/os-templates/progress`: the part of step 2 that follows a download.
#[derive(Template, WebTemplate)]
#[template(path = "wizard/_download.html")]
pub struct DownloadFragment {
    /// Where we are.
    pub wizard: Wizard,
    /// The download.
    pub download: Option<DownloadView>,
    /// Whether the list has to be asked for anew, because it has just ended.
    pub ended: bool,
}

/// `{draft}/os-templates`: what can be downloaded.
#[derive(Template, WebTemplate)]
#[template(path = "wizard/os_templates.html")]
pub struct OsTemplatesPage {
    /// The frame.
    pub layout: Layout,
    /// Where we are.
    pub wizard: Wizard,
    /// The node's display name.
    pub node: String,
    /// What was searched for.
    pub search: String,
    /// What can be downloaded, or why the node does not say.
    pub catalogue: Result<Vec<CatalogueSection>, NodeTrouble>,
    /// The chosen file.
    pub file: Field,
    /// The chosen storage.
    pub storage: Field,
    /// Storages that take OS templates; none means that nothing can be downloaded.
    pub storages: Vec<Choice>,
}

/// A part of Proxmox's catalogue.
#[derive(Debug, Clone)]
pub struct CatalogueSection {
    /// What it is called.
    pub title: String,
    /// What is in it.
    pub appliances: Vec<Appliance>,
}
