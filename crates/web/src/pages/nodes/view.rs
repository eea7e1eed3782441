//! What the node settings show.

use askama::Template;
use askama_web::WebTemplate;

use crate::badge::State;
use crate::error::NodeTrouble;
use crate::filters;
use crate::forms::{Choice, Field, SecretField};
use crate::layout::Layout;
use crate::pages::login::view::CertificateView;

/// Whether a node can be used.
#[derive(Debug, Clone)]
pub enum Reachability {
    /// It answers.
    Reachable,
    /// It does not.
    Trouble(NodeTrouble),
    /// Its certificate or host key is not the one that was trusted.
    KeyChanged {
        /// "certificate" or "SSH host key".
        what: String,
        /// The fingerprint that was trusted.
        trusted: String,
        /// The fingerprint it shows now.
        presented: String,
    },
}

/// Whether commands can be run on a node.
#[derive(Debug, Clone)]
pub enum SshStatus {
    /// They can.
    Works,
    /// Its owner chose to do without.
    Without,
    /// They cannot, and why.
    Fails(String),
}

/// One node in the list.
#[derive(Debug, Clone)]
pub struct NodeCard {
    /// Its id.
    pub id: String,
    /// Its display name.
    pub name: String,
    /// `host:port` of its API.
    pub address: String,
    /// Proxmox VE version.
    pub version: Option<String>,
    /// The name Proxmox uses for it.
    pub pve_node: Option<String>,
    /// Its cluster, unless it stands alone.
    pub cluster: Option<String>,
    /// Whether it answers.
    pub reachability: Reachability,
    /// Whether it is chosen for new containers.
    pub is_default: bool,
    /// How many containers it has.
    pub containers: Option<usize>,
    /// Whether commands can be run on it.
    pub ssh: SshStatus,
    /// Names of the managed containers that are forgotten when it is deleted.
    pub managed: Vec<String>,
}

/// `/settings/nodes`.
#[derive(Template, WebTemplate)]
#[template(path = "nodes/list.html")]
pub struct NodesPage {
    /// The frame.
    pub layout: Layout,
    /// Every node of this user.
    pub nodes: Vec<NodeCard>,
}

/// How a row of the test ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckState {
    /// Fine.
    Passed,
    /// Not fine.
    Failed,
    /// Works, but not all of it.
    Warning,
    /// Not tried, because an earlier row failed or it is not wanted.
    Skipped,
}

impl CheckState {
    /// The name of its CSS class, `check-…`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Warning => "warning",
            Self::Skipped => "skipped",
        }
    }

    /// Its icon.
    pub fn icon(self) -> &'static str {
        match self {
            Self::Passed => "circle-check",
            Self::Failed => "circle-alert",
            Self::Warning => "triangle-alert",
            Self::Skipped => "circle-dashed",
        }
    }

    /// The word a reader hears.
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "Passed",
            Self::Failed => "Failed",
            Self::Warning => "Warning",
            Self::Skipped => "Not tried",
        }
    }
}

/// One row of the test: TLS, API, privileges, node and cluster, SSH host key, SSH login, pct.
#[derive(Debug, Clone)]
pub struct CheckRow {
    /// What was tested.
    pub title: String,
    /// How it ended.
    pub state: CheckState,
    /// What was found.
    pub message: String,
    /// What to do about it.
    pub remedy: Option<String>,
    /// What to paste into a root shell on the host.
    pub commands: Option<String>,
}

/// The result of testing what was typed.
#[derive(Debug, Clone)]
pub struct ConnectionReport {
    /// All rows, in order.
    pub rows: Vec<CheckRow>,
}

impl ConnectionReport {
    /// Whether a row failed.
    pub fn failed(&self) -> bool {
        self.rows.iter().any(|row| row.state == CheckState::Failed)
    }
}

/// An SSH host key somebody is asked to trust.
#[derive(Debug, Clone)]
pub struct HostKeyView {
    /// `SHA256:…`, as `ssh-keygen -lf` prints it.
    pub fingerprint: String,
    /// Such as `ssh-ed25519`.
    pub algorithm: String,
}

/// What was typed. Secrets never come back.
#[derive(Debug, Clone)]
pub struct NodeForm {
    /// Display name.
    pub name: Field,
    /// API host.
    pub host: Field,
    /// API port.
    pub port: Field,
    /// `user@realm!token`.
    pub token_id: Field,
    /// The token's secret.
    pub token_secret: SecretField,
    /// SSH host, empty for the API host.
    pub ssh_host: Field,
    /// SSH port.
    pub ssh_port: Field,
    /// SSH user.
    pub ssh_user: Field,
    /// `none`, `password` or `private_key`.
    pub ssh_auth: Field,
    /// SSH password.
    pub ssh_password: SecretField,
    /// Private key in OpenSSH or PEM format.
    pub ssh_private_key: SecretField,
    /// Its passphrase.
    pub ssh_passphrase: SecretField,
    /// Save although SSH does not work.
    pub without_ssh: bool,
    /// The certificate fingerprint that was ticked, kept for the next attempt.
    pub trusted_certificate: Option<String>,
    /// The host key fingerprint that was ticked, kept for the next attempt.
    pub trusted_host_key: Option<String>,
    /// How many fields have a message.
    pub error_count: usize,
}

impl NodeForm {
    /// The ways to log in by SSH.
    pub fn ssh_auth_choices() -> Vec<Choice> {
        vec![
            Choice::new("private_key", "Private key"),
            Choice::new("password", "Password"),
            Choice::new("none", "No SSH"),
        ]
    }
}

/// Commands to paste on the host.
#[derive(Debug, Clone)]
pub struct SetupCommands {
    /// Makes a role, a user and a token that may do what Berth needs and no more.
    pub api: String,
    /// Makes a key and lets it in.
    pub ssh: String,
    /// Lets a user other than root run `pct`.
    pub sudo: String,
}

/// `/settings/nodes/new` and `/settings/nodes/{id}/edit`.
#[derive(Template, WebTemplate)]
#[template(path = "nodes/form.html")]
pub struct NodeFormPage {
    /// The frame.
    pub layout: Layout,
    /// Where the form is sent.
    pub action: String,
    /// Whether the node exists already.
    pub editing: bool,
    /// What was typed.
    pub form: NodeForm,
    /// The result of the test.
    pub report: Option<ConnectionReport>,
    /// A certificate to trust before anything secret is sent.
    pub certificate: Option<CertificateView>,
    /// A host key to trust.
    pub host_key: Option<HostKeyView>,
    /// Only SSH failed: offer to save without it.
    pub offer_without_ssh: bool,
    /// What to paste on the host.
    pub commands: SetupCommands,
}

/// `/settings/nodes/{id}/delete`: the question before it, as a page for browsers without JavaScript.
#[derive(Template, WebTemplate)]
#[template(path = "nodes/delete.html")]
pub struct NodeDeletePage {
    /// The frame.
    pub layout: Layout,
    /// The node in question.
    pub node: NodeCard,
}
