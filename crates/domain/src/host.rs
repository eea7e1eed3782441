//! Addresses of hosts as people type them.

use std::fmt;
use std::net::IpAddr;
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
    #[error("type the host's name or address, for example pve.lan or 192.168.1.10")]
    Empty,
    /// A whole URL was pasted.
    #[error("type only the host's name or address, without https:// and without a path")]
    Url,
    /// The port was typed with the host.
    #[error("type the port in its own field")]
    WithPort,
    /// Anything else.
    #[error("this is neither a host name nor an IP address")]
    Grammar,
}

fn is_host_name(text: &str) -> bool {
    let text = text.strip_suffix('.').unwrap_or(text);
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
            && (is_host_name(host) || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok())
        {
            return Err(InvalidHost::WithPort);
        }
        if is_host_name(text) {
            Ok(Self(text.trim_end_matches('.').to_ascii_lowercase()))
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
        if let Ok(host) = text.parse() {
            return Ok(Self::new(host, 8006));
        }
        let (host, port) =
            text.rsplit_once(':').ok_or_else(|| text.parse::<Host>().expect_err("just failed"))?;
        let port = port.parse().ok().filter(|port| *port != 0).ok_or(InvalidHost::Grammar)?;
        Ok(Self::new(host.parse()?, port))
    }
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
        ] {
            assert_eq!(
                text.parse::<Host>().as_ref().map(Host::as_str).map_err(Clone::clone),
                expected,
                "{text:?}"
            );
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
