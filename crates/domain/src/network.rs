//! Host names, addresses and tags as Proxmox accepts them for a container.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::{Deserialize, Serialize};

/// Whether `text` is a DNS name as Proxmox's `dns-name` format takes it: labels of letters, digits and inner hyphens, at most 63 each, 253 in all.
pub fn is_hostname(text: &str) -> bool {
    text.len() <= 253
        && text.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        })
}

/// Whether `text` is a tag as Proxmox's `pve-tag` format takes it.
pub fn is_tag(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit() || first == '_')
        && text.len() <= 60
        && text.chars().all(|character| {
            character.is_ascii_lowercase() || character.is_ascii_digit() || "_-+.".contains(character)
        })
}

/// Whether `text` is a DNS server as Proxmox's `lxc-ip-with-ll-iface` format takes it: an address, a link-local one also with the
/// interface it is on, such as `fe80::1%eth0`.
pub fn is_nameserver(text: &str) -> bool {
    match text.split_once('%') {
        Some((address, interface)) => {
            let link_local = address.len() > 5 && address.starts_with("fe80:");
            link_local && address.parse::<Ipv6Addr>().is_ok() && is_interface(interface)
        }
        None => text.parse::<IpAddr>().is_ok(),
    }
}

/// `pve-iface`: a letter, then letters, digits and underscores, then perhaps a VLAN or an alias.
fn is_interface(text: &str) -> bool {
    let (name, number) =
        text.split_once([':', '.']).map_or((text, None), |(name, number)| (name, Some(number)));
    (2..=21).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
        && number.is_none_or(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The shortest prefix that Proxmox's `CIDRv4` and `CIDRv6` formats take.
const SHORTEST_PREFIX: u8 = 8;

/// Why an address is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddress {
    /// No prefix length, or no address at all.
    #[error("write the address with its prefix length, for example 192.168.1.50/24")]
    Cidr,
    /// A prefix that Proxmox refuses: a network of that size is no container's.
    #[error("the prefix length must be at least 8, for example 192.168.1.50/24")]
    Prefix,
    /// Network or broadcast address.
    #[error("this is the network's own or its broadcast address: choose one between them")]
    NotAHost,
    /// Not an address.
    #[error("this is not an IP address")]
    Gateway,
    /// Gateway outside the subnet.
    #[error("the gateway is not inside the address's subnet")]
    GatewayOutside,
    /// Gateway equal to the address.
    #[error("the gateway cannot be the container's own address")]
    GatewayIsSelf,
}

/// The IPv4 configuration of `net0`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "method")]
pub enum Ipv4 {
    /// `ip=dhcp`.
    #[default]
    Dhcp,
    /// No address (`ip=manual`).
    None,
    /// A fixed address.
    Static {
        /// Address with prefix length.
        address: Ipv4Net,
        /// Default gateway.
        gateway: Option<Ipv4Addr>,
    },
}

/// The IPv6 configuration of `net0`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "method")]
pub enum Ipv6 {
    /// No address of ours.
    #[default]
    None,
    /// `ip6=auto`: stateless autoconfiguration.
    Auto,
    /// `ip6=dhcp`.
    Dhcp,
    /// A fixed address.
    Static {
        /// Address with prefix length.
        address: Ipv6Net,
        /// Default gateway.
        gateway: Option<Ipv6Addr>,
    },
}

impl Ipv4 {
    /// A fixed address from what was typed.
    pub fn parse_static(address: &str, gateway: &str) -> Result<Self, InvalidAddress> {
        let (address, gateway) = parse_pair::<Ipv4Net, Ipv4Addr>(address, gateway)?;
        let edges = [address.network(), address.broadcast()];
        if address.prefix_len() < 31 && edges.contains(&address.addr()) {
            return Err(InvalidAddress::NotAHost);
        }
        Ok(Self::Static { address, gateway })
    }
}

impl Ipv6 {
    /// A fixed address from what was typed.
    pub fn parse_static(address: &str, gateway: &str) -> Result<Self, InvalidAddress> {
        let (address, gateway) = parse_pair::<Ipv6Net, Ipv6Addr>(address, gateway)?;
        Ok(Self::Static { address, gateway })
    }
}

fn parse_pair<N, A>(address: &str, gateway: &str) -> Result<(N, Option<A>), InvalidAddress>
where
    N: FromStr + Copy + Into<IpNet>,
    A: FromStr + Copy + Into<IpAddr>,
{
    let net: N = address.trim().parse().map_err(|_| InvalidAddress::Cidr)?;
    let subnet: IpNet = net.into();
    if subnet.prefix_len() < SHORTEST_PREFIX {
        return Err(InvalidAddress::Prefix);
    }
    let gateway = gateway.trim();
    if gateway.is_empty() {
        return Ok((net, None));
    }
    let gateway: A = gateway.parse().map_err(|_| InvalidAddress::Gateway)?;
    let ip: IpAddr = gateway.into();
    let link_local = matches!(ip, IpAddr::V6(v6) if v6.is_unicast_link_local());
    if !subnet.contains(&ip) && !link_local {
        return Err(InvalidAddress::GatewayOutside);
    }
    if subnet.addr() == ip {
        return Err(InvalidAddress::GatewayIsSelf);
    }
    Ok((net, Some(gateway)))
}

impl fmt::Display for Ipv4 {
    /// In the words of Proxmox's `net0`, without the gateway.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dhcp => f.write_str("dhcp"),
            Self::None => f.write_str("manual"),
            Self::Static { address, .. } => address.fmt(f),
        }
    }
}

impl fmt::Display for Ipv6 {
    /// In the words of Proxmox's `net0`, without the gateway.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("manual"),
            Self::Auto => f.write_str("auto"),
            Self::Dhcp => f.write_str("dhcp"),
            Self::Static { address, .. } => address.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_follow_dns() {
        for (name, valid) in [
            ("web-01", true),
            ("a.b.c", true),
            ("-a", false),
            ("a-", false),
            ("a_b", false),
            ("", false),
            ("ä", false),
            ("x".repeat(64).as_str(), false),
            ("; rm -rf /", false),
        ] {
            assert_eq!(is_hostname(name), valid, "{name:?}");
        }
    }

    #[test]
    fn dns_servers_follow_proxmox() {
        for (server, valid) in [
            ("1.1.1.1", true),
            ("2606:4700::1111", true),
            ("fe80::1%eth0", true),
            ("fe80::1%vmbr0.20", true),
            ("fe80::1%", false),
            ("fe80::1%0eth", false),
            ("1.1.1.1%eth0", false),
            ("fd00::1%eth0", false),
            ("dns.lan", false),
            ("1.1.1", false),
            ("", false),
        ] {
            assert_eq!(is_nameserver(server), valid, "{server:?}");
        }
    }

    #[test]
    fn tags_follow_proxmox() {
        for (tag, valid) in [
            ("web", true),
            ("_x", true),
            ("a.b+c-d", true),
            ("Web", false),
            ("a b", false),
            ("-a", false),
            ("", false),
            ("a;b", false),
        ] {
            assert_eq!(is_tag(tag), valid, "{tag:?}");
        }
    }

    #[test]
    fn addresses_and_gateways_fit_together() {
        let check = |address, gateway| Ipv4::parse_static(address, gateway).map(|_| ());
        assert_eq!(check("10.0.0.5/24", "10.0.0.1"), Ok(()));
        assert_eq!(check("10.0.0.5/24", ""), Ok(()));
        assert_eq!(check("10.0.0.5", "10.0.0.1"), Err(InvalidAddress::Cidr));
        assert_eq!(check("10.0.0.0/24", ""), Err(InvalidAddress::NotAHost));
        assert_eq!(check("10.0.0.255/24", ""), Err(InvalidAddress::NotAHost));
        assert_eq!(check("10.0.0.5/24", "10.0.1.1"), Err(InvalidAddress::GatewayOutside));
        assert_eq!(check("10.0.0.5/24", "10.0.0.5"), Err(InvalidAddress::GatewayIsSelf));
        assert_eq!(check("10.0.0.5/33", ""), Err(InvalidAddress::Cidr));
        assert_eq!(check("10.0.0.5/7", ""), Err(InvalidAddress::Prefix));
        assert_eq!(check("10.0.0.5/8", ""), Ok(()));
        assert!(Ipv6::parse_static("2001:db8::5/64", "fe80::1").is_ok());
    }
}
