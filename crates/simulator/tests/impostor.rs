//! An impostor lets anyone in, and its log tells what it was sent.

#![allow(clippy::unwrap_used)]

mod cli_support;
mod support;

use std::path::Path;
use std::sync::Arc;

use berth_simulator::calls::{Call, CallKind};
use berth_simulator::simulator::{Options, Simulator};
use cli_support::Anyone;
use russh::client::Config;
use support::{Client, escape, form};

async fn start(data: &Path, accept_any: bool) -> Simulator {
    let options = Options { accept_any, speed: 50.0, ..Options::recorded(data) };
    Simulator::start(options).await.unwrap()
}

async fn log_in(simulator: &Simulator, user: &str, password: &str) -> support::Answer {
    let client = Client::new(simulator.ready.nodes[0].api, simulator.host().directory());
    let body = form(&[("username".into(), user.into()), ("password".into(), password.into())]);
    let kind = ("Content-Type", "application/x-www-form-urlencoded".to_owned());
    client.send("POST", "/api2/json/access/ticket", &[kind], body.as_bytes()).await.unwrap()
}

async fn get(simulator: &Simulator, header: (&str, String)) -> u16 {
    let client = Client::new(simulator.ready.nodes[0].api, simulator.host().directory());
    client.send("GET", "/api2/json/nodes/pve/status", &[header], b"").await.unwrap().status
}

fn of_kind(simulator: &Simulator, kind: CallKind) -> Vec<Call> {
    simulator.host().calls().list().into_iter().filter(|call| call.kind == kind).collect()
}

#[tokio::test]
async fn any_password_ticket_and_token_opens_the_api_of_an_impostor() {
    let data = tempfile::tempdir().unwrap();
    let simulator = start(data.path(), true).await;
    let login = log_in(&simulator, "stranger@ldap", "anything at all").await;
    assert_eq!(login.status, 200);
    let ticket = login.json()["data"]["ticket"].as_str().unwrap().to_owned();
    assert_eq!(get(&simulator, ("Cookie", format!("PVEAuthCookie={}", escape(&ticket)))).await, 200);
    assert_eq!(get(&simulator, ("Authorization", "PVEAPIToken=x@y!z=nonsense".to_owned())).await, 200);

    let calls = of_kind(&simulator, CallKind::Api);
    assert_eq!(calls[0].what, "POST /access/ticket");
    assert_eq!(calls[0].params, ["password", "username"]);
    assert_eq!(calls[0].user.as_deref(), Some("stranger@ldap"));
    assert_eq!(calls[0].secret.as_deref(), Some("anything at all"));
    assert_eq!(calls[2].secret.as_deref(), Some("x@y!z=nonsense"));
    assert_eq!(of_kind(&simulator, CallKind::Connection).len(), 3);
}

#[tokio::test]
async fn a_real_host_refuses_the_same_and_logs_it_too() {
    let data = tempfile::tempdir().unwrap();
    let simulator = start(data.path(), false).await;
    assert_eq!(of_kind(&simulator, CallKind::Connection).len(), 0);
    assert_eq!(log_in(&simulator, "stranger@ldap", "anything at all").await.status, 401);
    assert_eq!(get(&simulator, ("Authorization", "PVEAPIToken=x@y!z=nonsense".to_owned())).await, 401);
    assert_eq!(of_kind(&simulator, CallKind::Api)[0].secret.as_deref(), Some("anything at all"));
}

#[tokio::test]
async fn every_ssh_attempt_is_logged_with_what_was_sent() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (impostor, real) = (start(one.path(), true).await, start(two.path(), false).await);
    assert_ne!(impostor.ready.nodes[0].certificate_sha256, real.ready.nodes[0].certificate_sha256);
    assert_ne!(impostor.ready.nodes[0].host_key_sha256, real.ready.nodes[0].host_key_sha256);
    for (simulator, wanted) in [(&impostor, true), (&real, false)] {
        let address = simulator.ready.nodes[0].ssh;
        let config = Arc::new(Config::default());
        let mut session = russh::client::connect(config, address, Anyone::default()).await.unwrap();
        let answer = session.authenticate_password("whoever", "let me in").await.unwrap();
        assert_eq!(answer.success(), wanted);
        let attempts = of_kind(simulator, CallKind::SshAttempt);
        let attempt = attempts.iter().find(|call| call.what == "password").unwrap();
        assert_eq!(attempt.user.as_deref(), Some("whoever"));
        assert_eq!(attempt.secret.as_deref(), Some("let me in"));
        assert_eq!(attempt.accepted, Some(wanted));
        let connections = of_kind(simulator, CallKind::Connection);
        assert_eq!(connections.iter().map(|call| call.what.as_str()).collect::<Vec<_>>(), ["ssh"]);
    }
}
