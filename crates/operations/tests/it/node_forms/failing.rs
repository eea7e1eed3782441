//! Each thing that can be wrong ends in a row that says so and what to do.

use berth_operations::nodes::{Check, CheckState, NodeForm, TestReport};
use berth_testkit::TestApp;
use serde_json::json;

use super::{form, machines, on_host, row, state, test};
use crate::support::person;

/// An Ed25519 key that no host knows.
const KEY: &str = include_str!("stranger.key");

/// What is expected of a row: its message, its remedy and its commands.
struct Expected {
    what: &'static str,
    check: Check,
    says: &'static str,
    remedy: &'static str,
    commands: &'static str,
}

fn compare(report: &TestReport, expected: &Expected) {
    let row = row(report, expected.check);
    assert_eq!(row.state, CheckState::Failed, "{}: {row:?}", expected.what);
    assert!(row.message.contains(expected.says), "{}: {row:?}", expected.what);
    let remedy = row.remedy.as_deref().unwrap_or_default();
    assert!(remedy.contains(expected.remedy), "{}: {row:?}", expected.what);
    let commands = row.commands.as_deref().unwrap_or_default();
    assert!(commands.contains(expected.commands), "{}: {row:?}", expected.what);
    // What has a colon at its end promises commands.
    assert_eq!(remedy.ends_with(':'), row.commands.is_some(), "{}: {row:?}", expected.what);
}

#[tokio::test]
async fn what_is_wrong_with_the_api_has_its_remedy() {
    let app = TestApp::start().await;
    let user = person(&app.ctx, "root@pam").await;
    let good = NodeForm { ssh_auth: "none".into(), ..form(&app.simulator.nodes[0]) };
    let (plain, (web, certificate)) = (machines::plain().await, machines::web().await);
    let wrong = "00000000-bbbb-4ccc-8ddd-eeeeeeeeeeee";
    for (changed, what, check, says, remedy, commands) in [
        (
            NodeForm { token_secret: wrong.into(), ..good.clone() },
            "a wrong secret",
            Check::Token,
            "refused the credentials",
            "make the token anew",
            "pveum user token add root@pam rig --privsep 0",
        ),
        (
            NodeForm { token_id: "root@pam!sep3".into(), ..good.clone() },
            "no privileges",
            Check::Privileges,
            "VM.Allocate",
            "with propagation",
            "pveum acl modify / --tokens 'root@pam!sep3' --roles Berth",
        ),
        (
            NodeForm { port: machines::closed().to_string(), ..good.clone() },
            "a wrong port",
            Check::Certificate,
            "nothing listens on this port",
            "port 8006",
            "systemctl restart pveproxy",
        ),
        (
            NodeForm { host: "no-such-host.invalid".into(), ..good.clone() },
            "an unknown name",
            Check::Certificate,
            "no-such-host.invalid cannot be found",
            "IP address",
            "hostname -I",
        ),
        (
            NodeForm { port: plain.port().to_string(), ..good.clone() },
            "no TLS",
            Check::Certificate,
            "does not speak TLS",
            "it is 8006",
            "",
        ),
        (
            NodeForm { port: web.port().to_string(), trusted_certificate: certificate, ..good.clone() },
            "a web server",
            Check::Token,
            "is not Proxmox VE: it answers with a web page",
            "your browser opens Proxmox's web interface",
            "",
        ),
    ] {
        compare(
            &test(&app.ctx, user, None, &changed).await,
            &Expected { what, check, says, remedy, commands },
        );
    }
    assert!(test(&app.ctx, user, None, &good).await.passed());
}

#[tokio::test]
async fn what_is_wrong_with_ssh_has_its_remedy_and_leaves_the_api_alone() {
    let app = TestApp::start().await;
    let user = person(&app.ctx, "root@pam").await;
    let good = form(&app.simulator.nodes[0]);
    let plain = machines::plain().await;
    for (changed, what, check, says, remedy, commands) in [
        (
            NodeForm { ssh_password: "wrong".into(), ..good.clone() },
            "a wrong password",
            Check::SshLogin,
            "wrong user or password",
            "Type the password that this takes: ssh -p",
            "cat /root/.ssh/berth.pub >> /root/.ssh/authorized_keys",
        ),
        (
            NodeForm { ssh_auth: "private_key".into(), ssh_private_key: KEY.into(), ..good.clone() },
            "an unknown key",
            Check::SshLogin,
            "does not know this key",
            "Let the key in",
            include_str!("stranger.pub").trim_end(),
        ),
        (
            NodeForm { ssh_port: machines::closed().to_string(), ..good.clone() },
            "a wrong port",
            Check::HostKey,
            "nothing listens on this port",
            "port 22",
            "systemctl restart ssh",
        ),
        (
            NodeForm { ssh_port: plain.port().to_string(), ..good.clone() },
            "no SSH server",
            Check::HostKey,
            "cannot be reached",
            "the port is most often 22",
            "",
        ),
    ] {
        let report = test(&app.ctx, user, None, &changed).await;
        compare(&report, &Expected { what, check, says, remedy, commands });
        assert!(report.api_works() && report.offers_without_ssh() && !report.passed(), "{what}");
    }
    assert!(test(&app.ctx, user, None, &good).await.passed());
}

#[tokio::test]
async fn the_commands_for_an_unknown_key_let_it_in() {
    let app = TestApp::start().await;
    let user = person(&app.ctx, "root@pam").await;
    let with_key = NodeForm {
        ssh_auth: "private_key".into(),
        ssh_private_key: KEY.replace('\n', "\r\n").into(),
        ..form(&app.simulator.nodes[0])
    };
    let report = test(&app.ctx, user, None, &with_key).await;
    let commands = row(&report, Check::SshLogin).commands.clone().unwrap();
    on_host(&app.simulator.nodes[0], &commands).await;
    assert!(test(&app.ctx, user, None, &with_key).await.passed());
}

#[tokio::test]
async fn another_certificate_or_host_key_than_the_confirmed_one_is_asked_for_anew() {
    let app = TestApp::start().await;
    let user = person(&app.ctx, "root@pam").await;
    let confirmed = form(&app.simulator.nodes[0]);
    app.simulator.faults(json!([{ "kind": "changed-certificate" }, { "kind": "changed-host-key" }])).await;
    app.simulator.forget_calls().await;
    let report = test(&app.ctx, user, None, &confirmed).await;
    for check in [Check::Certificate, Check::HostKey] {
        assert_eq!(state(&report, check), CheckState::NeedsTrust);
    }
    assert_eq!(report.certificate_before.as_ref(), Some(&confirmed.trusted_certificate));
    assert_ne!(report.certificate.unwrap().fingerprint.to_string(), confirmed.trusted_certificate);
    let before = report.host_key_before.unwrap();
    assert!(confirmed.trusted_host_key.ends_with(before.fingerprint()), "{before}");
    assert_ne!(report.host_key.unwrap(), before);
    assert_eq!(app.simulator.tokens_received().await, Vec::<String>::new());
    assert_eq!(app.simulator.ssh_attempts().await, []);
}
