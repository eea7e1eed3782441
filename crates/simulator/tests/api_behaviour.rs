//! What the recordings cannot show: faults, restarts, second factors, expiry, two callers at once.

// Helpers of tests are tests too; clippy knows only the functions themselves.
#![allow(clippy::unwrap_used)]

mod support;

use std::path::Path;
use std::time::{Duration, Instant};

use berth_simulator::api::ticket;
use berth_simulator::calls::CallKind;
use berth_simulator::clock;
use berth_simulator::faults::Fault;
use berth_simulator::seed::{ROOT_PASSWORD, TOKEN_SECRET, TOTP_SECRET};
use berth_simulator::simulator::{Options, Simulator};
use serde_json::{Value, json};
use support::{Answer, Client, escape, form};

const OS_TEMPLATE: &str = "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst";

struct Rig {
    simulator: Simulator,
    client: Client,
}

impl Rig {
    async fn new(data: &Path) -> Self {
        let simulator = Simulator::start(Options { speed: 50.0, ..Options::recorded(data) }).await.unwrap();
        let client = Client::new(simulator.ready.nodes[0].api, simulator.host().directory());
        Self { simulator, client }
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        fields: &[(&str, &str)],
    ) -> std::io::Result<Answer> {
        let fields: Vec<(String, String)> =
            fields.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let mut headers = headers.to_vec();
        headers.push(("Content-Type", "application/x-www-form-urlencoded".to_owned()));
        let path = format!("/api2/json{path}");
        self.client.send(method, &path, &headers, form(&fields).as_bytes()).await
    }

    async fn by_token(&self, method: &str, path: &str, fields: &[(&str, &str)]) -> std::io::Result<Answer> {
        let token = ("Authorization", format!("PVEAPIToken=root@pam!dash={TOKEN_SECRET}"));
        self.send(method, path, &[token], fields).await
    }

    async fn log_in(&self, fields: &[(&str, &str)]) -> Answer {
        self.send("POST", "/access/ticket", &[], fields).await.unwrap()
    }

    async fn with_ticket(&self, ticket: &str) -> Answer {
        let cookie = ("Cookie", format!("PVEAuthCookie={}", escape(ticket)));
        self.send("GET", "/version", &[cookie], &[]).await.unwrap()
    }

    async fn create(&self, vmid: &str) -> std::io::Result<Answer> {
        let fields = [
            ("vmid", vmid),
            ("ostemplate", OS_TEMPLATE),
            ("rootfs", "local-ct:1"),
            ("features", "nesting=1"),
            ("unprivileged", "1"),
        ];
        self.by_token("POST", "/nodes/pve/lxc", &fields).await
    }

    async fn ended(&self, answer: &Answer) -> String {
        let upid = answer.json()["data"].as_str().unwrap().to_owned();
        self.simulator.host().wait(&upid).await.unwrap().status.unwrap()
    }

    fn plant(&self, fault: Value) {
        let fault: Fault = serde_json::from_value(fault).unwrap();
        self.simulator.host().faults().set(vec![fault]);
    }
}

#[tokio::test]
async fn of_two_creations_of_one_id_one_wins() {
    let data = tempfile::tempdir().unwrap();
    let rig = Rig::new(data.path()).await;
    let (one, two) = tokio::join!(rig.create("200"), rig.create("200"));
    let (one, two) = (one.unwrap(), two.unwrap());
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 500]);
    let (winner, loser) = if one.status == 200 { (one, two) } else { (two, one) };
    assert!(loser.reason.contains("CT 200 already exists on node 'pve'"), "{}", loser.reason);
    assert_eq!(rig.ended(&winner).await, "OK");
}

#[tokio::test]
async fn containers_tokens_and_certificate_survive_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let before = Rig::new(data.path()).await;
    let created = before.create("201").await.unwrap();
    assert_eq!(before.ended(&created).await, "OK");
    let token =
        before.by_token("POST", "/access/users/root@pam/token/later", &[("privsep", "0")]).await.unwrap();
    let secret = token.json()["data"]["value"].as_str().unwrap().to_owned();
    let certificate = before.simulator.ready.nodes[0].certificate_sha256.clone();
    drop(before);

    let after = Rig::new(data.path()).await;
    assert_eq!(after.simulator.ready.nodes[0].certificate_sha256, certificate);
    let header = ("Authorization", format!("PVEAPIToken=root@pam!later={secret}"));
    let config = after.send("GET", "/nodes/pve/lxc/201/config", &[header], &[]).await.unwrap();
    assert_eq!(config.json()["data"]["hostname"], "CT201");
    assert_eq!(after.simulator.host().list(), [101, 201]);
}

#[tokio::test]
async fn a_second_factor_is_asked_for_and_checked() {
    let data = tempfile::tempdir().unwrap();
    let rig = Rig::new(data.path()).await;
    let alice = ("username", "alice@pve");
    let first = rig.log_in(&[alice, ("password", "alice-Passw0rd")]).await.json();
    assert_eq!(first["data"]["NeedTFA"], 1);
    let half = first["data"]["ticket"].as_str().unwrap().to_owned();
    assert_eq!(rig.with_ticket(&half).await.status, 401);

    let challenge = ("tfa-challenge", half.as_str());
    assert_eq!(rig.log_in(&[alice, ("password", "totp:000000x"), challenge]).await.status, 401);
    let code = format!("totp:{}", ticket::totp(TOTP_SECRET, clock::now()).unwrap());
    let second = rig.log_in(&[alice, ("password", &code), challenge]).await.json();
    assert_eq!(rig.with_ticket(second["data"]["ticket"].as_str().unwrap()).await.status, 200);
}

#[tokio::test]
async fn a_recovery_key_opens_once() {
    let data = tempfile::tempdir().unwrap();
    let rig = Rig::new(data.path()).await;
    rig.simulator.host().write(|model| {
        let entry = &mut model.accounts.tfa.get_mut("alice@pve").unwrap()[0];
        entry.kind = "recovery".to_owned();
        entry.keys = vec!["aaaa-bbbb-cccc-dddd".to_owned()];
    });
    let alice = ("username", "alice@pve");
    let first = rig.log_in(&[alice, ("password", "alice-Passw0rd")]).await.json();
    let half = first["data"]["ticket"].as_str().unwrap();
    let answer = [alice, ("password", "recovery:aaaa-bbbb-cccc-dddd"), ("tfa-challenge", half)];
    assert_eq!(rig.log_in(&answer).await.status, 200);
    assert_eq!(rig.log_in(&answer).await.status, 401);
}

#[tokio::test]
async fn a_ticket_ends_after_two_hours() {
    let data = tempfile::tempdir().unwrap();
    let rig = Rig::new(data.path()).await;
    let login = rig.log_in(&[("username", "root@pam"), ("password", ROOT_PASSWORD)]).await.json();
    assert_eq!(rig.with_ticket(login["data"]["ticket"].as_str().unwrap()).await.status, 200);
    let aged = |age: i64| {
        let given = clock::now() - age;
        rig.simulator.host().read(|model| ticket::issue_at(model, "root@pam", "", given))
    };
    assert_eq!(rig.with_ticket(&aged(ticket::LIFETIME - 60)).await.status, 200);
    let late = rig.with_ticket(&aged(ticket::LIFETIME + 1)).await;
    assert_eq!((late.status, late.reason.as_str()), (401, "Authentication failed!"));
    assert!(late.body.is_empty());
}

#[tokio::test]
async fn a_planted_status_strikes_as_often_as_it_says() {
    let data = tempfile::tempdir().unwrap();
    let rig = Rig::new(data.path()).await;
    rig.plant(json!({ "kind": "status", "status": 595, "path": "^/version", "count": 1 }));
    let unreachable = rig.by_token("GET", "/version", &[]).await.unwrap();
    assert_eq!((unreachable.status, unreachable.body.len()), (595, 0));
    assert_eq!(rig.by_token("GET", "/version", &[]).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_connection_dropped_after_acting_leaves_the_deed_done() {
    let data = tempfile::tempdir().unwrap();
    let rig = Rig::new(data.path()).await;
    rig.plant(json!({ "kind": "drop", "acted": true, "path": "/lxc$", "count": 1 }));
    assert!(rig.create("202").await.is_err());
    assert!(rig.simulator.host().list().contains(&202));
    rig.plant(json!({ "kind": "drop", "path": "/lxc$", "count": 1 }));
    assert!(rig.create("203").await.is_err());
    assert!(!rig.simulator.host().list().contains(&203));
}

#[tokio::test]
async fn answers_come_late_when_that_is_planted() {
    let data = tempfile::tempdir().unwrap();
    let rig = Rig::new(data.path()).await;
    rig.plant(json!({ "kind": "latency", "ms": 300, "path": "^/version" }));
    let began = Instant::now();
    assert_eq!(rig.by_token("GET", "/version", &[]).await.unwrap().status, 200);
    assert!(began.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn a_planted_failure_ends_the_task() {
    let data = tempfile::tempdir().unwrap();
    let rig = Rig::new(data.path()).await;
    rig.plant(json!({ "kind": "fail-task", "task": "vzcreate", "message": "no luck today", "count": 1 }));
    let created = rig.create("204").await.unwrap();
    assert_eq!(rig.ended(&created).await, "unable to create CT 204 - no luck today");
}

#[tokio::test]
async fn a_full_disk_fails_the_creation_and_leaves_nothing() {
    let data = tempfile::tempdir().unwrap();
    let rig = Rig::new(data.path()).await;
    rig.plant(json!({ "kind": "disk-full" }));
    let created = rig.create("205").await.unwrap();
    assert!(rig.ended(&created).await.ends_with("No space left on device"));
    assert!(!rig.simulator.host().list().contains(&205));
}

#[tokio::test]
async fn a_changed_certificate_is_another_one_and_the_old_one_comes_back() {
    let data = tempfile::tempdir().unwrap();
    let rig = Rig::new(data.path()).await;
    let own = rig.client.shown().await.unwrap();
    assert_eq!(own, rig.simulator.ready.nodes[0].certificate_sha256);
    rig.plant(json!({ "kind": "changed-certificate" }));
    let changed = rig.client.shown().await.unwrap();
    assert_ne!(changed, own);
    let nodes = rig.by_token("GET", "/nodes", &[]).await.unwrap().json();
    assert_eq!(nodes["data"][0]["ssl_fingerprint"], changed);
    rig.simulator.host().faults().set(Vec::new());
    assert_eq!(rig.client.shown().await.unwrap(), own);
}

#[tokio::test]
async fn faults_and_calls_are_reached_through_the_admin_port() {
    let data = tempfile::tempdir().unwrap();
    let rig = Rig::new(data.path()).await;
    let admin = Client::plain(rig.simulator.ready.admin);
    let planted = admin.send("PUT", "/faults", &[], br#"[{"kind":"ssh-refused","count":2}]"#).await.unwrap();
    assert_eq!(planted.json()[0]["kind"], "ssh-refused");
    assert_eq!(admin.send("PUT", "/faults", &[], br#"[{"kind":"nonsense"}]"#).await.unwrap().status, 400);
    rig.by_token("GET", "/version", &[]).await.unwrap();
    let calls = admin.send("GET", "/calls", &[], b"").await.unwrap().json();
    assert_eq!(calls["counts"]["api GET /version"], 1);
    assert_eq!(rig.simulator.host().calls().count(CallKind::Api, None), 1);
    admin.send("DELETE", "/calls", &[], b"").await.unwrap();
    assert_eq!(rig.simulator.host().calls().count(CallKind::Api, None), 0);
}

#[tokio::test]
async fn every_method_of_the_table_has_a_handler() {
    let data = tempfile::tempdir().unwrap();
    let rig = Rig::new(data.path()).await;
    for endpoint in berth_simulator::api::schema::endpoints() {
        let sample = |name: &str| match name {
            "node" => "pve",
            "vmid" | "newid" => "101",
            "storage" => "local",
            "upid" => "UPID:pve:00000001:00000001:6B000001:vzcreate:102:root@pam:",
            "userid" => "nobody@pve",
            "timeframe" => "hour",
            _ => "nothing1",
        };
        let mut path = endpoint.path.clone();
        for name in endpoint.params.keys() {
            path = path.replace(&format!("{{{name}}}"), &escape(sample(name)));
        }
        let fields: Vec<(&str, &str)> =
            endpoint.params.keys().map(|name| (name.as_str(), sample(name))).collect();
        let given = |(name, _): &&(&str, &str)| matches!(*name, "timeframe" | "vmid" | "type" | "feature");
        let query: Vec<String> =
            fields.iter().filter(given).map(|(name, value)| format!("{name}={value}")).collect();
        let path = if endpoint.method == "GET" && !endpoint.path.contains("vmid") && !query.is_empty() {
            format!("{path}?{}", query.join("&"))
        } else {
            path
        };
        let answer = rig.by_token(&endpoint.method, &path, &[]).await.unwrap();
        assert_ne!(answer.status, 501, "{} {path}", endpoint.method);
    }
}
