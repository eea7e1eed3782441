use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use berth_domain::{Host, HostPort};
use berth_testkit::fuzz::{any_text, fuzz, like, mutated};
use proptest::prelude::*;
use url::Url;

const TELLING: &[&str] = &[
    ".",
    "..",
    ":",
    "::",
    "[",
    "]",
    "/",
    "//",
    "\\",
    "@",
    "%",
    "%00",
    "?",
    "#",
    " ",
    "\t",
    "\n",
    "\r\n",
    "\0",
    "-",
    "_",
    "0",
    "0x",
    "0X7f",
    "xn--",
    "xn--a",
    "1",
    "65536",
    "99999",
    "+80",
    "-1",
    "https://",
    "http:",
    "user@",
    "user:pw@",
    "%25eth0",
    "%eth0",
    "ä",
    "ß",
    "。",
    "．",
    "：",
    "\u{200b}",
    "\u{202e}",
    "\u{ad}",
    "localhost",
    "::ffff:1.2.3.4",
];

fn name() -> impl Strategy<Value = String> {
    like(
        "([a-zA-Z0-9_]([a-zA-Z0-9_-]{0,12}[a-zA-Z0-9])?\\.){0,3}[a-zA-Z0-9]([a-zA-Z0-9-]{0,12}[a-zA-Z0-9])?\\.?",
    )
}

fn address() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<Ipv4Addr>().prop_map(|address| address.to_string()),
        any::<Ipv6Addr>().prop_map(|address| address.to_string()),
        any::<Ipv6Addr>().prop_map(|address| format!("[{address}]")),
        // Short ones, with `::` in all places.
        prop::collection::vec(prop_oneof![3 => 0..=0_u16, 2 => 0..=0xffff_u16], 8)
            .prop_map(|groups| Ipv6Addr::from(<[u16; 8]>::try_from(groups).unwrap()).to_string()),
    ]
}

fn host() -> impl Strategy<Value = String> {
    prop_oneof![name(), address(), Just("0x7f.0.0.1".to_owned()), Just("xn--pve-0ra.lan".to_owned())]
}

fn pair() -> impl Strategy<Value = String> {
    let port = prop_oneof![any::<u16>().prop_map(|port| port.to_string()), like("[0-9]{1,7}")];
    prop_oneof![host(), (host(), port).prop_map(|(host, port)| format!("{host}:{port}"))]
}

/// Whatever is accepted prints, is stored and reads back as the same; it has nothing in it that is no part of a host; and it puts exactly
/// one host into a URL: that one.
fn assert_host(text: &str, host: &Host) -> Result<(), TestCaseError> {
    prop_assert_eq!(host.to_string().parse::<Host>(), Ok(host.clone()));
    prop_assert_eq!(host.for_url().parse::<Host>(), Ok(host.clone()));
    prop_assert_eq!(Host::try_from(String::from(host.clone())), Ok(host.clone()));
    let shown = host.as_str();
    prop_assert!(!shown.is_empty() && shown.is_ascii());
    prop_assert!(!text.trim().contains(|c: char| c.is_whitespace() || c.is_control()), "{:?}", text);
    prop_assert!(
        !shown.contains(|c: char| c.is_ascii_uppercase() || "/\\@?#%[]<>^|`{}\"'$&;()!*,".contains(c)),
        "{}",
        shown
    );
    prop_assert_eq!(shown.contains(':'), shown.parse::<Ipv6Addr>().is_ok());
    Ok(())
}

fn assert_pair(text: &str, pair: &HostPort) -> Result<(), TestCaseError> {
    assert_host(text, &pair.host)?;
    prop_assert_ne!(pair.port, 0);
    let printed = pair.to_string();
    prop_assert_eq!(printed.parse::<HostPort>(), Ok(pair.clone()));

    let url = Url::parse(&format!("https://{printed}/api2/json"));
    let url = url.map_err(|error| TestCaseError::fail(format!("{printed}: {error}")))?;
    prop_assert_eq!(url.port_or_known_default(), Some(pair.port));
    prop_assert_eq!((url.username(), url.password(), url.path()), ("", None, "/api2/json"));
    prop_assert_eq!((url.query(), url.fragment()), (None, None));
    match (url.host().unwrap(), pair.host.as_str().parse::<IpAddr>()) {
        (url::Host::Domain(name), Err(_)) => prop_assert_eq!(name, pair.host.as_str()),
        (url::Host::Ipv4(found), Ok(IpAddr::V4(typed))) => prop_assert_eq!(found, typed),
        (url::Host::Ipv6(found), Ok(IpAddr::V6(typed))) => prop_assert_eq!(found, typed),
        (found, _) => prop_assert!(false, "{} became {:?}", printed, found),
    }
    unambiguous(text.trim(), pair)
}

/// Without brackets, nobody can tell whether the end of an IPv6 address is its port.
fn unambiguous(text: &str, pair: &HostPort) -> Result<(), TestCaseError> {
    if pair.host.as_str().contains(':') && !text.starts_with('[') {
        let (rest, last) = text.rsplit_once(':').unwrap();
        let like_a_port = last.bytes().all(|byte| byte.is_ascii_digit());
        prop_assert!(rest.parse::<Ipv6Addr>().is_err() || !like_a_port, "{}", text);
        prop_assert_eq!(pair.port, 8006);
    }
    Ok(())
}

#[test]
fn host_an_accepted_host_is_one_host_and_reads_back_the_same() {
    let texts = prop_oneof![1 => any_text(), 4 => mutated(host(), TELLING), 4 => mutated(pair(), TELLING)];
    fuzz("host", &texts, |text| {
        if let Ok(host) = text.parse::<Host>() {
            assert_host(&text, &host)?;
        }
        if let Ok(pair) = text.parse::<HostPort>() {
            assert_pair(&text, &pair)?;
        }
        Ok(())
    });
}
