//! The named formats and property strings of `PVE::JSONSchema`.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{LazyLock, Mutex, PoisonError};

use regex::Regex;

use super::schema::{Format, Property, check_object, lookup};
use crate::state::Params;

/// Checks `value` against a format; `path` is the parameter's name.
///
/// # Errors
/// The text that follows `invalid format - `, with its newline.
pub(super) fn check(format: &Format, value: &str, path: &str) -> Result<(), String> {
    match format {
        Format::Keys(keys) => {
            let parsed = parse_property_string(keys, value)?;
            let errors = check_object(keys, &parsed, false, &format!("{path}."));
            if errors.is_empty() {
                return Ok(());
            }
            let lines = errors.iter().map(|(name, text)| format!("{name}: {}\n", text.trim_end()));
            Err(format!("format error\n{}", lines.collect::<String>()))
        }
        Format::Named(name) => named(name, value),
    }
}

fn parse_property_string(keys: &BTreeMap<String, Property>, value: &str) -> Result<Params, String> {
    let default_key = keys.iter().find(|(_, property)| property.dk == 1).map(|(name, _)| name.clone());
    let mut parsed = Params::new();
    for part in value.split(',').filter(|part| !part.trim().is_empty()) {
        let (key, text) = match part.split_once('=') {
            Some((key, text)) => (resolve(keys, key), text),
            None => match &default_key {
                Some(key) if parsed.contains_key(key) => {
                    return Err("duplicate key in comma-separated list property\n".to_owned());
                }
                Some(key) => (key.clone(), part),
                None => {
                    return Err("value without key, but schema does not define a default key\n".to_owned());
                }
            },
        };
        if parsed.insert(key.clone(), text.to_owned()).is_some() {
            return Err(format!("duplicate key in comma-separated list property: {key}\n"));
        }
    }
    Ok(parsed)
}

fn resolve(keys: &BTreeMap<String, Property>, key: &str) -> String {
    lookup(keys, key).and_then(|property| property.alias.clone()).unwrap_or_else(|| key.to_owned())
}

fn named(name: &str, value: &str) -> Result<(), String> {
    if let Some(single) = name.strip_suffix("-list") {
        return value
            .split([',', ';', ' ', '\0'])
            .filter(|part| !part.is_empty())
            .try_for_each(|part| named(single, part));
    }
    let fine = |good: bool, text: &str| if good { Ok(()) } else { Err(format!("{text}\n")) };
    let looks = |pattern: &str| matches_pattern(pattern, value);
    match name {
        "pve-vmid" => fine(looks("[1-9][0-9]{2,8}"), "value does not look like a valid VM ID"),
        "pve-node" => fine(looks(NODE), "value does not look like a valid node name"),
        "pve-storage-id" => fine(
            looks("(?i)[a-z][a-z0-9\\-_.]*[a-z0-9]"),
            &format!("storage ID '{value}' contains illegal characters"),
        ),
        "dns-name" => fine(looks(DNS_NAME), "value does not look like a valid DNS name"),
        "pve-configid" => fine(looks("(?i)[a-z][a-z0-9_-]+"), &format!("invalid configuration ID '{value}'")),
        "pve-userid" => {
            fine(is_user(value), &format!("value '{value}' does not look like a valid user name"))
        }
        "pve-tokenid" => fine(
            value.split_once('!').is_some_and(|(user, token)| is_user(user) && matches_pattern(TOKEN, token)),
            &format!("value '{value}' does not look like a valid token ID"),
        ),
        "pve-groupid" => {
            fine(looks("[A-Za-z0-9.\\-_]+"), &format!("group name '{value}' contains invalid characters"))
        }
        "pve-roleid" => {
            fine(looks("[A-Za-z0-9.\\-_]+"), &format!("role name '{value}' contains invalid characters"))
        }
        "pve-poolid" => fine(
            looks("[A-Za-z0-9.\\-_]+(/[A-Za-z0-9.\\-_]+){0,2}"),
            &format!("pool name '{value}' contains invalid characters"),
        ),
        "pve-realm" => fine(looks("[A-Za-z][A-Za-z0-9.\\-_]+"), "value does not look like a valid realm"),
        "pve-priv" => {
            fine(crate::permissions::PRIVILEGES.contains(&value), &format!("invalid privilege '{value}'"))
        }
        "pve-tag" => fine(looks("(?i)[a-z0-9_][a-z0-9_\\-+.]*"), "invalid characters in tag"),
        "pve-startup-order" => fine(
            looks("(order=)?\\d+(,up=\\d+)?(,down=\\d+)?|(up|down)=\\d+(,(up|down)=\\d+)?"),
            "unable to parse startup options",
        ),
        "email-opt" => fine(
            value.is_empty() || looks("[^@\\s]+@[^@\\s]+"),
            "value does not look like a valid email address",
        ),
        _ => network(name, value),
    }
}

fn network(name: &str, value: &str) -> Result<(), String> {
    let fine = |good: bool, text: &str| if good { Ok(()) } else { Err(format!("{text}\n")) };
    match name {
        "mac-addr" => fine(
            matches_pattern("(?i)[a-f0-9][02468ace](:[a-f0-9]{2}){5}", value),
            "value does not look like a valid unicast MAC address",
        ),
        "ipv4" => fine(value.parse::<Ipv4Addr>().is_ok(), "value does not look like a valid IPv4 address"),
        "ipv6" => fine(value.parse::<Ipv6Addr>().is_ok(), "value does not look like a valid IPv6 address"),
        "ip" => fine(value.parse::<IpAddr>().is_ok(), "value does not look like a valid IP address"),
        "lxc-ip-with-ll-iface" => {
            let address = match value.split_once('%') {
                Some((address, interface))
                    if address.starts_with("fe80:") && matches_pattern(INTERFACE, interface) =>
                {
                    address
                }
                _ => value,
            };
            fine(address.parse::<IpAddr>().is_ok(), "value does not look like a valid IP address")
        }
        "pve-ipv4-config" => fine(
            matches!(value, "dhcp" | "manual") || is_cidr(value, 32, |text| text.parse::<Ipv4Addr>().is_ok()),
            "value does not look like a valid ipv4 network configuration",
        ),
        "pve-ipv6-config" => fine(
            matches!(value, "auto" | "dhcp" | "manual")
                || is_cidr(value, 128, |text| text.parse::<Ipv6Addr>().is_ok()),
            "value does not look like a valid ipv6 network configuration",
        ),
        "disk-size" => fine(
            matches_pattern("\\d+(\\.\\d+)?[KMGT]?", value),
            "value does not look like a valid disk size",
        ),
        "pve-lxc-mp-string" => fine(
            !value.split('/').any(|part| part == ".."),
            &format!("value '{value}' contains illegal characters"),
        ),
        "pve-lxc-dev-string" => fine(value.starts_with("/dev/"), "value does not look like a device path"),
        "pve-ct-timezone" => fine(
            value == "host" || matches_pattern("[A-Za-z0-9_+\\-/]+", value),
            &format!("invalid time zone '{value}'"),
        ),
        _ => Ok(()),
    }
}

const NODE: &str = "[a-zA-Z0-9]([a-zA-Z0-9\\-]*[a-zA-Z0-9])?";
const INTERFACE: &str = "(?i)[a-z][a-z0-9_]{1,20}([:.]\\d+)?";
const TOKEN: &str = "[A-Za-z][A-Za-z0-9\\.\\-_]+";
const DNS_NAME: &str =
    "(([a-zA-Z0-9]([a-zA-Z0-9\\-]{0,61}[a-zA-Z0-9])?)\\.)*([A-Za-z0-9]([A-Za-z0-9\\-]{0,61}[A-Za-z0-9])?)";

fn is_user(value: &str) -> bool {
    value.len() <= 64 && matches_pattern("[^\\s:/]+@[A-Za-z][A-Za-z0-9\\.\\-_]+", value)
}

fn is_cidr(value: &str, bits: u8, is_address: impl Fn(&str) -> bool) -> bool {
    value.split_once('/').is_some_and(|(address, prefix)| {
        is_address(address) && prefix.parse::<u8>().is_ok_and(|length| (8..=bits).contains(&length))
    })
}

/// Whether the whole of `value` matches a pattern in Perl's notation (`(?^:…)` included).
pub(super) fn matches_pattern(pattern: &str, value: &str) -> bool {
    static COMPILED: LazyLock<Mutex<HashMap<String, Option<Regex>>>> = LazyLock::new(Mutex::default);
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    let regex = compiled
        .entry(pattern.to_owned())
        .or_insert_with(|| Regex::new(&format!("^(?:{})$", from_perl(pattern))).ok());
    regex.as_ref().is_none_or(|regex| regex.is_match(value))
}

/// A pattern as Perl prints it, in this library's notation.
fn from_perl(pattern: &str) -> String {
    pattern.replace("(?^:", "(?:").replace("(?^i:", "(?i:").replace("\\0", "\\x00")
}

#[cfg(test)]
mod tests {
    use super::super::schema::endpoints;
    use super::*;

    fn patterns(properties: &BTreeMap<String, Property>, found: &mut Vec<String>) {
        for property in properties.values() {
            found.extend(property.p.clone());
            if let Some(Format::Keys(keys)) = &property.f {
                patterns(keys, found);
            }
        }
    }

    #[test]
    fn every_pattern_of_the_table_compiles() {
        let mut found = Vec::new();
        for endpoint in endpoints() {
            patterns(&endpoint.params, &mut found);
        }
        assert!(found.len() > 20);
        for pattern in found {
            assert!(Regex::new(&from_perl(&pattern)).is_ok(), "{pattern}");
        }
    }

    #[test]
    fn property_strings_are_read_by_key() {
        let net = super::super::schema::verify(
            "PUT",
            "/nodes/{node}/lxc/{vmid}/config",
            &Params::from([
                ("node".into(), "pve".into()),
                ("vmid".into(), "102".into()),
                ("net0".into(), "name=eth0,ip=banana".into()),
            ]),
        );
        let text = &net.unwrap_err().errors["net0"];
        assert_eq!(
            text,
            "invalid format - format error\nnet0.ip: invalid format - value does not look like a valid ipv4 network configuration\n"
        );
    }
}
