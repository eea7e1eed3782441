//! The admin port: faults, counted calls, changes behind the caller's back.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::server::Admin;
use crate::faults::Planted;
use crate::state::{AclEntry, Caller, Host, Params, TfaEntry, User};

/// Answers `/faults`, `/calls`, `/users/{userid}` and `/containers/{vmid}/{action}`.
pub(in crate::api) async fn admin(admin: &Admin, method: &str, path: &str, body: &[u8]) -> (u16, Value) {
    let Some(host) = admin.hosts.first() else { return (503, json!({ "error": "no host" })) };
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match (method, parts.as_slice()) {
        ("GET", ["faults"]) => (200, json!(host.faults().list())),
        ("PUT", ["faults"]) => match serde_json::from_slice::<Vec<Planted>>(body) {
            Ok(faults) => {
                host.faults().plant(faults);
                (200, json!(host.faults().list()))
            }
            Err(error) => (400, json!({ "error": format!("not a list of faults: {error}") })),
        },
        ("DELETE", ["faults"]) => {
            host.faults().set(Vec::new());
            (200, json!([]))
        }
        ("GET", ["calls"]) => (200, calls(host)),
        ("DELETE", ["calls"]) => {
            host.calls().reset();
            (200, json!({}))
        }
        ("POST", ["clock", seconds]) => match seconds.parse() {
            Ok(seconds) => {
                crate::clock::advance(seconds);
                (200, json!({ "time": crate::clock::now() }))
            }
            Err(_) => (400, json!({ "error": "seconds expected" })),
        },
        ("PUT", ["users", userid]) => match serde_json::from_slice::<NewUser>(body) {
            Ok(user) => user.keep(host, userid),
            Err(error) => (400, json!({ "error": error.to_string() })),
        },
        ("POST", ["containers", vmid, action]) => container(admin, vmid, action, body).await,
        _ => (404, json!({ "error": format!("there is no {method} {path}") })),
    }
}

/// A user with second factors, made or replaced.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewUser {
    password: String,
    /// Granted on `/`.
    #[serde(default)]
    roles: Vec<String>,
    /// A base32 secret.
    totp: Option<String>,
    /// Recovery keys.
    #[serde(default)]
    recovery: Vec<String>,
    #[serde(default)]
    webauthn: bool,
}

impl NewUser {
    fn keep(self, host: &Host, userid: &str) -> (u16, Value) {
        let entry = |kind: &str| TfaEntry {
            id: if kind == "recovery" { kind.to_owned() } else { uuid::Uuid::new_v4().to_string() },
            kind: kind.to_owned(),
            description: kind.to_owned(),
            created: crate::clock::now(),
            enable: true,
            secret: None,
            keys: Vec::new(),
            last_step: None,
        };
        let mut factors = Vec::new();
        factors.extend(self.totp.map(|secret| TfaEntry { secret: Some(secret), ..entry("totp") }));
        factors.extend(self.webauthn.then(|| entry("webauthn")));
        if !self.recovery.is_empty() {
            factors.push(TfaEntry { keys: self.recovery, ..entry("recovery") });
        }
        let kinds: Vec<String> = factors.iter().map(|factor| factor.kind.clone()).collect();
        host.write(|model| {
            let user = User { enable: true, password: Some(self.password), ..User::default() };
            model.accounts.users.insert(userid.to_owned(), user);
            model.accounts.tfa.insert(userid.to_owned(), factors);
            model.accounts.acl.retain(|entry| entry.ugid != userid);
            model.accounts.acl.extend(self.roles.into_iter().map(|roleid| AclEntry {
                path: "/".to_owned(),
                kind: "user".to_owned(),
                ugid: userid.to_owned(),
                roleid,
                propagate: true,
            }));
        });
        (200, json!({ "userid": userid, "tfa": kinds }))
    }
}

fn calls(host: &Host) -> Value {
    let list = host.calls().list();
    let mut counts = json!({});
    for call in &list {
        let kind = json!(call.kind).as_str().unwrap_or_default().to_owned();
        let key = call.vmid.map_or_else(|| format!("{kind} {}", call.what), |vmid| format!("{kind} {vmid}"));
        counts[&key] = json!(counts[&key].as_u64().unwrap_or_default() + 1);
    }
    json!({ "counts": counts, "calls": list })
}

async fn container(admin: &Admin, vmid: &str, action: &str, body: &[u8]) -> (u16, Value) {
    let vmid: u32 = vmid.parse().unwrap_or_default();
    let Some(host) = admin.hosts.iter().find(|host| host.list().contains(&vmid)) else {
        return (404, json!({ "error": format!("there is no container {vmid}") }));
    };
    let (root, none) = (Caller::root(), Params::new());
    let done = match action {
        "stop" => host.stop(&root, vmid, &none),
        "start" => host.start(&root, vmid, &none),
        "destroy" => host.destroy(&root, vmid, &Params::from([("force".to_owned(), "1".to_owned())])),
        "unlock" => host.unlock(vmid).map(|()| String::new()),
        "config" => match serde_json::from_slice::<Params>(body) {
            Ok(changes) => host.set_config(&root, vmid, &changes).map(|()| String::new()),
            Err(error) => return (400, json!({ "error": error.to_string() })),
        },
        _ => return (404, json!({ "error": format!("there is no action {action}") })),
    };
    match done {
        Ok(upid) => {
            let task = host.wait(&upid).await;
            (200, json!({ "status": task.and_then(|task| task.status) }))
        }
        Err(error) => (409, json!({ "error": error.message })),
    }
}
