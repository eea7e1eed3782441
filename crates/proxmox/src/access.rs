//! What the API tells about itself and about permissions (`/version`, `/access/permissions`).

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::client::{Client, parameter};
use crate::{Result, loose};

/// The version of Proxmox VE, from `GET /version`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Version {
    /// The full version, such as `9.2.11`.
    pub version: String,
    /// Major and minor, such as `9.2`.
    pub release: String,
    /// The commit it was built from.
    #[serde(default, deserialize_with = "loose::opt")]
    pub repoid: Option<String>,
}

/// What the credentials in use may do, from `GET /access/permissions`: paths, each with its privileges.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Permissions(BTreeMap<String, BTreeMap<String, Propagates>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
struct Propagates(#[serde(deserialize_with = "loose::flag")] bool);

impl Permissions {
    /// Whether a privilege such as `VM.Audit` is held on a path such as `/vms/101`.
    ///
    /// A path that Proxmox does not list takes what its nearest listed parent hands down.
    pub fn has(&self, path: &str, privilege: &str) -> bool {
        if let Some(privileges) = self.0.get(path) {
            return privileges.contains_key(privilege);
        }
        let parents = std::iter::successors(parent(path), |path| parent(path));
        let nearest = parents.into_iter().find_map(|path| self.0.get(path));
        nearest.and_then(|privileges| privileges.get(privilege)).is_some_and(|propagates| propagates.0)
    }

    /// Those of the given privileges that are not held on the path, in order.
    pub fn missing<'a>(&self, path: &str, privileges: &[&'a str]) -> Vec<&'a str> {
        privileges.iter().copied().filter(|privilege| !self.has(path, privilege)).collect()
    }

    /// Every privilege that is held on any path.
    pub fn anywhere(&self) -> BTreeSet<&str> {
        self.0.values().flat_map(BTreeMap::keys).map(String::as_str).collect()
    }

    /// Whether nothing at all is permitted: what a new token with privilege separation has.
    pub fn is_empty(&self) -> bool {
        self.0.values().all(BTreeMap::is_empty)
    }
}

fn parent(path: &str) -> Option<&str> {
    match path.rsplit_once('/') {
        Some(("", "")) | None => None,
        Some(("", _)) => Some("/"),
        Some((parent, _)) => Some(parent),
    }
}

impl Client {
    /// The host's version: `GET /version`. Needs valid credentials and no privilege.
    pub async fn version(&self) -> Result<Version> {
        self.get(&["version"], Vec::new()).await
    }

    /// What these credentials may do: `GET /access/permissions`, on one path or on all that Proxmox lists.
    pub async fn permissions(&self, path: Option<&str>) -> Result<Permissions> {
        self.get(&["access", "permissions"], path.map(|path| parameter("path", path)).into_iter().collect())
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn privileges_are_handed_down_only_when_they_propagate() {
        let permissions: Permissions =
            serde_json::from_str(r#"{"/":{"Sys.Audit":1,"VM.Audit":"0"},"/vms/101":{"VM.PowerMgmt":1}}"#)
                .unwrap();
        assert!(permissions.has("/nodes/pve", "Sys.Audit"));
        assert!(!permissions.has("/vms/102", "VM.Audit"));
        assert!(permissions.has("/", "VM.Audit"));
        assert!(!permissions.has("/vms/101", "Sys.Audit"));
        assert_eq!(permissions.missing("/vms/101", &["VM.PowerMgmt", "VM.Allocate"]), ["VM.Allocate"]);
    }
}
