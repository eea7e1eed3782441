//! What a container looks like from outside.

use serde_json::{Map, Value, json};

use super::net;
use crate::clock;
use crate::state::{ApiError, Container, Host};

const MIB: u64 = 1024 * 1024;
const GIB: u64 = 1024 * MIB;

/// Bytes of a size such as `2G`.
pub(super) fn bytes(size: &str) -> u64 {
    let digits = size.trim_end_matches(['K', 'M', 'G', 'T']);
    let factor = match size.as_bytes().last() {
        Some(b'K') => 1024,
        Some(b'M') => MIB,
        Some(b'G') => GIB,
        Some(b'T') => 1024 * GIB,
        _ => 1,
    };
    digits.parse::<u64>().map_or_else(|_| scaled(digits, factor), |number| number * factor)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // sizes are positive and far below 2^53
fn scaled(digits: &str, factor: u64) -> u64 {
    (digits.parse::<f64>().unwrap_or(0.0).max(0.0) * factor as f64) as u64
}

/// `2G`, `1536M`, … as the host writes sizes.
pub(super) fn size_text(bytes: u64) -> String {
    match bytes {
        _ if bytes.is_multiple_of(GIB) => format!("{}G", bytes / GIB),
        _ if bytes.is_multiple_of(MIB) => format!("{}M", bytes / MIB),
        _ if bytes.is_multiple_of(1024) => format!("{}K", bytes / 1024),
        _ => bytes.to_string(),
    }
}

impl Container {
    fn number(&self, key: &str) -> Option<u64> {
        self.config.get(key).and_then(|text| text.parse().ok())
    }

    fn disk_bytes(&self) -> u64 {
        // A container without a disk yet is shown with the default size.
        let Some(rootfs) = self.config.get("rootfs") else { return 4 * GIB };
        net::parse_properties(rootfs, "volume").get("size").map_or(4 * GIB, |size| bytes(size))
    }

    /// The figures lists and `status/current` share.
    pub(super) fn figures(&self, vmid: u32, recorded: bool) -> Map<String, Value> {
        let size = self.disk_bytes();
        let swap =
            if self.config.contains_key("rootfs") { self.number("swap").unwrap_or(512) * MIB } else { 0 };
        let memory = self.number("memory").unwrap_or(512) * MIB;
        let mut shown = json!({
            "vmid": vmid, "name": self.name(vmid), "type": "lxc", "status": "stopped",
            "cpus": self.number("cores").unwrap_or(1), "cpu": 0, "mem": 0, "maxmem": memory, "swap": 0,
            "maxswap": swap, "disk": 0, "maxdisk": size, "diskread": 0, "diskwrite": 0,
            "netin": 0, "netout": 0, "uptime": 0,
        });
        if let Some(run) = &self.run {
            let uptime = (clock::now_ms() - run.since_ms).max(0) / 1000;
            let seconds = u64::try_from(uptime).unwrap_or_default();
            let pressure = if recorded { Value::Null } else { json!("0.00") };
            let running = json!({
                "status": "running", "pid": run.pid, "uptime": uptime, "maxdisk": size / 100 * 95,
                "cpu": activity(vmid, seconds), "mem": (memory / 8).min(12 * MIB + seconds % 600 * 20_480),
                "disk": (size / 3).min(160_399_360), "diskread": 65_318_912 + seconds * 512, "diskwrite": 815_104 + seconds * 2048,
                "netin": seconds * 37, "netout": seconds * 21,
                "pressurecpufull": pressure, "pressurecpusome": pressure, "pressureiofull": pressure,
                "pressureiosome": pressure, "pressurememoryfull": pressure, "pressurememorysome": pressure,
            });
            merge(&mut shown, running);
        }
        for key in ["lock", "tags"] {
            if let Some(value) = self.config.get(key) {
                shown[key] = json!(value);
            }
        }
        if self.is_template() {
            shown["template"] = json!(1);
        }
        let Value::Object(shown) = shown else { unreachable!("json! of an object is an object") };
        shown
    }
}

fn merge(into: &mut Value, more: Value) {
    if let (Value::Object(into), Value::Object(more)) = (into, more) {
        into.extend(more);
    }
}

/// A load that moves a little and is the same for the same moment.
pub(super) fn activity(vmid: u32, seconds: u64) -> f64 {
    let phase = (seconds / 10 + u64::from(vmid) * 7) % 24;
    0.004 + 0.0017 * phase.min(24 - phase) as f64
}

impl Host {
    /// `/nodes/NODE/lxc/VMID/status/current`.
    pub fn current_status(&self, vmid: u32) -> Result<Value, ApiError> {
        self.read(|model| {
            let container = model.container(self.node(), vmid)?;
            let mut shown = container.figures(vmid, model.recorded);
            shown.insert("ha".to_owned(), json!({ "managed": 0 }));
            Ok(Value::Object(shown))
        })
    }

    /// One line of `/nodes/NODE/lxc`.
    pub fn list_entry(&self, vmid: u32) -> Result<Value, ApiError> {
        self.read(|model| {
            Ok(Value::Object(model.container(self.node(), vmid)?.figures(vmid, model.recorded)))
        })
    }

    /// One line of `/cluster/resources`.
    pub fn resource(&self, vmid: u32) -> Result<Value, ApiError> {
        let (mut shown, pool, is_template) = self.read(|model| {
            let container = model.container(self.node(), vmid)?;
            let pool = model
                .accounts
                .pools
                .iter()
                .find(|(_, pool)| pool.vms.contains(&vmid))
                .map(|(name, _)| name.clone());
            Ok::<_, ApiError>((container.figures(vmid, model.recorded), pool, container.is_template()))
        })?;
        let cpus = shown.remove("cpus").unwrap_or(json!(1));
        shown.retain(|key, _| {
            !key.starts_with("pressure") && !matches!(key.as_str(), "pid" | "swap" | "maxswap")
        });
        shown.insert("id".to_owned(), json!(format!("lxc/{vmid}")));
        shown.insert("node".to_owned(), json!(self.node()));
        shown.insert("maxcpu".to_owned(), cpus);
        shown.insert("memhost".to_owned(), json!(0));
        shown.insert("template".to_owned(), json!(u8::from(is_template)));
        if let Some(pool) = pool {
            shown.insert("pool".to_owned(), json!(pool));
        }
        Ok(Value::Object(shown))
    }

    /// `/nodes/NODE/lxc/VMID/interfaces`: null unless the container runs.
    pub fn interfaces(&self, vmid: u32) -> Value {
        let speed = self.speed();
        let seen = self.with(vmid, |container| {
            let run = container.run.as_ref()?;
            let up = net::is_up(container, speed);
            let mut shown = vec![interface("lo", "00:00:00:00:00:00", Some("127.0.0.1/8"), Some("::1/128"))];
            for network in net::interfaces(vmid, &run.config) {
                let local = net::link_local(&network.hwaddr).map(|address| format!("{address}/64"));
                let (inet, inet6) =
                    if up { (network.address.as_deref(), local.as_deref()) } else { (None, None) };
                shown.push(interface(&network.name, &network.hwaddr, inet, inet6));
            }
            Some(Value::Array(shown))
        });
        seen.ok().flatten().unwrap_or(Value::Null)
    }
}

fn interface(name: &str, hwaddr: &str, inet: Option<&str>, inet6: Option<&str>) -> Value {
    let mut shown = json!({ "name": name, "hwaddr": hwaddr, "hardware-address": hwaddr });
    let mut addresses = Vec::new();
    for (kind, cidr) in [("inet", inet), ("inet6", inet6)] {
        if let Some((address, prefix)) = cidr.and_then(|cidr| cidr.split_once('/')) {
            shown[kind] = json!(cidr);
            addresses.push(json!({ "ip-address-type": kind, "ip-address": address, "prefix": prefix }));
        }
    }
    shown["ip-addresses"] = Value::Array(addresses);
    shown
}
