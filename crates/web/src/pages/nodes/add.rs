//! `GET /settings/nodes/new` and `POST /settings/nodes`.

use axum::Form;
use axum::response::{IntoResponse, Response};
use berth_operations::Error;
use berth_operations::nodes::{self, Check, CheckState as Tested, Connected, NodeForm as Typed, TestReport};

use super::view::{
    CheckRow, CheckState, ConnectionReport, HostKeyView, NodeForm, NodeFormPage, SetupCommands,
};
use crate::WebError;
use crate::extract::Call;
use crate::forms::{Field, FormErrors, Rejected};
use crate::layout::{Layout, Section, Tone};
use crate::pages::login::certificate_view;

pub(super) async fn page(call: Call) -> Result<NodeFormPage, WebError> {
    let typed = Typed {
        port: "8006".into(),
        ssh_port: "22".into(),
        ssh_user: "root".into(),
        ssh_auth: "private_key".into(),
        ..Typed::default()
    };
    Ok(form_page(layout(&call).await?, &typed, &FormErrors::default(), None))
}

/// Tests what was typed and stores it if it passes; else shows the form again with what was found.
pub(super) async fn submit(call: Call, Form(typed): Form<Typed>) -> Result<Response, WebError> {
    let (errors, report) = match nodes::connect(call.ctx(), call.user_id(), &typed).await {
        Ok(Connected::Saved(node)) => {
            let said = format!("Added {}. You can create containers on it now", node.name);
            return call.go_to_saying("/settings/nodes", Tone::Success, said).await;
        }
        Ok(Connected::NotYet(report)) => (beside_fields(&report, &typed), Some(report)),
        Err(Error::Invalid(errors)) => (errors.into(), None),
        Err(error) => return Err(error.into()),
    };
    Ok(Rejected(form_page(layout(&call).await?, &typed, &errors, report.as_deref())).into_response())
}

/// What the test found wrong, beside the fields it is about.
fn beside_fields(report: &TestReport, typed: &Typed) -> FormErrors {
    let failed = report.rows.iter().filter(|row| row.state == Tested::Failed);
    failed.filter_map(|row| Some((field_of(row.check, typed)?, row.message.clone()))).collect()
}

/// The field that decides over a check; none where only the host itself can be changed.
fn field_of(check: Check, typed: &Typed) -> Option<&'static str> {
    match check {
        Check::Certificate => Some("host"),
        Check::Token => Some("token_secret"),
        Check::Privileges => Some("token_id"),
        Check::HostKey => Some(if typed.ssh_host.is_empty() { "ssh_port" } else { "ssh_host" }),
        Check::SshLogin if typed.ssh_auth == "password" => Some("ssh_password"),
        Check::SshLogin => Some("ssh_private_key"),
        Check::Pct => Some("ssh_user"),
        Check::NodeName | Check::SameNode => None,
    }
}

async fn layout(call: &Call) -> Result<Layout, WebError> {
    let layout = call.layout("Add node", Section::Settings).await?;
    Ok(layout.under("Settings", "/settings").under("Nodes", "/settings/nodes"))
}

fn form_page(
    layout: Layout,
    typed: &Typed,
    errors: &FormErrors,
    report: Option<&TestReport>,
) -> NodeFormPage {
    let commands = nodes::setup_commands();
    let mut form = form(typed, errors);
    // What is asked anew is not also sent as confirmed before.
    if report.is_some_and(|report| report.certificate.is_some()) {
        form.trusted_certificate = None;
    }
    if report.is_some_and(|report| report.host_key.is_some()) {
        form.trusted_host_key = None;
    }
    NodeFormPage {
        layout,
        action: "/settings/nodes".into(),
        editing: false,
        form,
        certificate: report.and_then(|report| report.certificate.as_ref()).map(certificate_view),
        host_key: report.and_then(|report| report.host_key.as_ref()).map(|key| HostKeyView {
            fingerprint: key.to_string(),
            algorithm: key.algorithm().unwrap_or("unknown").to_owned(),
        }),
        offer_without_ssh: report.is_some_and(TestReport::offers_without_ssh),
        report: report.map(report_view),
        commands: SetupCommands { api: commands.api, ssh: commands.ssh, sudo: commands.sudo },
    }
}

fn form(typed: &Typed, errors: &FormErrors) -> NodeForm {
    let field = |name: &str, value: &str| -> Field { errors.field(name, value) };
    let confirmed = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    NodeForm {
        name: field("name", &typed.name),
        host: field("host", &typed.host),
        port: field("port", &typed.port),
        token_id: field("token_id", &typed.token_id),
        token_secret: errors.secret("token_secret", false),
        ssh_host: field("ssh_host", &typed.ssh_host),
        ssh_port: field("ssh_port", &typed.ssh_port),
        ssh_user: field("ssh_user", &typed.ssh_user),
        ssh_auth: field("ssh_auth", &typed.ssh_auth),
        ssh_password: errors.secret("ssh_password", false),
        ssh_private_key: errors.secret("ssh_private_key", false),
        ssh_passphrase: errors.secret("ssh_passphrase", false),
        without_ssh: typed.without_ssh,
        trusted_certificate: confirmed(&typed.trusted_certificate),
        trusted_host_key: confirmed(&typed.trusted_host_key),
        error_count: errors.len(),
    }
}

fn report_view(report: &TestReport) -> ConnectionReport {
    let row = |row: &nodes::CheckRow| CheckRow {
        title: row.check.title().into(),
        state: match row.state {
            Tested::Ok => CheckState::Passed,
            Tested::Warning | Tested::NeedsTrust => CheckState::Warning,
            Tested::Failed => CheckState::Failed,
            Tested::Skipped => CheckState::Skipped,
        },
        message: row.message.clone(),
        remedy: row.remedy.clone(),
        commands: row.commands.clone(),
    };
    ConnectionReport { rows: report.rows.iter().map(row).collect() }
}
