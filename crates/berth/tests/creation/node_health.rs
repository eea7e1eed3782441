//! Workers keep the health of nodes fresh, and pages show it.

use std::time::{Duration, Instant};

use berth_domain::node_health::{ApiHealth, NodeHealth, SshHealth};
use berth_operations::nodes;
use berth_store::nodes::{NewNode, NodeDetails, SshSecret};
use berth_testkit::simulator::{ROOT_PASSWORD, TOKEN_SECRET};
use berth_testkit::{DEADLINE, Owner, TestApp, wait_until};
use serde_json::json;

use crate::pages;

async fn health(app: &TestApp, owner: Owner) -> NodeHealth {
    nodes::list(&app.ctx, owner.user).await.unwrap().remove(0).health
}

async fn until_api(app: &TestApp, owner: Owner, what: &str, is: fn(&ApiHealth) -> bool) -> ApiHealth {
    let seen = async || health(app, owner).await.api.map(|seen| seen.state).filter(is);
    wait_until(DEADLINE, what, seen).await
}

async fn until_ssh(app: &TestApp, owner: Owner, what: &str, is: fn(&SshHealth) -> bool) -> SshHealth {
    let seen = async || health(app, owner).await.ssh.map(|seen| seen.state).filter(is);
    wait_until(DEADLINE, what, seen).await
}

/// How often something of this kind reached the host.
async fn reached(app: &TestApp, kind: &str, what: &str) -> usize {
    let calls = app.simulator.calls().await;
    calls.iter().filter(|call| call["kind"] == kind && call["what"] == what).count()
}

const FINE: fn(&ApiHealth) -> bool = |api| matches!(api, ApiHealth::Reachable { .. });
const WORKS: fn(&SshHealth) -> bool = |ssh| *ssh == SshHealth::Works;

#[tokio::test]
async fn what_changes_on_a_node_is_seen_with_its_cause() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let _worker = app.worker().await;
    app.watch(owner.node).await;
    let fine = until_api(&app, owner, "the node is reachable", FINE).await;
    assert!(matches!(fine, ApiHealth::Reachable { version } if version.starts_with('9')));
    until_ssh(&app, owner, "SSH works", WORKS).await;
    let since = health(&app, owner).await.api.unwrap().since;

    app.simulator.faults(json!([{"kind": "status", "status": 401}])).await;
    let refused: fn(&ApiHealth) -> bool = |api| matches!(api, ApiHealth::TokenRefused { .. });
    until_api(&app, owner, "the token is refused", refused).await;
    assert!(health(&app, owner).await.api.unwrap().since > since);

    app.simulator.faults(json!([{"kind": "drop"}])).await;
    app.watch(owner.node).await;
    let dead: fn(&ApiHealth) -> bool = |api| matches!(api, ApiHealth::Unreachable { .. });
    let ApiHealth::Unreachable { message } = until_api(&app, owner, "it is unreachable", dead).await else {
        unreachable!("asked for just above")
    };
    assert!(message.contains(&app.simulator.api.to_string()), "{message}");

    app.simulator.faults(json!([{"kind": "ssh-refused"}])).await;
    app.watch(owner.node).await;
    until_api(&app, owner, "it is back", FINE).await;
    until_ssh(&app, owner, "SSH is not", |ssh| matches!(ssh, SshHealth::Unreachable { .. })).await;
}

#[tokio::test]
async fn a_changed_certificate_and_host_key_are_seen_before_anything_secret_is_sent() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let pinned = nodes::find(&app.ctx, owner.user, owner.node).await.unwrap();
    app.simulator.faults(json!([{"kind": "changed-certificate"}, {"kind": "changed-host-key"}])).await;
    app.simulator.forget_calls().await;
    let _worker = app.worker().await;
    app.watch(owner.node).await;
    let changed: fn(&ApiHealth) -> bool = |api| matches!(api, ApiHealth::CertificateChanged { .. });
    let api = until_api(&app, owner, "another certificate is seen", changed).await;
    let ssh = until_ssh(&app, owner, "another host key is seen", |ssh| !WORKS(ssh)).await;
    let ApiHealth::CertificateChanged { expected, found } = api else { unreachable!("asked for just above") };
    assert_eq!(expected, pinned.certificate);
    assert_ne!(Some(found), expected);
    let SshHealth::HostKeyChanged { expected, found } = ssh else { panic!("{ssh:?}") };
    assert_eq!(expected, pinned.ssh.unwrap().host_key);
    assert_ne!(found, expected);
    for call in app.simulator.calls().await {
        assert_eq!(call["kind"], "connection", "nothing but a connection may reach it: {call}");
    }

    let (_web, mut browser) = app.web().await;
    app.simulator.faults(json!([])).await;
    pages::log_in(&app, &mut browser).await;
    let page = browser.get("/settings/nodes").await;
    for shown in ["Certificate changed", "Host key changed", &found, &expected] {
        assert!(page.html.contains(shown), "{shown}: {}", page.html);
    }
    assert!(page.link(&format!("/settings/nodes/{}/edit", owner.node)).is_some());
}

#[tokio::test]
async fn a_refused_login_is_not_tried_again_and_again() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let (pg, keyring) = (&app.ctx.pg, &app.ctx.keyring);
    let stored = berth_store::nodes::credentials(pg, owner.user, owner.node, keyring).await.unwrap().unwrap();
    let change = NewNode {
        details: NodeDetails {
            name: stored.node.name,
            address: stored.node.address,
            certificate: stored.node.certificate,
            token_id: stored.node.token_id,
            pve_node_name: stored.node.pve_node_name,
            cluster: stored.node.cluster,
            pve_version: stored.node.pve_version,
            ssh: stored.node.ssh,
        },
        token_secret: stored.token_secret,
        ssh_secret: Some(SshSecret { secret: "not the password".into(), passphrase: None }),
    };
    app.simulator.forget_calls().await;
    let mut conn = pg.acquire().await.unwrap();
    let now = app.ctx.clock.now();
    // An edit alone makes it due.
    berth_store::nodes::update(&mut conn, owner.user, owner.node, &change, keyring, now).await.unwrap();
    let _workers = (app.worker().await, app.worker().await);
    until_ssh(&app, owner, "the login is refused", |ssh| matches!(ssh, SshHealth::LoginRefused { .. })).await;
    let often = async || (reached(&app, "api", "GET /version").await > 8).then_some(());
    wait_until(DEADLINE, "the API was asked again and again", often).await;
    assert_eq!(reached(&app, "connection", "ssh").await, 1);
}

#[tokio::test]
async fn a_check_is_made_when_its_owner_asks_and_a_worker_runs() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let (_web, mut browser) = app.web().await;
    pages::log_in(&app, &mut browser).await;
    let check = format!("/settings/nodes/{}/check", owner.node);
    let page = browser.get("/settings/nodes").await;
    let asked = page.form(&check);
    let page = browser.submit(&asked).await;
    assert!(page.html.contains("Is berth worker running?"), "{}", page.html);
    let _worker = app.worker().await;
    let page = browser.submit(&asked).await;
    assert!(page.html.contains("Checked attic") && page.html.contains("Reachable"), "{}", page.html);
    until_ssh(&app, owner, "SSH was checked, too", WORKS).await;
    let row = format!("{:?}", health(&app, owner).await);
    for secret in [TOKEN_SECRET, ROOT_PASSWORD] {
        assert!(!app.logs().contains(secret) && !row.contains(secret) && !browser.seen.contains(secret));
    }
}

#[tokio::test]
async fn a_worker_ends_at_once_in_the_middle_of_a_check() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    app.simulator.faults(json!([{"kind": "hang"}])).await;
    app.simulator.forget_calls().await;
    let mut worker = app.worker().await;
    app.watch(owner.node).await;
    let asked = async || (reached(&app, "connection", "api").await > 0).then_some(());
    wait_until(DEADLINE, "the worker asks a node that does not answer", asked).await;
    let begun = Instant::now();
    assert!(worker.stop().success(), "{}", worker.log());
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}
