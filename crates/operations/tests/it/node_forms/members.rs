//! The other members of a cluster: asked of a node that is trusted, and only where it says they are.

use berth_operations::Error;
use berth_operations::nodes::{self, Check, CheckState, NodeForm, Saving};
use berth_testkit::{SimulatorProcess, TestApp};

use super::{form, saved, state};
use crate::support::person;

#[tokio::test]
async fn a_member_comes_with_nothing_typed_but_a_look_at_its_host_key() {
    let app = TestApp::start().await;
    let user = person(&app.ctx, "root@pam").await;
    let place = tempfile::tempdir().unwrap();
    let cluster = SimulatorProcess::cluster(place.path()).await;
    let (first, others) = saved(&app.ctx, user, None, &form(&cluster.nodes[0])).await;
    assert_eq!(others, ["pve2", "pve3"]);

    let member = nodes::member_form(&app.ctx, user, first, "pve2").await.unwrap();
    assert_eq!((member.name.as_str(), member.host.as_str()), ("pve2", "127.0.0.2"));
    let Saving::NotYet(report) = nodes::save(&app.ctx, user, None, &member, &|_| {}).await.unwrap() else {
        panic!("its host key was trusted by nobody");
    };
    assert!(report.certificate.is_none() && report.api_works(), "{:#?}", report.rows);
    assert_eq!(state(&report, Check::HostKey), CheckState::NeedsTrust);
    let confirmed = NodeForm { trusted_host_key: report.host_key.unwrap().to_string(), ..member };
    let (second, others) = saved(&app.ctx, user, None, &confirmed).await;
    assert_eq!(others, ["pve3"]);
    let node = nodes::find(&app.ctx, user, second).await.unwrap();
    assert_eq!(node.certificate.unwrap().to_string(), cluster.nodes[1].certificate_sha256);
    assert_eq!(node.cluster, nodes::find(&app.ctx, user, first).await.unwrap().cluster);

    for (name, says) in [("pve2", "added already"), ("pve9", "knows no member pve9")] {
        let error = nodes::member_form(&app.ctx, user, first, name).await.unwrap_err();
        assert!(matches!(&error, Error::Conflict(text) if text.contains(says)), "{error}");
    }
}

#[tokio::test]
async fn no_other_address_and_no_other_person_gets_a_members_secrets() {
    let app = TestApp::start().await;
    let (user, other) = (person(&app.ctx, "root@pam").await, person(&app.ctx, "eve@pve").await);
    let place = tempfile::tempdir().unwrap();
    let cluster = SimulatorProcess::cluster(place.path()).await;
    let (first, _) = saved(&app.ctx, user, None, &form(&cluster.nodes[0])).await;
    let member = nodes::member_form(&app.ctx, user, first, "pve3").await.unwrap();

    let impostors = tempfile::tempdir().unwrap();
    let impostor = SimulatorProcess::impostor(impostors.path()).await;
    let to = &impostor.nodes[0];
    for moved in [
        NodeForm { host: to.api.ip().to_string(), port: to.api.port().to_string(), ..member.clone() },
        NodeForm { port: to.api.port().to_string(), ..member.clone() },
        NodeForm { ssh_host: to.ssh.ip().to_string(), ssh_port: to.ssh.port().to_string(), ..member.clone() },
    ] {
        let error = nodes::save(&app.ctx, user, None, &moved, &|_| {}).await.unwrap_err();
        assert!(matches!(error, Error::Invalid(_)), "{error}");
    }
    assert_eq!(impostor.connections().await, []);

    let error = nodes::save(&app.ctx, other, None, &member, &|_| {}).await.unwrap_err();
    assert!(matches!(error, Error::NotFound), "{error}");
    let error = nodes::member_form(&app.ctx, other, first, "pve3").await.unwrap_err();
    assert!(matches!(error, Error::NotFound), "{error}");
}
