//! `/version` and `/nodes`.

use serde_json::{Value, json};

use super::super::{Answer, Call};
use super::{Handled, certificates, rrd};
use crate::clock;
use crate::state::{ApiError, Host, Interface, Model};

type Result = std::result::Result<Answer, ApiError>;

pub(super) fn handle(call: &Call, route: (&str, &str)) -> Handled {
    let result = match route {
        ("GET", "/version" | "/nodes/{node}/version") => Ok(version().into()),
        ("GET", "/nodes") => Ok(nodes(call).into()),
        ("GET", "/nodes/{node}/status") => Ok(status(&call.host).into()),
        ("GET", "/nodes/{node}/certificates/info") => Ok(certificates::info(call).into()),
        ("GET", "/nodes/{node}/time") => {
            let now = clock::now();
            Ok(json!({ "time": now, "localtime": now, "timezone": "Etc/UTC" }).into())
        }
        ("GET", "/nodes/{node}/rrddata") => Ok(rrd::node(call)),
        ("GET", "/nodes/{node}/subscription") => Ok(subscription(call).into()),
        ("GET", "/nodes/{node}/network") => Ok(networks(call).into()),
        ("GET", "/nodes/{node}/network/{iface}") => network(call),
        _ => return None,
    };
    Some(result)
}

fn version() -> Value {
    json!({ "release": "9.2", "repoid": "14a22df3d2f2d0f4", "version": "9.2.11" })
}

/// Bytes of memory, bytes of the root disk, processors.
fn size(model: &Model) -> (u64, u64, u32) {
    if model.recorded { (6_312_615_936, 16_729_894_912, 1) } else { (33_568_243_712, 512_110_190_592, 8) }
}

fn used_memory(model: &Model, total: u64) -> u64 {
    let running = model.containers.values().filter(|container| container.run.is_some()).count() as u64;
    (754_397_184 + running * 180_000_000).min(total * 9 / 10)
}

fn uptime(model: &Model) -> i64 {
    (clock::now_ms() - model.boot_ms) / 1000
}

/// A node as `/cluster/resources` shows it; `/nodes` adds the certificate.
pub(super) fn resource(host: &Host, may_audit: bool) -> Value {
    let name = host.node();
    let id = format!("node/{name}");
    let status = if host.is_off() { "offline" } else { "online" };
    let mut shown = json!({ "id": id, "node": name, "type": "node", "status": status, "level": "" });
    // Of a member that is gone nothing more is known.
    if may_audit && !host.is_off() {
        host.read(|model| {
            let (memory, disk, processors) = size(model);
            shown["maxcpu"] = json!(processors);
            shown["cpu"] = json!(0.0213);
            shown["mem"] = json!(used_memory(model, memory));
            shown["maxmem"] = json!(memory);
            shown["disk"] = json!(disk / 11);
            shown["maxdisk"] = json!(disk);
            shown["uptime"] = json!(uptime(model));
        });
    }
    shown
}

fn nodes(call: &Call) -> Value {
    let all = std::iter::once(call.host.clone()).chain(call.host.members());
    let shown = all.map(|host| {
        let mut node = resource(&host, call.may(&format!("/nodes/{}", host.node()), &["Sys.Audit"], false));
        node["ssl_fingerprint"] = json!(host.fingerprint());
        node
    });
    Value::Array(shown.collect())
}

/// `/nodes/{node}/status`.
pub(super) fn status(host: &Host) -> Value {
    host.read(|model| {
        let (memory, disk, processors) = size(model);
        let used = used_memory(model, memory);
        let kernel = if model.recorded { "6.12.101" } else { "6.17.4-2-pve" };
        let built = "#1 Wed Aug 12 05:59:36 UTC 2026";
        json!({
            "uptime": uptime(model), "idle": 0, "wait": 0, "cpu": 0.0213, "loadavg": ["0.13", "0.19", "0.23"],
            "kversion": format!("Linux {kernel} {built}"), "pveversion": "pve-manager/9.2.11/14a22df3d2f2d0f4",
            "current-kernel": { "sysname": "Linux", "release": kernel, "version": built, "machine": "x86_64" },
            "boot-info": { "mode": "legacy-bios" }, "ksm": { "shared": 0 },
            "memory": { "total": memory, "used": used, "free": memory - used - 146_661_376, "available": memory - used },
            "swap": { "total": 0, "used": 0, "free": 0 },
            "rootfs": { "total": disk, "used": disk / 11, "free": disk / 11 * 10, "avail": disk / 11 * 9 },
            "cpuinfo": {
                "model": if model.recorded { "UML" } else { "Intel(R) N305" }, "vendor": "unknown", "family": 0,
                "sockets": 1, "cores": processors, "cpus": processors, "mhz": 0, "hvm": "", "user_hz": 100,
                "flags": "fpu vme de pse tsc msr pae mce cx8 apic sep mtrr pge mca cmov pat pse36 clflush mmx fxsr sse sse2",
            },
        })
    })
}

fn subscription(call: &Call) -> Value {
    let mut shown = json!({
        "status": "notfound", "message": "There is no subscription key",
        "url": "https://www.proxmox.com/en/proxmox-virtual-environment/pricing",
    });
    if call.may("/nodes/", &["Sys.Audit"], false)
        || call.may(&format!("/nodes/{}", call.get("node")), &["Sys.Audit"], false)
    {
        shown["serverid"] = json!("0123456789ABCDEF0123456789ABCDEF");
    }
    shown
}

fn networks(call: &Call) -> Value {
    let wanted = call.get("type");
    let node = format!("/nodes/{}", call.get("node"));
    let audit = call.may(&node, &["Sys.Audit"], false);
    let all = call.host.read(|model| model.interfaces.clone());
    let fits = |interface: &&Interface| match wanted {
        "" | "include_sdn" => true,
        "any_bridge" | "any_local_bridge" => matches!(interface.kind.as_str(), "bridge" | "OVSBridge"),
        kind => interface.kind == kind,
    };
    let seen = |interface: &&Interface| {
        let bridge = matches!(interface.kind.as_str(), "bridge" | "OVSBridge");
        let path = format!("/sdn/zones/localnetwork/{}", interface.iface);
        if bridge { call.may(&path, &["SDN.Audit", "SDN.Use"], true) } else { audit }
    };
    Value::Array(all.iter().filter(fits).filter(seen).map(|interface| interface.body.clone()).collect())
}

fn network(call: &Call) -> Result {
    let wanted = call.get("iface");
    let found =
        call.host.read(|model| model.interfaces.iter().find(|interface| interface.iface == wanted).cloned());
    let mut body = found.ok_or_else(|| ApiError::param("iface", "interface does not exist"))?.body;
    if let Some(body) = body.as_object_mut() {
        body.remove("iface");
    }
    Ok(body.into())
}
