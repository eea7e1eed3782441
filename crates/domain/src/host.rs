//! Addresses of hosts as people type them.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A host name or IP address, without scheme, port, brackets or path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Host(String);

/// Why a text is no host; the message says what to type instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidHost {
    /// Nothing was typed.
    #[error("Type the host's name or address, for example pve.lan or 192.168.1.10")]
    Empty,
    /// A whole URL was pasted.
    #[error("Type only the host's name or address, for example pve.lan, without http:// and without a path")]
    Url,
    /// The port was typed with the host.
    #[error("Type the port in its own field, or leave that empty")]
    WithPort,
    /// An IPv6 address with a port, or what may be one.
    #[error("put the IPv6 address in brackets, for example [2001:db8::1]:8006")]
    Brackets,
    /// Anything else.
    #[error("This is neither a host name nor an IP address: type for example pve.lan or 192.168.1.10")]
    Grammar,
}

fn is_host_name(text: &str) -> bool {
    let last_is_number =
        text.rsplit('.').next().is_some_and(|label| label.bytes().all(|byte| byte.is_ascii_digit()));
    text.len() <= 253
        && !last_is_number
        && text.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        })
}

/// Whether an HTTP client takes the name for what it is: it reads `0x7f` as an address and looks into `xn--…`.
fn is_taken_literally(name: &str) -> bool {
    matches!(url::Host::parse(name), Ok(url::Host::Domain(taken)) if taken == name)
}

impl Host {
    /// The host as typed, lower case, IPv6 without brackets.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host as it stands in a URL: IPv6 in brackets.
    pub fn for_url(&self) -> String {
        if self.0.contains(':') { format!("[{}]", self.0) } else { self.0.clone() }
    }
}

impl FromStr for Host {
    type Err = InvalidHost;
    fn from_str(text: &str) -> Result<Self, InvalidHost> {
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidHost::Empty);
        }
        if text.contains('/') {
            return Err(InvalidHost::Url);
        }
        let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        if let Ok(address) = bare.parse::<IpAddr>() {
            if bare.len() != text.len() && address.is_ipv4() {
                return Err(InvalidHost::Grammar);
            }
            return Ok(Self(address.to_string()));
        }
        if let Some((host, port)) = text.rsplit_once(':')
            && port.parse::<u32>().is_ok()
            && (is_host_name(host.trim_end_matches('.'))
                || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok())
        {
            return Err(InvalidHost::WithPort);
        }
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        if is_host_name(&name) && is_taken_literally(&name) {
            Ok(Self(name))
        } else {
            Err(InvalidHost::Grammar)
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Host {
    type Error = InvalidHost;
    fn try_from(text: String) -> Result<Self, InvalidHost> {
        text.parse()
    }
}

impl From<Host> for String {
    fn from(host: Host) -> Self {
        host.0
    }
}

/// A host and a TCP port, shown as `host:port`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct HostPort {
    /// The host.
    pub host: Host,
    /// The TCP port, never 0.
    pub port: u16,
}

impl HostPort {
    /// A pair of host and port.
    pub const fn new(host: Host, port: u16) -> Self {
        Self { host, port }
    }
}

impl FromStr for HostPort {
    type Err = InvalidHost;
    /// Reads `host:port`; without a port it is 8006, Proxmox's own.
    fn from_str(text: &str) -> Result<Self, InvalidHost> {
        let text = text.trim();
        let whole = text.parse::<Host>();
        let Some((host, port)) = text.rsplit_once(':') else { return Ok(Self::new(whole?, 8006)) };
        if is_digits(port) && host.parse::<Ipv6Addr>().is_ok() {
            return Err(InvalidHost::Brackets);
        }
        match (whole, port_number(port)) {
            (Ok(host), _) => Ok(Self::new(host, 8006)),
            (Err(_), Some(port)) if host == host.trim() => Ok(Self::new(host.parse()?, port)),
            (Err(why), _) => Err(if why == InvalidHost::WithPort { InvalidHost::Grammar } else { why }),
        }
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// From 1 to 65535, without a sign.
fn port_number(text: &str) -> Option<u16> {
    text.parse().ok().filter(|port| is_digits(text) && *port != 0)
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host.for_url(), self.port)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_people_paste_is_told_apart() {
        for (text, expected) in [
            ("pve.lan", Ok("pve.lan")),
            ("  PVE.Lan. ", Ok("pve.lan")),
            ("192.168.1.10", Ok("192.168.1.10")),
            ("[fe80::1]", Ok("fe80::1")),
            ("2001:DB8::1", Ok("2001:db8::1")),
            ("", Err(InvalidHost::Empty)),
            ("https://pve.lan:8006/", Err(InvalidHost::Url)),
            ("pve.lan:8006", Err(InvalidHost::WithPort)),
            ("[2001:db8::1]:8006", Err(InvalidHost::WithPort)),
            ("192.168.1.300", Err(InvalidHost::Grammar)),
            ("-pve", Err(InvalidHost::Grammar)),
            ("[10.0.0.1]", Err(InvalidHost::Grammar)),
            ("päve.lan", Err(InvalidHost::Grammar)),
            ("a b", Err(InvalidHost::Grammar)),
            ("pve.lan..", Err(InvalidHost::Grammar)),
            // An HTTP client would connect to 0.0.0.127, to 127.0.0.1, and to nothing.
            ("0x7f", Err(InvalidHost::Grammar)),
            ("pve.0x7f000001", Err(InvalidHost::Grammar)),
            ("xn--a.lan", Err(InvalidHost::Grammar)),
            ("xn--pve-0ra.lan", Ok("xn--pve-0ra.lan")),
        ] {
            assert_eq!(
                text.parse::<Host>().as_ref().map(Host::as_str).map_err(Clone::clone),
                expected,
                "{text:?}"
            );
        }
    }

    #[test]
    fn a_port_is_told_from_the_end_of_an_address() {
        for (text, expected) in [
            ("pve.lan", Ok("pve.lan:8006")),
            (" pve.lan:443 ", Ok("pve.lan:443")),
            ("[2001:db8::1]:443", Ok("[2001:db8::1]:443")),
            ("[2001:db8::1]", Ok("[2001:db8::1]:8006")),
            ("2001:db8::1", Ok("[2001:db8::1]:8006")),
            ("fe80::abcd", Ok("[fe80::abcd]:8006")),
            ("2001:db8::1:443", Err(InvalidHost::Brackets)),
            ("2001:db8::1:0", Err(InvalidHost::Brackets)),
            ("1:2:3:4:5:6:7:8:443", Err(InvalidHost::Brackets)),
            ("1:2:3:4:5:6:7:8", Ok("[1:2:3:4:5:6:7:8]:8006")),
            ("pve.lan:0", Err(InvalidHost::Grammar)),
            ("pve.lan:+80", Err(InvalidHost::Grammar)),
            ("pve.lan:70000", Err(InvalidHost::Grammar)),
            ("pve.lan :443", Err(InvalidHost::Grammar)),
            ("root@pve.lan:443", Err(InvalidHost::Grammar)),
            ("https://pve.lan:443", Err(InvalidHost::Url)),
        ] {
            let read = text.parse::<HostPort>().map(|pair| pair.to_string());
            assert_eq!(read.as_deref().map_err(Clone::clone), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_stable_and_harmless(text in "\\PC{0,60}") {
            if let Ok(host) = text.parse::<Host>() {
                prop_assert_eq!(host.as_str().parse::<Host>(), Ok(host.clone()));
                prop_assert!(!host.as_str().contains(['/', '@', ' ', '?', '#', '%']));
            }
            if let Ok(pair) = text.parse::<HostPort>() {
                prop_assert_eq!(pair.to_string().parse::<HostPort>(), Ok(pair));
            }
        }
    }
}
