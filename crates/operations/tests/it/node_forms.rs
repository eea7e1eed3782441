//! Adding and editing nodes, against simulated hosts.

mod failing;
mod hanging;
mod kept;
mod machines;
mod many;
mod members;

use berth_domain::{NodeId, UserId};
use berth_operations::Context;
use berth_operations::nodes::{self, Check, CheckRow, CheckState, NodeForm, Saving, TestReport};
use berth_proxmox::ssh::{Limits, Stdin};
use berth_proxmox::{Command, SshConnection, SshCredential, SshTarget};
use berth_testkit::simulator::{ROOT_PASSWORD, TOKEN_ID, TOKEN_SECRET};
use berth_testkit::{DEADLINE, SimulatedNode};

/// What somebody types who knows the host.
fn form(node: &SimulatedNode) -> NodeForm {
    NodeForm {
        name: node.name.clone(),
        host: node.api.ip().to_string(),
        port: node.api.port().to_string(),
        token_id: TOKEN_ID.into(),
        token_secret: TOKEN_SECRET.into(),
        ssh_auth: "password".into(),
        ssh_port: node.ssh.port().to_string(),
        ssh_password: ROOT_PASSWORD.into(),
        ..trusting(NodeForm::usual(), node)
    }
}

/// The same form with certificate and host key of a host confirmed.
fn trusting(form: NodeForm, node: &SimulatedNode) -> NodeForm {
    NodeForm {
        trusted_certificate: node.certificate_sha256.clone(),
        trusted_host_key: node.host_key_sha256.clone(),
        ..form
    }
}

async fn test(ctx: &Context, user: UserId, id: Option<NodeId>, form: &NodeForm) -> TestReport {
    let report = nodes::test(ctx, user, id, form, &|_| {}).await.unwrap();
    assert_eq!(report.rows.iter().map(|row| row.check).collect::<Vec<_>>(), Check::ALL);
    report
}

fn row(report: &TestReport, check: Check) -> &CheckRow {
    report.row(check).unwrap()
}

fn state(report: &TestReport, check: Check) -> CheckState {
    row(report, check).state
}

async fn saved(ctx: &Context, user: UserId, id: Option<NodeId>, form: &NodeForm) -> (NodeId, Vec<String>) {
    match nodes::save(ctx, user, id, form, &|_| {}).await.unwrap() {
        Saving::Saved { node, members } => (node.id, members),
        Saving::NotYet(report) => panic!("{:#?}", report.rows),
    }
}

/// Runs commands in a root shell on a host, as somebody who follows a remedy does.
async fn on_host(node: &SimulatedNode, commands: &str) -> String {
    let target = SshTarget {
        host: node.ssh.to_string().parse().unwrap(),
        user: "root".into(),
        credential: SshCredential::Password(ROOT_PASSWORD.into()),
        host_key: node.host_key_sha256.parse().unwrap(),
    };
    let connection = SshConnection::connect(&target, DEADLINE).await.unwrap();
    let shell = Command::new("bash").arg("-c").arg(commands);
    let limits = Limits { deadline: DEADLINE, max_output: 1 << 16 };
    let output = connection.run(&shell, Stdin::Empty, limits).await.unwrap();
    assert!(output.exit.success(), "{commands}: {}", output.stderr_text());
    output.stdout_text()
}
