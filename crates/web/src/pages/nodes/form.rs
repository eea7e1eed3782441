//! What the form of a node is about, and how it is shown with what was typed and found.

use berth_domain::NodeId;
use berth_domain::node::{Node, SshMethod};
use berth_operations::nodes::{self, Check, CheckState, NodeForm as Typed, TestReport};
use serde::Deserialize;

use super::form_view::{
    CertificateQuestion, CheckRow, ConnectionReport, FormPart, HostKeyQuestion, MemberOf, NodeForm,
    SetupCommands,
};
use crate::WebError;
use crate::extract::Call;
use crate::forms::FormErrors;
use crate::layout::{Layout, Section};
use crate::pages::login::certificate_view;

/// What a browser sends: the fields, and the button that was pressed.
#[derive(Deserialize)]
pub(super) struct Submitted {
    #[serde(default)]
    pub(super) go: Go,
    #[serde(flatten)]
    pub(super) typed: Typed,
}

/// What a button asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Go {
    /// Test, and save what passes.
    #[default]
    Save,
    /// Only test.
    Test,
    /// Save the name without a test.
    Rename,
}

/// What a form is about.
pub(super) struct Subject {
    /// The node that is edited.
    pub(super) edited: Option<Node>,
    /// The node that a new one shares its secrets with.
    pub(super) member_of: Option<Node>,
}

/// What became of a form.
#[derive(Default)]
pub(super) struct Findings {
    pub(super) errors: FormErrors,
    pub(super) report: Option<TestReport>,
    pub(super) problem: Option<String>,
}

impl Findings {
    /// Whether it passed a test that nobody wanted to save.
    pub(super) fn passed(&self) -> bool {
        self.report.as_ref().is_some_and(TestReport::passed)
    }
}

impl From<(TestReport, &Typed)> for Findings {
    fn from((report, typed): (TestReport, &Typed)) -> Self {
        let has_failed = |row: &&nodes::CheckRow| row.state == CheckState::Failed;
        // A token that may not ask for the node's name says nothing against the host.
        let may_ask = !report.row(Check::Privileges).is_some_and(|row| row.state == CheckState::Failed);
        let failed =
            report.rows.iter().filter(has_failed).filter(|row| may_ask || row.check != Check::NodeName);
        let beside = |row: &nodes::CheckRow| Some((field_of(row.check, typed)?, row.message.clone()));
        let errors = failed.filter_map(beside).collect();
        Self { errors, report: Some(report), problem: None }
    }
}

/// The field that decides over a check; none where only the host itself can be changed.
fn field_of(check: Check, typed: &Typed) -> Option<&'static str> {
    match check {
        Check::Certificate | Check::NodeName => Some("host"),
        Check::Token => Some("token_secret"),
        Check::Privileges => Some("token_id"),
        Check::HostKey => Some(if typed.ssh_host.is_empty() { "ssh_port" } else { "ssh_host" }),
        Check::SshLogin if typed.ssh_auth == "password" => Some("ssh_password"),
        Check::SshLogin => Some("ssh_private_key"),
        Check::Pct => Some("ssh_user"),
        Check::SameNode => None,
    }
}

impl Subject {
    /// A new node; 404 if it is to share the secrets of somebody else's.
    pub(super) async fn new(call: &Call, typed: &Typed) -> Result<Self, WebError> {
        if typed.member_of.is_empty() {
            return Ok(Self { edited: None, member_of: None });
        }
        let id: NodeId = typed.member_of.parse().map_err(|_| WebError::NotFound)?;
        Ok(Self { edited: None, member_of: Some(nodes::find(call.ctx(), call.user_id(), id).await?) })
    }

    /// One of the user's nodes.
    pub(super) async fn edit(call: &Call, id: NodeId) -> Result<Self, WebError> {
        Ok(Self { edited: Some(nodes::find(call.ctx(), call.user_id(), id).await?), member_of: None })
    }

    /// The id of the node that is edited.
    pub(super) fn id(&self) -> Option<NodeId> {
        self.edited.as_ref().map(|node| node.id)
    }

    /// The frame of the form's page.
    pub(super) async fn layout(&self, call: &Call) -> Result<Layout, WebError> {
        let title = match &self.edited {
            Some(node) => format!("Edit {}", node.name),
            None => "Add node".into(),
        };
        let layout = call.layout(title, Section::Settings).await?;
        Ok(layout.under("Settings", "/settings").under("Nodes", "/settings/nodes"))
    }

    /// The form as it is shown.
    pub(super) fn part(&self, typed: &Typed, findings: &Findings) -> FormPart {
        let report = findings.report.as_ref();
        let edit = self.edited.as_ref().map(|node| format!("/settings/nodes/{}/edit", node.id));
        let commands = nodes::setup_commands();
        FormPart {
            action: edit.clone().unwrap_or_else(|| "/settings/nodes".into()),
            page: edit.unwrap_or_else(|| "/settings/nodes/new".into()),
            editing: self.edited.is_some(),
            begins: false,
            form: self.form(typed, findings),
            member_of: self
                .member_of
                .as_ref()
                .map(|node| MemberOf { id: node.id.to_string(), name: node.name.clone() }),
            problem: findings.problem.clone(),
            report: report.map(|report| ConnectionReport {
                rows: report.rows.iter().map(CheckRow::from).collect(),
                passed: report.passed(),
                offers_without_ssh: report.offers_without_ssh(),
                offers_rename: report.offers_rename,
            }),
            certificate: report.and_then(certificate_question),
            host_key: report.and_then(host_key_question),
            waiting: CheckRow::waiting(),
            commands: SetupCommands { api: commands.api, ssh: commands.ssh, sudo: commands.sudo },
        }
    }

    fn form(&self, typed: &Typed, Findings { errors, report, .. }: &Findings) -> NodeForm {
        let field = |name: &str, value: &str| errors.field(name, value);
        let stored = self.edited.as_ref().or(self.member_of.as_ref());
        let method = stored.and_then(|node| node.ssh.as_ref()).map(|ssh| ssh.method);
        // What must be typed is not said to be stored.
        let secret = |name: &str, stored: bool| errors.secret(name, stored && errors.get(name).is_none());
        let key_stored = method == Some(SshMethod::Key);
        // What is asked anew is not also sent as confirmed before.
        let confirmed = |text: &str, asked: bool| (!text.is_empty() && !asked).then(|| text.to_owned());
        let asked = |of: fn(&TestReport) -> bool| report.as_ref().is_some_and(of);
        NodeForm {
            name: field("name", &typed.name),
            host: field("host", &typed.host),
            port: field("port", &typed.port),
            token_id: field("token_id", typed.shown_token_id()),
            token_secret: secret("token_secret", stored.is_some()),
            ssh_host: field("ssh_host", &typed.ssh_host),
            ssh_port: field("ssh_port", &typed.ssh_port),
            ssh_user: field("ssh_user", &typed.ssh_user),
            ssh_auth: field("ssh_auth", &typed.ssh_auth),
            ssh_password: secret("ssh_password", method == Some(SshMethod::Password)),
            ssh_private_key: secret("ssh_private_key", key_stored),
            ssh_passphrase: secret("ssh_passphrase", key_stored),
            without_ssh: typed.without_ssh,
            trusted_certificate: confirmed(
                &typed.trusted_certificate,
                asked(|report| report.certificate.is_some()),
            ),
            trusted_host_key: confirmed(&typed.trusted_host_key, asked(|report| report.host_key.is_some())),
            error_count: errors.len(),
        }
    }
}

fn certificate_question(report: &TestReport) -> Option<CertificateQuestion> {
    let now = certificate_view(report.certificate.as_ref()?);
    Some(CertificateQuestion { now, before: report.certificate_before.clone() })
}

fn host_key_question(report: &TestReport) -> Option<HostKeyQuestion> {
    let key = report.host_key.as_ref()?;
    Some(HostKeyQuestion {
        fingerprint: key.fingerprint().to_owned(),
        algorithm: key.algorithm().unwrap_or("unknown").to_owned(),
        value: key.to_string(),
        before: report.host_key_before.as_ref().map(|key| key.fingerprint().to_owned()),
    })
}
