//! `hostname` and `ip`, which tell the container's own address.

use super::{err, out};
use crate::guest::init::{self, NETWORK, Network};

fn network() -> Option<Network> {
    serde_json::from_slice(&std::fs::read(NETWORK).ok()?).ok()
}

/// `hostname [-I|-i|-f|-s|-d]`
pub(super) fn hostname(args: &[String]) -> i32 {
    let name = init::hostname();
    let address = network().map(|network| network.address.split('/').next().unwrap_or_default().to_owned());
    match args.first().map(String::as_str) {
        None | Some("-f" | "--fqdn" | "-a") => out(format!("{name}\n")),
        Some("-s" | "--short") => out(format!("{}\n", name.split('.').next().unwrap_or_default())),
        Some("-d") => out(format!("{}\n", name.split_once('.').map_or("", |(_, domain)| domain))),
        Some("-I" | "--all-ip-addresses" | "-i") => {
            out(address.map_or_else(|| "\n".to_owned(), |address| format!("{address} \n")));
        }
        Some(option) if option.starts_with('-') => {
            err(format!("hostname: invalid option -- '{}'", option.trim_start_matches('-')));
            return 1;
        }
        Some(_) => {
            err("hostname: you must be root to change the host name");
            return 1;
        }
    }
    0
}

/// `ip [-o] [-4|-6] [-j] address|route|link …`
pub(super) fn ip(args: &[String]) -> i32 {
    let flag = |name: &str| args.iter().any(|arg| arg == name);
    let words: Vec<&str> = args.iter().map(String::as_str).filter(|arg| !arg.starts_with('-')).collect();
    let (oneline, json) = (flag("-o") || flag("-oneline"), flag("-j") || flag("-json"));
    let global = words.contains(&"global");
    match words.first() {
        Some(what) if "address".starts_with(what) && json => as_json(),
        Some(what) if "address".starts_with(what) => addresses(oneline, global, flag("-6")),
        Some(what) if "route".starts_with(what) => routes(),
        Some(what) if "link".starts_with(what) => addresses(false, global, true),
        other => {
            err(format!("Object \"{}\" is unknown, try \"ip help\".", other.unwrap_or(&"")));
            return 1;
        }
    }
    0
}

fn broadcast(address: &str) -> String {
    let (ip, prefix) = address.split_once('/').unwrap_or((address, "32"));
    let bits = prefix.parse::<u32>().unwrap_or(32).min(32);
    let ip = ip.parse::<std::net::Ipv4Addr>().unwrap_or(std::net::Ipv4Addr::UNSPECIFIED);
    let hosts = u32::MAX.checked_shr(bits).unwrap_or(0);
    std::net::Ipv4Addr::from(u32::from(ip) | hosts).to_string()
}

fn addresses(oneline: bool, global: bool, without_ipv4: bool) {
    let network = network();
    if oneline {
        if !global && !without_ipv4 {
            out("1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever preferred_lft forever\n");
        }
        for network in network.iter().filter(|_| !without_ipv4) {
            let (name, address) = (&network.name, &network.address);
            let brd = broadcast(address);
            out(format!(
                "2: {name}    inet {address} brd {brd} scope global {name}\\       valid_lft forever preferred_lft forever\n"
            ));
        }
        return;
    }
    if !global {
        out(
            "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default qlen 1000\n    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00\n",
        );
        if !without_ipv4 {
            out("    inet 127.0.0.1/8 scope host lo\n       valid_lft forever preferred_lft forever\n");
        }
    }
    if let Some(network) = network {
        let (name, mac) = (&network.name, &network.mac);
        out(format!(
            "2: {name}@if3: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500 qdisc noqueue state UP group default qlen 1000\n    link/ether {mac} brd ff:ff:ff:ff:ff:ff link-netnsid 0\n"
        ));
        if !without_ipv4 {
            let (address, brd) = (&network.address, broadcast(&network.address));
            out(format!(
                "    inet {address} brd {brd} scope global {name}\n       valid_lft forever preferred_lft forever\n"
            ));
        }
    }
}

fn routes() {
    let Some(network) = network() else { return };
    let (ip, bits) = network.address.split_once('/').unwrap_or((&network.address, "24"));
    let base = ip.rsplit_once('.').map_or(ip, |(base, _)| base);
    out(format!(
        "default via {base}.1 dev {name} onlink \n{base}.0/{bits} dev {name} proto kernel scope link src {ip} \n",
        name = network.name
    ));
}

fn as_json() {
    let network = network();
    let local = |network: &Network| network.address.split('/').next().unwrap_or_default().to_owned();
    let rows: Vec<_> = network.iter().map(|network| serde_json::json!({
        "ifindex": 2, "ifname": network.name, "operstate": "UP", "address": network.mac,
        "addr_info": [{"family": "inet", "local": local(network), "prefixlen": network.address.split('/').nth(1).and_then(|bits| bits.parse::<u8>().ok()), "scope": "global"}],
    })).collect();
    out(format!("{}\n", serde_json::Value::from(rows)));
}
