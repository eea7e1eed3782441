//! `/cluster`.

use serde_json::{Value, json};

use super::super::{Answer, Call};
use super::{Handled, node};
use crate::state::{ApiError, Host};

type Result = std::result::Result<Answer, ApiError>;

pub(super) fn handle(call: &Call, route: (&str, &str)) -> Handled {
    let result = match route {
        ("GET", "/cluster/resources") => Ok(resources(call).into()),
        ("GET", "/cluster/status") => Ok(status(call).into()),
        ("GET", "/cluster/nextid") => nextid(call),
        ("GET", "/cluster/log") => Ok(log(call).into()),
        ("GET", "/cluster/options") => Ok(options(call).into()),
        ("PUT", "/cluster/options") => Ok(set_options(call).into()),
        _ => return None,
    };
    Some(result)
}

fn hosts(call: &Call) -> Vec<Host> {
    let mut hosts = vec![call.host.clone()];
    hosts.extend(call.host.members());
    hosts.sort_by(|a, b| a.node().cmp(b.node()));
    hosts
}

fn resources(call: &Call) -> Value {
    let wanted = call.get("type");
    let wants = |kind: &str| wanted.is_empty() || wanted == kind;
    let mut found = Vec::new();
    for host in hosts(call) {
        let name = host.node();
        if wants("vm") || wanted == "lxc" {
            let seen = host
                .list()
                .into_iter()
                .filter(|vmid| call.may(&format!("/vms/{vmid}"), &["VM.Audit"], false));
            found.extend(seen.filter_map(|vmid| host.resource(vmid).ok()).map(|mut guest| {
                if host.is_off() {
                    guest["status"] = json!("unknown");
                }
                guest
            }));
        }
        if wants("node") {
            let mut shown = node::resource(&host, call.may(&format!("/nodes/{name}"), &["Sys.Audit"], false));
            shown["cgroup-mode"] = json!(2);
            found.push(shown);
        }
        if wants("storage") {
            found.extend(storages(call, &host));
        }
        let zone = "/sdn/zones/localnetwork";
        if (wants("network") || wanted == "sdn") && call.may(zone, &["SDN.Audit"], false) {
            found.push(json!({
                "id": format!("network/{name}/zone/localnetwork"), "type": "network", "node": name, "status": "ok",
                "network": "localnetwork", "network-type": "zone",
            }));
        }
    }
    if wants("pool") {
        let pools: Vec<String> = call.host.read(|model| model.accounts.pools.keys().cloned().collect());
        let seen =
            pools.into_iter().filter(|pool| call.may(&format!("/pool/{pool}"), &["Pool.Audit"], false));
        found.extend(
            seen.filter(|_| wanted == "pool")
                .map(|p| json!({ "id": format!("/pool/{p}"), "type": "pool", "pool": p })),
        );
    }
    Value::Array(found)
}

fn storages(call: &Call, host: &Host) -> Vec<Value> {
    let name = host.node();
    let all = host.read(|model| model.storages.clone());
    let shown = all.into_iter().filter(|(_, storage)| !storage.disable).filter_map(|(id, storage)| {
        if !call.may(&format!("/storage/{id}"), &["Datastore.Audit"], false) {
            return None;
        }
        let mut line = json!({
            "id": format!("storage/{name}/{id}"), "type": "storage", "storage": id, "node": name, "shared": 0,
            "plugintype": "dir", "content": storage.content.join(","), "status": "unknown",
        });
        if storage.is_active() && !host.is_off() {
            line["status"] = json!("available");
            line["disk"] = json!(storage.used());
            line["maxdisk"] = json!(storage.total);
        }
        Some(line)
    });
    shown.collect()
}

fn status(call: &Call) -> Value {
    let all = hosts(call);
    let clustered = call.host.is_clustered();
    let mut shown: Vec<Value> = Vec::new();
    if clustered {
        let count = all.len();
        let online = all.iter().filter(|host| !host.is_off()).count();
        let quorate = u8::from(online > count / 2);
        shown.push(json!({
            "id": "cluster", "type": "cluster", "name": "lab", "nodes": count, "quorate": quorate, "version": count,
        }));
    }
    for (index, host) in all.iter().enumerate() {
        let name = host.node();
        let address = host.read(|model| model.address.clone());
        shown.push(json!({
            "id": format!("node/{name}"), "type": "node", "name": name, "ip": address, "level": "",
            "online": u8::from(!host.is_off()),
            "local": u8::from(name == call.host.node()), "nodeid": if clustered { index + 1 } else { 0 },
        }));
    }
    Value::Array(shown)
}

fn nextid(call: &Call) -> Result {
    if !call.params.contains_key("vmid") {
        return Ok(json!(call.host.next_id().to_string()).into());
    }
    let vmid = call.vmid();
    if call.host.node_of(vmid).is_some() {
        return Err(ApiError::param("vmid", format!("VM {vmid} already exists")));
    }
    Ok(json!(vmid.to_string()).into())
}

fn log(call: &Call) -> Value {
    let most = call.get("max").parse().unwrap_or(50);
    let all = call.may("/", &["Sys.Syslog"], false);
    let node = call.host.node();
    call.host.read(|model| {
        let seen = model.log.iter().rev().filter(|line| all || line.user == call.caller.user).take(most);
        let line = |line: &crate::state::LogLine| {
            json!({
                "id": format!("{}:{node}", line.uid), "uid": line.uid.to_string(), "node": node, "pid": line.pid,
                "pri": line.pri, "tag": line.tag, "time": line.time, "user": line.user, "msg": line.msg,
            })
        };
        Value::Array(seen.map(line).collect())
    })
}

fn options(call: &Call) -> Value {
    let mut shown = json!({ "mac_prefix": "BC:24:11", "allowed-tags": [] });
    if call.may("/", &["Sys.Audit"], false) {
        shown["description"] = json!("");
        for (key, value) in call.host.read(|model| model.accounts.options.clone()) {
            shown[key.as_str()] = value;
        }
    }
    shown
}

fn set_options(call: &Call) -> Value {
    let mut changes = call.params.clone();
    let delete = crate::state::ops::split_list(&changes.remove("delete").unwrap_or_default());
    call.host.write(|model| {
        model.accounts.options.retain(|key, _| !delete.contains(key));
        model.accounts.options.extend(changes.into_iter().map(|(key, value)| (key, json!(value))));
    });
    Value::Null
}
