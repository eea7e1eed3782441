//! Containers as their host lists them, whoever made them.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::Vmid;

/// A container in the list of a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Guest {
    /// Its number.
    pub vmid: Vmid,
    /// Its host name, as far as Proxmox tells.
    pub name: Option<String>,
    /// The PVE node it lives on.
    pub pve_node: String,
    /// Whether it runs; none where its node does not know.
    pub running: Option<bool>,
    /// What holds it, such as `backup`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<String>,
    /// Its tags.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Whether it is one that others are cloned from.
    #[serde(default)]
    pub is_clone_source: bool,
    /// What it uses.
    pub usage: Usage,
}

/// What a container uses, as far as its node said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// The share of its processors in use, 0 to 1.
    pub cpu: Option<f64>,
    /// Its number of processors.
    pub cpus: Option<f64>,
    /// Memory in use and in all, in bytes.
    pub memory: Option<(u64, u64)>,
    /// Disk in use and in all, in bytes.
    pub disk: Option<(u64, u64)>,
    /// Seconds since its start, when it was seen.
    pub uptime: Option<u64>,
}

/// What is known of a node's containers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sighting {
    /// The list that it last gave, and when.
    pub seen: Option<Seen>,
    /// Why it gives none now, and since when.
    pub trouble: Option<Trouble>,
}

/// A list that a node gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// When.
    pub at: OffsetDateTime,
    /// The containers of its cluster that the node's token may see, by number.
    pub guests: Vec<Guest>,
}

/// Why a node gives no list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// Since when.
    pub since: OffsetDateTime,
    /// What happened and what to do.
    pub message: String,
}

impl Sighting {
    /// The list, if the node has ever given one.
    pub fn guests(&self) -> &[Guest] {
        self.seen.as_ref().map_or(&[], |seen| &seen.guests)
    }

    /// One of them.
    pub fn guest(&self, vmid: Vmid) -> Option<&Guest> {
        let guests = self.guests();
        guests.binary_search_by_key(&vmid, |guest| guest.vmid).ok().map(|found| &guests[found])
    }

    /// What is known once the node has given a list.
    pub fn seen(at: OffsetDateTime, mut guests: Vec<Guest>) -> Self {
        guests.sort_by_key(|guest| guest.vmid);
        Self { seen: Some(Seen { at, guests }), trouble: None }
    }

    /// What is known once the node has given none: the last list stays.
    #[must_use]
    pub fn failed(self, at: OffsetDateTime, message: String) -> Self {
        let since = self.trouble.map_or(at, |trouble| trouble.since);
        Self { seen: self.seen, trouble: Some(Trouble { since, message }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guest(vmid: u32) -> Guest {
        Guest {
            vmid: Vmid::new(vmid).unwrap(),
            name: None,
            pve_node: "pve".into(),
            running: Some(true),
            lock: None,
            tags: Vec::new(),
            is_clone_source: false,
            usage: Usage::default(),
        }
    }

    #[test]
    fn a_node_in_trouble_keeps_its_last_list_and_the_time_its_trouble_began() {
        let at = |seconds| OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(seconds);
        let sighting = Sighting::seen(at(1), vec![guest(103), guest(101)]);
        assert!(sighting.guest(Vmid::new(101).unwrap()).is_some());
        assert!(sighting.guest(Vmid::new(102).unwrap()).is_none());
        let sighting = sighting.failed(at(2), "dead".into()).failed(at(9), "still dead".into());
        assert_eq!(sighting.guests().len(), 2);
        assert_eq!(sighting.trouble, Some(Trouble { since: at(2), message: "still dead".into() }));
        assert_eq!(Sighting::seen(at(10), Vec::new()).trouble, None);
    }
}
