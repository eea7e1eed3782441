//! `/nodes/{node}/lxc` and the empty `/nodes/{node}/qemu`.

use serde_json::{Value, json};

use super::super::{Answer, Call};
use super::{Handled, rrd};
use crate::state::ApiError;

type Result = std::result::Result<Answer, ApiError>;

pub(super) fn handle(call: &Call, route: (&str, &str)) -> Handled {
    let (host, caller, params) = (&call.host, &call.caller, &call.params);
    let vmid = call.vmid();
    let worker = |upid: std::result::Result<String, ApiError>| upid.map(|upid| json!(upid).into());
    let below = route.1.strip_prefix("/nodes/{node}/lxc").unwrap_or(route.1);
    let result = match (route.0, below.strip_prefix("/{vmid}").unwrap_or(below)) {
        ("GET", "/nodes/{node}/qemu") => Ok(json!([]).into()),
        ("GET", "") if below.is_empty() => Ok(list(call).into()),
        ("POST", "") => worker(host.create(caller, vmid, params)),
        ("DELETE", "") => worker(host.destroy(caller, vmid, params)),
        ("GET", "/config") => config(call),
        ("PUT", "/config") => host.set_config(caller, vmid, params).map(|()| Value::Null.into()),
        ("GET", "/pending") => host.pending_view(vmid).map(Answer::from),
        ("GET", "/status/current") => host.current_status(vmid).map(Answer::from),
        ("POST", "/status/start") => worker(host.start(caller, vmid, params)),
        ("POST", "/status/stop") => worker(host.stop(caller, vmid, params)),
        ("POST", "/status/shutdown") => worker(host.shutdown(caller, vmid, params)),
        ("POST", "/status/reboot") => worker(host.reboot(caller, vmid, params)),
        ("POST", "/status/suspend") => worker(host.suspend(caller, vmid)),
        ("POST", "/status/resume") => worker(host.resume(caller, vmid)),
        ("GET", "/interfaces") => Ok(host.interfaces(vmid).into()),
        ("GET", "/rrddata") => rrd::container(call),
        ("GET", "/snapshot") => snapshots(call),
        ("POST", "/snapshot") => Ok(json!(host.snapshot(caller, vmid)).into()),
        ("DELETE", "/snapshot/{snapname}") => {
            Ok(json!(host.delete_snapshot(caller, vmid, call.get("snapname"))).into())
        }
        ("GET", "/feature") => feature(call),
        ("POST", "/clone") => worker(host.clone_container(caller, vmid, params)),
        ("PUT", "/resize") => worker(host.resize(caller, vmid, params)),
        ("POST", "/move_volume") => worker(host.move_volume(caller, vmid, params)),
        ("POST", "/template") => host.convert(caller, vmid).map(|()| Value::Null.into()),
        ("GET", "/firewall/options") => Ok(firewall(call).into()),
        ("PUT", "/firewall/options") => set_firewall(call),
        _ => return None,
    };
    Some(result)
}

fn list(call: &Call) -> Value {
    let seen = call.host.list().into_iter().filter(|vmid| call.host.may_see(&call.caller, *vmid));
    Value::Array(seen.filter_map(|vmid| call.host.list_entry(vmid).ok()).collect())
}

fn config(call: &Call) -> Result {
    if call.params.contains_key("snapshot") {
        call.host.config(call.vmid())?;
        return Err(ApiError::died(format!("snapshot '{}' does not exist", call.get("snapshot"))));
    }
    call.host.config_view(call.vmid(), call.flag("current")).map(Answer::from)
}

fn snapshots(call: &Call) -> Result {
    let shown = call.host.config_view(call.vmid(), true)?;
    let running = u8::from(call.host.is_running(call.vmid()));
    let line = json!({ "name": "current", "description": "You are here!", "digest": shown["digest"], "running": running });
    Ok(json!([line]).into())
}

fn feature(call: &Call) -> Result {
    let (stopped, is_template) = call.host.with(call.vmid(), |c| (c.run.is_none(), c.is_template()))?;
    // Raw files in a directory know no snapshots; they can be copied while nothing writes to them.
    let has = match call.get("feature") {
        "copy" => stopped || is_template,
        "clone" => is_template,
        _ => false,
    };
    Ok(json!({ "hasFeature": u8::from(has) }).into())
}

fn firewall(call: &Call) -> Value {
    /// SHA-1 of an empty file.
    const EMPTY: &str = "da39a3ee5e6b4b0d3255bfef95601890afd80709";
    let kept = call.host.with(call.vmid(), |container| container.firewall.clone()).unwrap_or_default();
    let mut shown = json!({ "digest": EMPTY });
    for (key, value) in kept {
        shown[key.as_str()] = value.parse::<i64>().map_or_else(|_| json!(value), |number| json!(number));
    }
    shown
}

fn set_firewall(call: &Call) -> Result {
    let mut changes = call.params.clone();
    for own in ["node", "vmid", "digest"] {
        changes.remove(own);
    }
    let delete = crate::state::ops::split_list(&changes.remove("delete").unwrap_or_default());
    call.host.change(call.vmid(), |container| {
        container.firewall.retain(|key, _| !delete.contains(key));
        container.firewall.extend(changes);
    })?;
    Ok(Value::Null.into())
}
