//! A stored secret goes to nobody but the host that it was stored for.

use berth_domain::NodeId;
use berth_operations::Error;
use berth_operations::nodes::{self, Check, CheckState, NodeForm, Saving};
use berth_store::{containers, creations};
use berth_testkit::{SimulatorProcess, TestApp};
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::{form, row, saved, state, test, trusting};
use crate::support::{NOW, new_creation, node, person};

#[tokio::test]
async fn another_host_gets_no_stored_secret_though_it_is_trusted() {
    let app = TestApp::start().await;
    let user = person(&app.ctx, "root@pam").await;
    let (id, _) = saved(&app.ctx, user, None, &form(&app.simulator.nodes[0])).await;
    let place = tempfile::tempdir().unwrap();
    let impostor = SimulatorProcess::impostor(place.path()).await;
    let other = &impostor.nodes[0];
    let edited = nodes::form(&app.ctx, user, id).await.unwrap();
    assert!(edited.token_secret.expose_secret().is_empty() && edited.ssh_password.expose_secret().is_empty());
    let (port, ssh_port) = (other.api.port().to_string(), other.ssh.port().to_string());
    let moved = NodeForm { port, ssh_port, ..edited };
    for moved in [moved.clone(), trusting(moved, other)] {
        let report = test(&app.ctx, user, Some(id), &moved).await;
        for (check, asks) in
            [(Check::Token, "Type the token's secret"), (Check::SshLogin, "Type the password")]
        {
            let row = row(&report, check);
            assert!(row.state == CheckState::Failed && row.message.contains(asks), "{row:?}");
        }
    }
    assert_eq!(impostor.tokens_received().await, Vec::<String>::new());
    assert_eq!(impostor.ssh_attempts().await, []);
    impostor.received("connection").await;
}

#[tokio::test]
async fn the_same_host_at_another_address_is_known_by_its_certificate_and_host_key() {
    let app = TestApp::start().await;
    let user = person(&app.ctx, "root@pam").await;
    let (id, _) = saved(&app.ctx, user, None, &form(&app.simulator.nodes[0])).await;
    let edited = nodes::form(&app.ctx, user, id).await.unwrap();
    let edited = NodeForm { host: "localhost".into(), name: "moved".into(), ..edited };
    assert_eq!(saved(&app.ctx, user, Some(id), &edited).await.0, id);
    let node = nodes::find(&app.ctx, user, id).await.unwrap();
    assert_eq!((node.name.as_str(), node.address.host.as_str()), ("moved", "localhost"));
    // The secrets are still the right ones.
    let again = nodes::form(&app.ctx, user, id).await.unwrap();
    assert!(test(&app.ctx, user, Some(id), &again).await.passed());
}

#[tokio::test]
async fn what_has_changed_is_shown_beside_what_was_before_anything_is_sent() {
    let app = TestApp::start().await;
    let user = person(&app.ctx, "root@pam").await;
    let host = &app.simulator.nodes[0];
    let (id, _) = saved(&app.ctx, user, None, &form(host)).await;
    app.simulator.faults(json!([{ "kind": "changed-certificate" }, { "kind": "changed-host-key" }])).await;
    app.simulator.forget_calls().await;
    let edited = nodes::form(&app.ctx, user, id).await.unwrap();
    let Saving::NotYet(report) = nodes::save(&app.ctx, user, Some(id), &edited, &|_| {}).await.unwrap()
    else {
        panic!("saved without a question");
    };
    assert_eq!(report.certificate_before.as_ref(), Some(&host.certificate_sha256));
    assert!(host.host_key_sha256.ends_with(report.host_key_before.as_ref().unwrap().fingerprint()));
    assert_eq!(app.simulator.tokens_received().await, Vec::<String>::new());
    assert_eq!(app.simulator.ssh_attempts().await, []);

    let (certificate, host_key) = (report.certificate.unwrap().fingerprint, report.host_key.unwrap());
    let confirmed = NodeForm {
        trusted_certificate: certificate.to_string(),
        trusted_host_key: host_key.to_string(),
        ..edited
    };
    saved(&app.ctx, user, Some(id), &confirmed).await;
    let node = nodes::find(&app.ctx, user, id).await.unwrap();
    assert_eq!((node.certificate, node.ssh.unwrap().host_key), (Some(certificate), host_key.to_string()));
}

#[tokio::test]
async fn a_node_with_containers_stays_the_same_pve_node() {
    let app = TestApp::start().await;
    let user = person(&app.ctx, "root@pam").await;
    let place = tempfile::tempdir().unwrap();
    let cluster = SimulatorProcess::cluster(place.path()).await;
    let (id, _) = saved(&app.ctx, user, None, &form(&cluster.nodes[0])).await;
    let mut conn = app.ctx.pg.acquire().await.unwrap();
    let creation = creations::insert(&mut conn, user, &new_creation(id), NOW).await.unwrap().unwrap();
    drop(conn);
    let second = NodeForm { name: "pve".into(), ..form(&cluster.nodes[1]) };
    for what in ["a container is being created", "a container of Berth is"] {
        let Saving::NotYet(report) = nodes::save(&app.ctx, user, Some(id), &second, &|_| {}).await.unwrap()
        else {
            panic!("moved to another PVE node while {what}");
        };
        let row = row(&report, Check::NodeName);
        assert!(row.state == CheckState::Failed && row.message.contains("the PVE node pve2"), "{row:?}");
        assert!(row.message.contains(what), "{row:?}");
        assert_eq!(nodes::find(&app.ctx, user, id).await.unwrap().pve_node_name, "pve");
        let mut conn = app.ctx.pg.acquire().await.unwrap();
        let minute = std::time::Duration::from_mins(1);
        creations::claim(&mut *conn, creation, "worker", minute).await.unwrap();
        containers::upsert_created(&mut conn, creation, "worker", NOW).await.unwrap();
    }
    // Nobody is in the way of a node that has none.
    let (empty, _) =
        saved(&app.ctx, user, None, &NodeForm { name: "empty".into(), ..form(&cluster.nodes[0]) }).await;
    saved(&app.ctx, user, Some(empty), &NodeForm { name: "empty".into(), ..second }).await;
}

#[tokio::test]
async fn a_host_that_is_gone_can_be_renamed() {
    let app = TestApp::start().await;
    let (user, other) = (person(&app.ctx, "root@pam").await, person(&app.ctx, "eve@pve").await);
    let (id, second): (NodeId, NodeId) =
        (node(&app.ctx, user, "attic").await, node(&app.ctx, user, "cellar").await);
    let edited = nodes::form(&app.ctx, user, id).await.unwrap();
    assert!(!test(&app.ctx, user, Some(id), &edited).await.offers_rename, "nothing differs");
    let other_port = NodeForm { name: "loft".into(), port: "2".into(), ..edited.clone() };
    assert!(!test(&app.ctx, user, Some(id), &other_port).await.offers_rename, "more than the name differs");
    let renamed = NodeForm { name: " loft ".into(), ..edited.clone() };
    let Saving::NotYet(report) = nodes::save(&app.ctx, user, Some(id), &renamed, &|_| {}).await.unwrap()
    else {
        panic!("saved though nobody answered");
    };
    assert!(report.offers_rename && state(&report, Check::Certificate) == CheckState::Failed);
    nodes::rename(&app.ctx, user, id, &renamed).await.unwrap();
    assert_eq!(nodes::find(&app.ctx, user, id).await.unwrap().name, "loft");

    for name in ["cellar", "", &"x".repeat(101)] {
        let wrong = NodeForm { name: name.into(), ..edited.clone() };
        let error = nodes::rename(&app.ctx, user, id, &wrong).await.unwrap_err();
        assert!(matches!(&error, Error::Invalid(errors) if !errors.of("name").is_empty()), "{error}");
    }
    let error = nodes::rename(&app.ctx, other, second, &renamed).await.unwrap_err();
    assert!(matches!(error, Error::NotFound), "{error}");
}
