//! What the form of a node shows, and the rows of its test.

use askama::Template;
use askama_web::WebTemplate;
use berth_operations::nodes::{self, Check, CheckState as Tested};

use crate::filters;
use crate::forms::{Choice, Field, SecretField};
use crate::layout::Layout;
use crate::pages::login::view::CertificateView;

/// How a row of the test stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckState {
    /// Not begun.
    Waiting,
    /// Fine.
    Passed,
    /// Not fine.
    Failed,
    /// Works, but not all of it.
    Warning,
    /// Somebody is asked.
    Question,
    /// Not tried, because an earlier row failed or it is not wanted.
    Skipped,
}

impl CheckState {
    /// The name of its CSS class, `check-…`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Warning | Self::Question => "warning",
            Self::Skipped => "skipped",
        }
    }

    /// Its icon.
    pub fn icon(self) -> &'static str {
        match self {
            Self::Waiting => "clock",
            Self::Passed => "circle-check",
            Self::Failed => "circle-alert",
            Self::Warning => "triangle-alert",
            Self::Question => "fingerprint",
            Self::Skipped => "circle-dashed",
        }
    }

    /// The word a reader hears.
    pub fn word(self) -> &'static str {
        match self {
            Self::Waiting => "Waiting",
            Self::Passed => "Passed",
            Self::Failed => "Failed",
            Self::Warning => "Warning",
            Self::Question => "Asks you",
            Self::Skipped => "Not tried",
        }
    }
}

/// One row of the test.
#[derive(Debug, Clone)]
pub struct CheckRow {
    /// Its name, which stays the same from waiting to the end.
    pub id: &'static str,
    /// `api` or `ssh`: the rows of one follow each other.
    pub part: &'static str,
    /// What was tested.
    pub title: &'static str,
    /// How it ended.
    pub state: CheckState,
    /// What was found.
    pub message: String,
    /// What to do about it.
    pub remedy: Option<String>,
    /// What to paste into a root shell on the host.
    pub commands: Option<String>,
}

impl CheckRow {
    fn new(check: Check, state: CheckState) -> Self {
        Self {
            id: match check {
                Check::Certificate => "certificate",
                Check::Token => "token",
                Check::Privileges => "privileges",
                Check::NodeName => "node",
                Check::HostKey => "host-key",
                Check::SshLogin => "login",
                Check::Pct => "pct",
                Check::SameNode => "same",
            },
            part: if check.is_ssh() { "ssh" } else { "api" },
            title: check.title(),
            state,
            message: String::new(),
            remedy: None,
            commands: None,
        }
    }

    /// The id of its commands, for the button that copies them.
    pub fn command_id(&self) -> String {
        format!("remedy-{}", self.id)
    }

    /// All rows before the test begins.
    pub fn waiting() -> Vec<Self> {
        Check::ALL.into_iter().map(|check| Self::new(check, CheckState::Waiting)).collect()
    }
}

impl From<&nodes::CheckRow> for CheckRow {
    fn from(row: &nodes::CheckRow) -> Self {
        let state = match row.state {
            Tested::Ok => CheckState::Passed,
            Tested::Warning => CheckState::Warning,
            Tested::NeedsTrust => CheckState::Question,
            Tested::Failed => CheckState::Failed,
            Tested::Skipped => CheckState::Skipped,
        };
        Self {
            message: row.message.clone(),
            remedy: row.remedy.clone(),
            commands: row.commands.clone(),
            ..Self::new(row.check, state)
        }
    }
}

/// A row without its list.
#[derive(Template)]
#[template(path = "nodes/_check.html")]
pub struct CheckFragment {
    /// The row.
    pub row: CheckRow,
}

/// The result of testing what was typed.
#[derive(Debug, Clone)]
pub struct ConnectionReport {
    /// All rows, in order.
    pub rows: Vec<CheckRow>,
    /// Everything passed, and nothing was saved because only a test was asked for.
    pub passed: bool,
    /// Only SSH failed: offer to save without it.
    pub offers_without_ssh: bool,
    /// Only the name differs: offer to save that, whatever the host says.
    pub offers_rename: bool,
}

impl ConnectionReport {
    /// Whether a row failed.
    pub fn failed(&self) -> bool {
        self.rows.iter().any(|row| row.state == CheckState::Failed)
    }
}

/// A certificate somebody is asked to trust.
#[derive(Debug, Clone)]
pub struct CertificateQuestion {
    /// What the host shows now.
    pub now: CertificateView,
    /// What was trusted before.
    pub before: Option<String>,
}

/// An SSH host key somebody is asked to trust.
#[derive(Debug, Clone)]
pub struct HostKeyQuestion {
    /// `SHA256:…`, as `ssh-keygen -lf` prints it.
    pub fingerprint: String,
    /// Such as `ssh-ed25519`.
    pub algorithm: String,
    /// Both, as the form sends it back.
    pub value: String,
    /// The fingerprint that was trusted before.
    pub before: Option<String>,
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
    pub fn ssh_auth_choices(&self) -> Vec<Choice> {
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
    /// The same for a user other than root, who may run `pct`.
    pub sudo: String,
}

/// A node of the same cluster whose token and SSH login are used.
#[derive(Debug, Clone)]
pub struct MemberOf {
    /// Its id.
    pub id: String,
    /// Its display name.
    pub name: String,
}

/// The form, which a test that is watched live renders anew.
#[derive(Debug, Clone)]
pub struct FormPart {
    /// Where the form is sent.
    pub action: String,
    /// A page that shows the form anew.
    pub page: String,
    /// Whether the node exists already.
    pub editing: bool,
    /// Whether the browser begins with the test by itself.
    pub begins: bool,
    /// What was typed.
    pub form: NodeForm,
    /// The node that it shares its secrets with.
    pub member_of: Option<MemberOf>,
    /// Why nothing could be tested.
    pub problem: Option<String>,
    /// The result of the test.
    pub report: Option<ConnectionReport>,
    /// A certificate to trust before anything secret is sent.
    pub certificate: Option<CertificateQuestion>,
    /// A host key to trust.
    pub host_key: Option<HostKeyQuestion>,
    /// The rows of a test that is about to begin.
    pub waiting: Vec<CheckRow>,
    /// What to paste on the host.
    pub commands: SetupCommands,
}

impl FormPart {
    /// Whether there is something to trust.
    pub fn asks(&self) -> bool {
        self.certificate.is_some() || self.host_key.is_some()
    }

    /// Whether what is to be trusted differs from what was.
    pub fn has_changed(&self) -> bool {
        self.certificate.as_ref().is_some_and(|question| question.before.is_some())
            || self.host_key.as_ref().is_some_and(|question| question.before.is_some())
    }
}

/// `/settings/nodes/new` and `/settings/nodes/{id}/edit`.
#[derive(Template, WebTemplate)]
#[template(path = "nodes/form.html")]
pub struct NodeFormPage {
    /// The frame.
    pub layout: Layout,
    /// The form.
    pub part: FormPart,
}

/// The form without its page.
#[derive(Template)]
#[template(path = "nodes/_form.html")]
pub struct NodeFormFragment {
    /// The form.
    pub part: FormPart,
}
