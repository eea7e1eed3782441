//! Sends recordings to a simulator, bringing about what each presupposes.

mod prepare;
pub(crate) mod shape;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use berth_simulator::api::ticket;
use berth_simulator::seed::{TOKEN_SECRET, TOTP_SECRET};
use berth_simulator::simulator::{Options, Simulator};
use berth_simulator::state::{Caller, Host, Params};
use serde_json::Value;

use crate::support::{Answer, Client, escape, form};

/// One recorded exchange.
pub(crate) struct Recording {
    pub(crate) number: u32,
    pub(crate) name: String,
    request: Value,
    response: Value,
}

/// All recordings in order.
pub(crate) fn recordings() -> Vec<Recording> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings/api");
    let mut all: Vec<Recording> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let file = entry.file_name().into_string().unwrap();
            let recorded: Value = serde_json::from_slice(&std::fs::read(entry.path()).unwrap()).unwrap();
            Recording {
                number: file[..3].parse().unwrap(),
                name: file[4..].trim_end_matches(".json").to_owned(),
                request: recorded["request"].clone(),
                response: recorded["response"].clone(),
            }
        })
        .collect();
    all.sort_by_key(|recording| recording.number);
    all
}

/// A simulator and what was learned from its answers.
pub(crate) struct Replay {
    simulator: Simulator,
    client: Client,
    /// Recorded text to the one this simulator gave instead: UPIDs, volume ids.
    instead: BTreeMap<String, String>,
    /// The half ticket of the two-factor login.
    half_ticket: String,
    /// A ticket of alice from before she was disabled.
    alice: String,
    _data: tempfile::TempDir,
}

impl Replay {
    /// A simulator seeded as the recorded host, three times as fast.
    pub(crate) async fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let simulator =
            Simulator::start(Options { speed: 3.0, ..Options::recorded(data.path()) }).await.unwrap();
        let client = Client::new(simulator.ready.nodes[0].api, simulator.host().directory());
        let replay = Self {
            simulator,
            client,
            instead: BTreeMap::new(),
            half_ticket: String::new(),
            alice: String::new(),
            _data: data,
        };
        // She is created in the course of the recordings.
        replay.host().write(|model| {
            model.accounts.users.remove("alice@pve");
            model.accounts.tfa.clear();
        });
        replay
    }

    fn host(&self) -> &Host {
        self.simulator.host()
    }

    /// Prepares, sends, compares.
    pub(crate) async fn exchange(&mut self, recording: &Recording) -> Result<(), String> {
        self.prepare(recording.number).await;
        self.await_task(recording).await;
        let answer = self.send(recording).await;
        self.learn(recording, &answer);
        compare(recording, &answer)
    }

    /// A recording that shows an ended task waits for the end of that task.
    async fn await_task(&self, recording: &Recording) {
        let path = recording.request["path"].as_str().unwrap();
        let ended = recording.response["body"]["data"]["status"] == "stopped" || path.ends_with("/log");
        let still_running = [117].contains(&recording.number);
        for (recorded, upid) in &self.instead {
            if ended && !still_running && path.contains(&escape(recorded)) {
                self.host().wait(upid).await;
            }
        }
    }

    async fn send(&self, recording: &Recording) -> Answer {
        let request = &recording.request;
        let method = request["method"].as_str().unwrap();
        let mut path = self.translate(request["path"].as_str().unwrap());
        if let Some(plain) = path.strip_prefix("http://host:8006") {
            let client = Client::plain(self.client.address);
            return client.send(method, plain, &[("Host-Was", "host:8006".to_owned())], b"").await.unwrap();
        }
        let fields = self.fields(recording);
        let mut headers = self.authentication(recording);
        let mut body = String::new();
        let raw = request["form"].as_str();
        match (request["params_in"].as_str(), raw) {
            (Some("query string"), _) => path = format!("{path}?{}", form(&fields)),
            (Some("json body"), _) => {
                body = request["form"].to_string();
                headers.push(("Content-Type", "application/json".to_owned()));
            }
            (Some(_), _) => {
                body = form(&fields);
                headers.push(("Content-Type", "application/x-www-form-urlencoded".to_owned()));
            }
            (None, Some(raw)) => {
                raw.clone_into(&mut body);
                match recording.number {
                    294 => headers.push(("Content-Type", "application/json".to_owned())),
                    295 => headers.push(("Content-Type", "text/plain".to_owned())),
                    296 => {}
                    _ => headers.push(("Content-Type", "application/x-www-form-urlencoded".to_owned())),
                }
            }
            (None, None) => {}
        }
        if recording.response["headers"]["Content-Encoding"] == "gzip" {
            headers.push(("Accept-Encoding", "gzip".to_owned()));
        }
        self.client.send(method, &path, &headers, body.as_bytes()).await.unwrap()
    }

    fn fields(&self, recording: &Recording) -> Vec<(String, String)> {
        let Some(fields) = recording.request["form"].as_object() else { return Vec::new() };
        let code = || ticket::totp(TOTP_SECRET, berth_simulator::clock::now()).unwrap();
        let text = |key: &str, value: &Value| match (recording.number, key) {
            (9, "password") => self.ticket("root@pam"),
            (254, "value") | (258, "password") => code(),
            (259, "password") => format!("totp:{}", code()),
            (258 | 259, "tfa-challenge") => self.half_ticket.clone(),
            _ => self.translate(&value.as_str().map_or_else(|| value.to_string(), str::to_owned)),
        };
        fields.iter().map(|(key, value)| (key.clone(), text(key, value))).collect()
    }

    fn ticket(&self, user: &str) -> String {
        self.host().read(|model| ticket::issue(model, user, ""))
    }

    fn authentication(&self, recording: &Recording) -> Vec<(&'static str, String)> {
        let auth = recording.request["auth"].as_str().unwrap_or("none");
        if let Some(value) = auth.strip_prefix("Authorization: ") {
            return vec![("Authorization", value.to_owned())];
        }
        if auth.starts_with("PVEAPIToken=") {
            return vec![("Authorization", auth.to_owned())];
        }
        if !auth.starts_with("ticket cookie") {
            return Vec::new();
        }
        let user = if (219..=234).contains(&recording.number) { "alice@pve" } else { "root@pam" };
        let ticket = match recording.number {
            15 => "PVE:root@pam:00000000::bm90IG91cnM=".to_owned(),
            253 => self.alice.clone(),
            256 => self.half_ticket.clone(),
            _ => self.ticket(user),
        };
        let mut headers = vec![("Cookie", format!("PVEAuthCookie={}", escape(&ticket)))];
        if auth.contains("CSRF") {
            let token = self.host().read(|model| ticket::csrf(model, user));
            let token = if recording.number == 14 { "00000000:bad".to_owned() } else { token };
            headers.push(("CSRFPreventionToken", token));
        }
        headers
    }

    /// Puts this simulator's UPIDs and volume ids in the place of the recorded ones.
    fn translate(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (recorded, ours) in &self.instead {
            text = text.replace(&escape(recorded), &escape(ours)).replace(recorded, ours);
        }
        text
    }

    fn learn(&mut self, recording: &Recording, answer: &Answer) {
        let (recorded, ours) = (&recording.response["body"]["data"], answer.json()["data"].clone());
        if let (Some(recorded), Some(ours)) = (recorded.as_str(), ours.as_str())
            && recorded.starts_with("UPID:")
        {
            self.instead.insert(recorded.to_owned(), ours.to_owned());
        }
        match recording.number {
            16 | 19 | 29 => self.host().write(|model| {
                model
                    .accounts
                    .tokens
                    .values_mut()
                    .for_each(|token| TOKEN_SECRET.clone_into(&mut token.secret));
            }),
            218 => ours["ticket"].as_str().unwrap_or_default().clone_into(&mut self.alice),
            255 => ours["ticket"].as_str().unwrap_or_default().clone_into(&mut self.half_ticket),
            309 => {
                let volume = |data: &Value| data[0]["volid"].as_str().unwrap_or_default().to_owned();
                self.instead.insert(volume(recorded), volume(&ours));
            }
            _ => {}
        }
    }

    /// Waits until `ready` with a deadline.
    async fn until(&self, what: &str, ready: impl Fn(&Host) -> bool) {
        let waited = tokio::time::timeout(Duration::from_secs(30), async {
            while !ready(self.host()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        waited.await.unwrap_or_else(|_| panic!("still not: {what}"));
    }

    async fn idle(&self) {
        self.until("all tasks ended", |host| {
            host.read(|model| model.tasks.iter().all(|task| task.endtime.is_some()))
        })
        .await;
    }

    async fn destroy(&self, vmid: u32) {
        if self.host().list().contains(&vmid) {
            self.host().unlock(vmid).unwrap();
            let forced = Params::from([("force".to_owned(), "1".to_owned())]);
            let upid = self.host().destroy(&Caller::root(), vmid, &forced).unwrap();
            self.host().wait(&upid).await;
        }
    }

    async fn create(&self, vmid: u32) {
        let fields = [
            ("ostemplate", "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst"),
            ("hostname", "app102"),
            ("rootfs", "local-ct:1"),
            ("unprivileged", "1"),
            ("features", "nesting=1"),
        ];
        let params: Params =
            fields.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let dash5 = Caller { user: "root@pam".to_owned(), token: Some("dash5".to_owned()) };
        let upid = self.host().create(&dash5, vmid, &params).unwrap();
        self.host().wait(&upid).await;
    }
}

/// Privileges a creation lacks; the host names whichever its hash order finds first.
fn missing_privilege(reason: &str) -> Option<&str> {
    reason.strip_prefix("Permission check failed (/vms/150, VM.Config.")
}

fn compare(recording: &Recording, answer: &Answer) -> Result<(), String> {
    let recorded = &recording.response;
    if recorded["status"] != answer.status {
        return Err(format!(
            "status {} instead of {} ({})",
            answer.status,
            recorded["status"],
            answer.text()
        ));
    }
    let reason = recorded["reason"].as_str().unwrap_or_default();
    let any_missing = missing_privilege(reason).is_some() && missing_privilege(&answer.reason).is_some();
    if reason != answer.reason && !any_missing {
        return Err(format!("reason '{}' instead of '{reason}'", answer.reason));
    }
    if recorded["content_type"].as_str() != answer.header("Content-Type") {
        return Err(format!("content type {:?}", answer.header("Content-Type")));
    }
    let body = &recorded["body"];
    match body {
        Value::String(text) if text.starts_with("(gzip") => (answer.header("Content-Encoding")
            == Some("gzip"))
        .then_some(())
        .ok_or_else(|| "not compressed".to_owned()),
        Value::String(text) if *text == answer.text() => Ok(()),
        Value::String(text) => Err(format!("body '{}' instead of '{text}'", answer.text())),
        _ => shape::compare(body, &answer.json()),
    }
}
