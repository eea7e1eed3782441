//! Property strings, networks and addresses.

use std::collections::BTreeMap;

use rand::Rng;

use crate::clock;
use crate::state::{Container, Params};

/// `a=1,b=2` by key; a part without `=` under `default_key`.
pub fn parse_properties(text: &str, default_key: &str) -> Params {
    let parts = text.split(',').filter(|part| !part.is_empty());
    parts
        .map(|part| part.split_once('=').unwrap_or((default_key, part)))
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .collect()
}

/// A `netN` value as the host writes it: name first, the rest sorted, hardware address and type filled in.
pub(super) fn normal_net(text: &str) -> String {
    let mut keys = parse_properties(text, "");
    keys.entry("hwaddr".to_owned()).or_insert_with(random_hwaddr);
    keys.entry("type".to_owned()).or_insert_with(|| "veth".to_owned());
    let name = keys.remove("name").unwrap_or_default();
    let rest = keys.iter().map(|(key, value)| format!(",{key}={value}"));
    format!("name={name}{}", rest.collect::<String>())
}

fn random_hwaddr() -> String {
    let [a, b, c]: [u8; 3] = rand::rng().random();
    format!("BC:24:11:{a:02X}:{b:02X}:{c:02X}")
}

/// A network of a container.
#[derive(Debug, Clone)]
pub(super) struct Network {
    pub(super) name: String,
    pub(super) bridge: String,
    /// Lower case.
    pub(super) hwaddr: String,
    /// With prefix length; none without IPv4.
    pub(super) address: Option<String>,
}

/// The networks of a configuration in order.
pub(super) fn interfaces(vmid: u32, config: &BTreeMap<String, String>) -> Vec<Network> {
    let mut nets: Vec<(u32, &String)> = config
        .iter()
        .filter_map(|(key, value)| Some((key.strip_prefix("net")?.parse().ok()?, value)))
        .collect();
    nets.sort_unstable();
    let network = |(index, text): (u32, &String)| {
        let keys = parse_properties(text, "");
        let text = |key: &str| keys.get(key).cloned().unwrap_or_default();
        Network {
            name: text("name"),
            bridge: text("bridge"),
            hwaddr: text("hwaddr").to_lowercase(),
            address: match text("ip").as_str() {
                "" | "manual" => None,
                "dhcp" => Some(lease(vmid, index)),
                fixed => Some(fixed.to_owned()),
            },
        }
    };
    nets.into_iter().map(network).collect()
}

/// The same address each time for the same container, from the upper half of the bridge's network.
fn lease(vmid: u32, index: u32) -> String {
    format!("10.77.0.{}/24", 120 + (vmid + 37 * index) % 130)
}

/// The link-local address of a hardware address.
pub(super) fn link_local(hwaddr: &str) -> Option<String> {
    let bytes: Vec<u8> =
        hwaddr.split(':').map(|pair| u8::from_str_radix(pair, 16)).collect::<Result<_, _>>().ok()?;
    let mac: [u8; 6] = bytes.try_into().ok()?;
    let word = |high: u8, low: u8| u16::from_be_bytes([high, low]);
    let (first, last) = (word(mac[0] ^ 2, mac[1]), word(mac[4], mac[5]));
    Some(format!("fe80::{first:x}:{:x}:{:x}:{last:x}", word(mac[2], 0xff), word(0xfe, mac[3])))
}

/// Whether the network of a running container is up: it takes a moment after the start.
pub(super) fn is_up(container: &Container, speed: f64) -> bool {
    const MOMENT_MS: f64 = 1500.0;
    let run = container.run.as_ref();
    run.is_some_and(|run| (clock::now_ms() - run.since_ms) as f64 > MOMENT_MS / speed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_local_address_is_the_recorded_one() {
        assert_eq!(link_local("bc:24:11:cc:7c:37").as_deref(), Some("fe80::be24:11ff:fecc:7c37"));
    }

    #[test]
    fn networks_are_written_as_the_host_writes_them() {
        let given = "ip=10.77.0.102/24,bridge=vmbr0,hwaddr=BC:24:11:D8:55:9C,gw=10.77.0.1,name=eth0";
        let expected =
            "name=eth0,bridge=vmbr0,gw=10.77.0.1,hwaddr=BC:24:11:D8:55:9C,ip=10.77.0.102/24,type=veth";
        assert_eq!(normal_net(given), expected);
    }
}
