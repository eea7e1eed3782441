//! A host that pretends to be a Proxmox host and takes any password. Its own log is the evidence of what it was sent.

use std::net::SocketAddr;

use berth_testkit::simulator::ROOT_PASSWORD;
use berth_testkit::{SimulatorProcess, TestApp};

use crate::visitor::{Answer, Visitor, certificate, logged_in, root, users};

/// One more host, which nobody has asked for.
pub(crate) async fn stranger(app: &TestApp) -> SimulatorProcess {
    SimulatorProcess::impostor(&app.directory("impostor")).await
}

/// Takes the place of the app's host: the same addresses, another certificate and host key.
pub(crate) async fn instead(app: &mut TestApp) -> SimulatorProcess {
    let (api, ssh) = (app.simulator.api.to_string(), app.simulator.ssh.to_string());
    app.simulator.process.stop();
    let options = ["--seed", "recorded", "--accept-any-password", "--api", &api, "--ssh", &ssh];
    let impostor = SimulatorProcess::start_with(&app.directory("impostor"), &options).await;
    assert_eq!((impostor.api, impostor.ssh), (app.simulator.api, app.simulator.ssh));
    assert_ne!(certificate(&impostor), certificate(&app.simulator));
    impostor
}

pub(crate) fn assert_refused(answer: &Answer) {
    assert_eq!(answer.status, 422, "{}", answer.body);
    assert_eq!(answer.session(), None);
}

/// Neither is told apart from a wrong password.
async fn assert_never_asked(app: &TestApp, visitor: &Visitor, impostor: &SimulatorProcess) {
    let wrong = vec![("password", "wrong".to_owned())];
    let mut form = root(app.simulator.api, certificate(&app.simulator));
    form.retain(|(name, _)| *name != "password");
    let usual = visitor.log_in(&[form, wrong].concat()).await;
    assert_refused(&usual);
    for trust in ["", certificate(impostor), certificate(&app.simulator)] {
        let answer = visitor.log_in(&root(impostor.api, trust)).await;
        assert_refused(&answer);
        assert!(answer.body.contains("That did not work") && usual.body.contains("That did not work"));
        assert!(!answer.body.contains(certificate(impostor)), "{}", answer.body);
    }
    let SocketAddr::V4(address) = impostor.api else { panic!("{}", impostor.api) };
    for host in [address.ip().to_string(), address.to_string()] {
        let path = format!("/login/realms?host={host}&port={}", address.port());
        assert_eq!(visitor.get(&path, &[]).await.status, 200);
    }
    assert_eq!(impostor.connections().await, [], "a refused host is never connected to");
}

#[tokio::test]
async fn after_the_claim_no_other_host_is_connected_to() {
    let app = TestApp::start().await;
    let (_web, base) = app.web_with(&[]).await;
    let visitor = Visitor::new(&base);
    logged_in(&app, &visitor).await;
    let impostor = stranger(&app).await;
    assert_never_asked(&app, &visitor, &impostor).await;
    assert_eq!(users(&app).await, [format!("{} root@pam", app.simulator.api)]);
}

#[tokio::test]
async fn only_listed_hosts_are_connected_to() {
    let app = TestApp::start().await;
    let (_web, base) = app.web_with(&[("BERTH_LOGIN_HOSTS", app.simulator.api.to_string())]).await;
    let visitor = Visitor::new(&base);
    let impostor = stranger(&app).await;
    assert_never_asked(&app, &visitor, &impostor).await;
    assert_eq!(users(&app).await, Vec::<String>::new());
    logged_in(&app, &visitor).await;
    assert_never_asked(&app, &visitor, &impostor).await;
}

/// The impostor answers at the very address of a host that somebody has logged in through.
#[tokio::test]
async fn a_pinned_host_that_was_replaced_gets_no_password_in_any_mode() {
    for mode in ["claim", "list", "any"] {
        let mut app = TestApp::start().await;
        let address = app.simulator.api.to_string();
        let variables = match mode {
            "claim" => vec![],
            "list" => vec![("BERTH_LOGIN_HOSTS", address.clone())],
            _ => vec![("BERTH_LOGIN_HOSTS", "any".to_owned())],
        };
        let (_web, base) = app.web_with(&variables).await;
        let visitor = Visitor::new(&base);
        logged_in(&app, &visitor).await;
        let before = app.database.text().await;
        let impostor = instead(&mut app).await;
        for trust in ["", certificate(&impostor), certificate(&app.simulator)] {
            let answer = visitor.log_in(&root(impostor.api, trust)).await;
            assert_refused(&answer);
            let (old, new) = (certificate(&app.simulator), certificate(&impostor));
            let command = format!("berth login-host accept-certificate {address} {new}");
            for part in [old, new, &command] {
                assert!(answer.body.contains(part), "{mode}: {part} is not on {}", answer.body);
            }
        }
        let realms = format!("/login/realms?host={}&port={}", impostor.api.ip(), impostor.api.port());
        assert_eq!(visitor.get(&realms, &[]).await.status, 200);
        assert_eq!(impostor.passwords_received().await, Vec::<String>::new(), "{mode}");
        assert_ne!(impostor.connections().await, [], "{mode}: it was compared with what was remembered");
        assert_eq!(app.database.text().await, before, "{mode}");
    }
}

/// As if the public roots had vouched for this address once: a self-signed certificate does not do any more.
#[tokio::test]
async fn a_publicly_trusted_host_that_was_replaced_gets_no_password() {
    let app = TestApp::start().await;
    let (_web, base) = app.web_with(&[("BERTH_LOGIN_HOSTS", "any".into())]).await;
    let visitor = Visitor::new(&base);
    let impostor = stranger(&app).await;
    let address = impostor.api.to_string().parse().unwrap();
    let now = app.ctx.clock.now();
    assert!(berth_store::login_hosts::remember(&app.ctx.pg, &address, None, now).await.unwrap());
    for trust in ["", certificate(&impostor)] {
        let answer = visitor.log_in(&root(impostor.api, trust)).await;
        assert_refused(&answer);
        assert!(answer.body.contains("a publicly trusted certificate"), "{}", answer.body);
    }
    assert_eq!(impostor.passwords_received().await, Vec::<String>::new());
    assert_eq!(users(&app).await, Vec::<String>::new());
}

/// Where any host may log people in, its certificate is still shown and confirmed first, and that very one.
#[tokio::test]
async fn an_unknown_host_gets_no_password_before_its_own_certificate_is_confirmed() {
    let app = TestApp::start().await;
    let (_web, base) = app.web_with(&[("BERTH_LOGIN_HOSTS", "any".into())]).await;
    let visitor = Visitor::new(&base);
    let impostor = stranger(&app).await;
    let prefix = &certificate(&impostor)[..30];
    for trust in ["", "on", prefix, certificate(&app.simulator)] {
        let answer = visitor.log_in(&root(impostor.api, trust)).await;
        assert_refused(&answer);
        assert!(
            answer.body.contains("Trust this certificate") && answer.body.contains(certificate(&impostor))
        );
    }
    assert_eq!(impostor.passwords_received().await, Vec::<String>::new());
    let answer = visitor.log_in(&root(impostor.api, certificate(&impostor))).await;
    assert_eq!(answer.status, 303);
    // So the log does tell when one was sent.
    assert_eq!(impostor.passwords_received().await, [ROOT_PASSWORD]);
}
