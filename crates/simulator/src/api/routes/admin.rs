//! The admin port: faults, counted calls, changes behind the caller's back.

use serde_json::{Value, json};

use super::super::server::Admin;
use crate::faults::Fault;
use crate::state::{Caller, Host, Params};

/// Answers `/faults`, `/calls` and `/containers/{vmid}/{action}`.
pub(in crate::api) async fn admin(admin: &Admin, method: &str, path: &str, body: &[u8]) -> (u16, Value) {
    let Some(host) = admin.hosts.first() else { return (503, json!({ "error": "no host" })) };
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match (method, parts.as_slice()) {
        ("GET", ["faults"]) => (200, json!(host.faults().list())),
        ("PUT", ["faults"]) => match serde_json::from_slice::<Vec<Fault>>(body) {
            Ok(faults) => {
                host.faults().set(faults);
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
        ("POST", ["containers", vmid, action]) => container(admin, vmid, action, body).await,
        _ => (404, json!({ "error": format!("there is no {method} {path}") })),
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
