//! Proxmox's own constraints on single fields, from the schema of `POST /nodes/{node}/lxc`.

use std::collections::BTreeSet;
use std::ops::RangeFrom;

use berth_domain::network::{is_hostname, is_nameserver, is_tag};
use berth_domain::{NodeId, Vmid};
use validator::ValidationError;

use crate::forms::{parses, problem};

type Checked = Result<(), ValidationError>;

fn ensure(holds: bool, message: &str) -> Checked {
    if holds { Ok(()) } else { Err(problem(message)) }
}

pub(crate) fn number(text: &str) -> Result<u32, std::num::ParseIntError> {
    text.trim().parse()
}

fn at_least(text: &str, range: RangeFrom<u32>, what: &str) -> Checked {
    let fits = number(text).is_ok_and(|number| range.contains(&number));
    ensure(fits, &format!("{what} must be a whole number, {} or more", range.start))
}

/// Whitespace, commas and semicolons separate, as in Proxmox's lists.
fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(|character: char| character.is_whitespace() || ",;".contains(character))
        .filter(|word| !word.is_empty())
}

/// The words with single spaces between them; none when there are none.
pub(super) fn words(text: &str) -> Option<String> {
    let joined = split(text).collect::<Vec<_>>().join(" ");
    (!joined.is_empty()).then_some(joined)
}

/// Tags as Proxmox stores them: lower case, sorted, each once.
pub(crate) fn split_tags(text: &str) -> Vec<String> {
    split(text).map(str::to_lowercase).collect::<BTreeSet<_>>().into_iter().collect()
}

pub(super) fn node(text: &str) -> Checked {
    ensure(text.parse::<NodeId>().is_ok(), "choose a node")
}

pub(super) fn hostname(text: &str) -> Checked {
    let text = text.trim();
    ensure(!text.is_empty(), "give the container a name, for example web-01")?;
    ensure(
        is_hostname(text),
        "a host name has letters, digits and inner hyphens, and at most 63 of them between dots",
    )
}

pub(super) fn vmid(text: &str) -> Checked {
    parses::<Vmid>(text)
}

pub(super) fn os_template(text: &str) -> Checked {
    let parts = text.split_once(":vztmpl/");
    let is_volume = parts.is_some_and(|(storage, file)| {
        is_storage(storage)
            && !file.is_empty()
            && !file.contains(|c: char| c.is_whitespace() || c.is_control() || c == '/')
    });
    ensure(is_volume && text.len() <= 255, "choose an OS template")
}

pub(crate) fn cores(text: &str) -> Checked {
    let fits = number(text).is_ok_and(|cores| (1..=8192).contains(&cores));
    ensure(fits, "cores must be a whole number from 1 to 8192")
}

pub(crate) fn memory(text: &str) -> Checked {
    at_least(text, 16.., "memory in MiB")
}

pub(crate) fn swap(text: &str) -> Checked {
    at_least(text, 0.., "swap in MiB")
}

pub(crate) fn disk(text: &str) -> Checked {
    at_least(text, 1.., "the disk's size in GiB")
}

/// `pve-storage-id`.
fn is_storage(text: &str) -> bool {
    text.len() >= 2
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.ends_with(|last: char| last.is_ascii_alphanumeric())
        && text.chars().all(|character| character.is_ascii_alphanumeric() || "-_.".contains(character))
}

pub(super) fn storage(text: &str) -> Checked {
    ensure(is_storage(text), "choose a storage for the root disk")
}

pub(super) fn bridge(text: &str) -> Checked {
    let is_name = (1..=64).contains(&text.len())
        && text.chars().all(|character| character.is_ascii_alphanumeric() || "-_.".contains(character));
    ensure(is_name, "choose a bridge")
}

pub(super) fn vlan(text: &str) -> Checked {
    let text = text.trim();
    let fits = text.is_empty() || number(text).is_ok_and(|tag| (1..=4094).contains(&tag));
    ensure(fits, "a VLAN tag is a whole number from 1 to 4094, or empty")
}

pub(super) fn ipv4_method(text: &str) -> Checked {
    ensure(["dhcp", "static", "none"].contains(&text), "choose how the container gets its IPv4 address")
}

pub(super) fn ipv6_method(text: &str) -> Checked {
    ensure(
        ["none", "auto", "dhcp", "static"].contains(&text),
        "choose how the container gets its IPv6 address",
    )
}

pub(super) fn nameserver(text: &str) -> Checked {
    match split(text).find(|word| !is_nameserver(word)) {
        None => Ok(()),
        Some(word) => Err(problem(format_args!(
            "\"{word}\" is not an IP address: write the DNS servers' addresses, or leave it empty for the host's own"
        ))),
    }
}

pub(super) fn search_domain(text: &str) -> Checked {
    match split(text).find(|word| !is_hostname(word)) {
        None => Ok(()),
        Some(word) => Err(problem(format_args!(
            "\"{word}\" is not a domain: write some such as home.lan, or leave it empty for the host's own"
        ))),
    }
}

pub(crate) fn tags(text: &str) -> Checked {
    match split_tags(text).iter().find(|tag| !is_tag(tag)) {
        None => Ok(()),
        Some(tag) => Err(problem(format_args!(
            "\"{tag}\" is not a tag: use a-z, 0-9 and _ first, then also - + and ."
        ))),
    }
}

pub(super) fn ssh_public_keys(text: &str) -> Checked {
    super::keys::check(text).map_err(problem)
}
