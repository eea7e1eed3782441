//! What the tab of services shows.

use askama::Template;
use askama_web::WebTemplate;
use berth_domain::Secret;
use berth_domain::discovery::Credential;
use secrecy::ExposeSecret as _;
use time::OffsetDateTime;

use crate::badge::State;
use crate::error::NodeTrouble;
use crate::filters;
use crate::layout::Layout;
use crate::pages::containers::view::{Frame, ServiceLink, Tab};

/// A service found in a container.
#[derive(Debug, Clone)]
pub struct ServiceRow {
    /// Unit or container name.
    pub name: String,
    /// Its own words on what it is.
    pub description: String,
    /// Such as `systemd` or `Docker`.
    pub kind: &'static str,
    /// Whether it runs.
    pub state: State,
    /// Its ports.
    pub links: Vec<ServiceLink>,
    /// Its log.
    pub log_href: String,
}

/// A credential that scripts have saved in a container.
#[derive(Debug, Clone)]
pub struct CredentialRow {
    /// The id of its row.
    pub element: String,
    /// What it opens.
    pub service: String,
    /// Which of its values it is.
    pub key: String,
    /// Its value, while it is shown.
    pub value: Option<Secret>,
}

impl CredentialRow {
    pub(super) fn new(position: usize, credential: Credential) -> Self {
        let Credential { service, key } = credential;
        Self { element: format!("credential-{position}"), service, key, value: None }
    }

    /// The value in clear, for the one who has asked.
    pub fn shown(&self) -> Option<&str> {
        self.value.as_ref().map(Secret::expose_secret)
    }
}

/// `/containers/{id}/services`.
#[derive(Template, WebTemplate)]
#[template(path = "containers/services.html")]
pub struct ServicesPage {
    /// The frame of the page.
    pub layout: Layout,
    /// The container.
    pub frame: Frame,
    /// What went wrong with what was asked last.
    pub trouble: Option<NodeTrouble>,
    /// Its application services.
    pub services: Vec<ServiceRow>,
    /// The services of its operating system, folded.
    pub system_services: Vec<ServiceRow>,
    /// What its scripts have saved.
    pub credentials: Vec<CredentialRow>,
    /// When services were last looked for.
    pub discovered_at: Option<OffsetDateTime>,
    /// The log of the system as a whole.
    pub log_href: String,
}

/// One row of the credentials, with its value.
#[derive(Template, WebTemplate)]
#[template(path = "containers/_credential.html")]
pub struct CredentialPart {
    /// The container's address in Berth.
    pub url: String,
    /// The credential.
    pub credential: CredentialRow,
}
