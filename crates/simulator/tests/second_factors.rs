//! Second factors: what is asked for, what is taken, and what is taken only once.

#![allow(clippy::unwrap_used)]

mod support;

use std::path::Path;
use std::time::{Duration, Instant};

use berth_simulator::api::ticket;
use berth_simulator::clock;
use berth_simulator::seed::TOTP_SECRET;
use berth_simulator::simulator::{Options, Simulator};
use serde_json::{Value, json};
use support::{Answer, Client, escape, form};

const PASSWORD: &str = "some-Passw0rd";

struct Rig {
    simulator: Simulator,
    client: Client,
}

impl Rig {
    async fn start(data: &Path, speed: f64) -> Self {
        let simulator = Simulator::start(Options { speed, ..Options::recorded(data) }).await.unwrap();
        let client = Client::new(simulator.ready.nodes[0].api, simulator.host().directory());
        Self { simulator, client }
    }

    /// A user made through the admin port.
    async fn user(&self, userid: &str, factors: Value) {
        let mut body = factors;
        body["password"] = json!(PASSWORD);
        let admin = Client::plain(self.simulator.ready.admin);
        let path = format!("/users/{userid}");
        assert_eq!(admin.send("PUT", &path, &[], body.to_string().as_bytes()).await.unwrap().status, 200);
    }

    async fn log_in(&self, user: &str, password: &str, challenge: Option<&str>) -> Answer {
        let mut fields = vec![("username".into(), user.into()), ("password".into(), password.into())];
        fields.extend(challenge.map(|challenge| ("tfa-challenge".into(), challenge.into())));
        let kind = ("Content-Type", "application/x-www-form-urlencoded".to_owned());
        let body = form(&fields);
        self.client.send("POST", "/api2/json/access/ticket", &[kind], body.as_bytes()).await.unwrap()
    }

    /// The half ticket of a right password, and what it offers.
    async fn half(&self, user: &str) -> (String, Value) {
        let answer = self.log_in(user, PASSWORD, None).await.json()["data"].clone();
        assert_eq!(answer["NeedTFA"], 1);
        let half = answer["ticket"].as_str().unwrap().to_owned();
        let offer = half.strip_prefix("PVE:!tfa!").unwrap();
        let end = offer.rfind("}:").unwrap() + 1;
        let offer = serde_json::from_str(&offer[..end].replace("%3A", ":")).unwrap();
        (half, offer)
    }

    async fn opens(&self, answer: &Answer) -> bool {
        let ticket = answer.json()["data"]["ticket"].as_str().unwrap_or_default().to_owned();
        let cookie = ("Cookie", format!("PVEAuthCookie={}", escape(&ticket)));
        self.client.send("GET", "/api2/json/version", &[cookie], b"").await.unwrap().status == 200
    }
}

fn code() -> String {
    format!("totp:{}", ticket::totp(TOTP_SECRET, clock::now()).unwrap())
}

#[tokio::test]
async fn a_totp_code_is_taken_once_and_a_wrong_one_leaves_the_half_ticket_alone() {
    let data = tempfile::tempdir().unwrap();
    let rig = Rig::start(data.path(), 50.0).await;
    rig.user("bob@pve", json!({ "totp": TOTP_SECRET })).await;
    let (half, offer) = rig.half("bob@pve").await;
    assert_eq!(offer, json!({ "totp": true }));
    let wrong = rig.log_in("bob@pve", "totp:abcdef", Some(&half)).await;
    assert_eq!((wrong.status, wrong.reason.as_str()), (401, "authentication failure"));
    assert_eq!(rig.log_in("bob@pve", PASSWORD, Some(&half)).await.status, 401);
    assert_eq!(rig.log_in("root@pam", &code(), Some(&half)).await.status, 401, "it is somebody else's");

    let right = code();
    let answer = rig.log_in("bob@pve", &right, Some(&half)).await;
    assert!(rig.opens(&answer).await);
    let replayed = rig.log_in("bob@pve", &right, Some(&half)).await;
    assert_eq!(replayed.status, 401);
    let (again, _) = rig.half("bob@pve").await;
    assert_eq!(rig.log_in("bob@pve", &right, Some(&again)).await.status, 401);
}

#[tokio::test]
async fn each_recovery_key_is_taken_once_and_what_is_left_is_offered() {
    let data = tempfile::tempdir().unwrap();
    let rig = Rig::start(data.path(), 50.0).await;
    rig.user("carol@pve", json!({ "recovery": ["aaaa-bbbb", "cccc-dddd", "eeee-ffff"] })).await;
    let (half, offer) = rig.half("carol@pve").await;
    assert_eq!(offer, json!({ "recovery": [0, 1, 2] }));
    assert_eq!(rig.log_in("carol@pve", "recovery:", Some(&half)).await.status, 401);
    let answer = rig.log_in("carol@pve", "recovery:cccc-dddd", Some(&half)).await;
    assert!(rig.opens(&answer).await);
    assert_eq!(rig.log_in("carol@pve", "recovery:cccc-dddd", Some(&half)).await.status, 401);
    assert_eq!(rig.log_in("carol@pve", "recovery:", Some(&half)).await.status, 401);
    assert_eq!(rig.half("carol@pve").await.1, json!({ "recovery": [0, 2] }));
    drop(rig);

    let rig = Rig::start(data.path(), 50.0).await;
    let (half, _) = rig.half("carol@pve").await;
    assert_eq!(rig.log_in("carol@pve", "recovery:cccc-dddd", Some(&half)).await.status, 401);
    assert_eq!(rig.log_in("carol@pve", "recovery:aaaa-bbbb", Some(&half)).await.status, 200);
}

#[tokio::test]
async fn a_user_with_nothing_but_a_security_key_is_offered_nothing_else() {
    let data = tempfile::tempdir().unwrap();
    let rig = Rig::start(data.path(), 50.0).await;
    rig.user("dave@pve", json!({ "webauthn": true })).await;
    let (half, offer) = rig.half("dave@pve").await;
    assert_eq!(offer.as_object().unwrap().keys().collect::<Vec<_>>(), ["webauthn"]);
    assert_eq!(offer["webauthn"]["publicKey"]["allowCredentials"][0]["type"], "public-key");
    for guess in ["webauthn:{}", "webauthn:", "totp:000000", "recovery:"] {
        assert_eq!(rig.log_in("dave@pve", guess, Some(&half)).await.status, 401, "{guess}");
    }
    rig.user("erin@pve", json!({ "webauthn": true, "totp": TOTP_SECRET, "roles": ["PVEAuditor"] })).await;
    let (half, offer) = rig.half("erin@pve").await;
    assert_eq!(offer.as_object().unwrap().keys().collect::<Vec<_>>(), ["totp", "webauthn"]);
    let answer = rig.log_in("erin@pve", &code(), Some(&half)).await;
    assert!(rig.opens(&answer).await);
    assert_eq!(answer.json()["data"]["cap"]["dc"]["Sys.Audit"], 1);
}

#[tokio::test]
async fn a_half_ticket_ends_after_two_hours() {
    let data = tempfile::tempdir().unwrap();
    let rig = Rig::start(data.path(), 50.0).await;
    rig.user("bob@pve", json!({ "totp": TOTP_SECRET })).await;
    let late = clock::now() - ticket::LIFETIME - 1;
    let old =
        rig.simulator.host().read(|model| ticket::issue_at(model, "!tfa!{\"totp\"%3Atrue}", "bob@pve", late));
    assert_eq!(rig.log_in("bob@pve", &code(), Some(&old)).await.status, 401);
}

#[tokio::test]
async fn whoever_is_refused_waits_three_seconds() {
    let data = tempfile::tempdir().unwrap();
    let rig = Rig::start(data.path(), 4.0).await;
    let began = Instant::now();
    assert_eq!(rig.log_in("root@pam", "wrong", None).await.status, 401);
    assert!(began.elapsed() >= Duration::from_millis(750), "3 s at four times the speed");
}
