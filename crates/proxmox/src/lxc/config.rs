//! A container's options, read and changed.

use std::collections::BTreeMap;

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;

use crate::PropertyString;
use crate::client::{Parameters, parameter};
use crate::loose::FromLoose;

/// A container's options, from `…/config`, each as Proxmox's text for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "BTreeMap<String, Value>")]
pub struct ContainerConfig {
    options: BTreeMap<String, String>,
}

impl From<BTreeMap<String, Value>> for ContainerConfig {
    fn from(options: BTreeMap<String, Value>) -> Self {
        let text = |(name, value): (String, Value)| String::from_loose(&value).map(|value| (name, value));
        Self { options: options.into_iter().filter_map(text).collect() }
    }
}

impl ContainerConfig {
    /// An option as Proxmox writes it.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.options.get(name).map(String::as_str)
    }

    /// Every option with its name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.options.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Its host name.
    pub fn hostname(&self) -> Option<&str> {
        self.get("hostname")
    }

    /// What identifies this state of the options, for [`ConfigChange::digest`].
    pub fn digest(&self) -> Option<&str> {
        self.get("digest")
    }

    /// What holds it; `create` while it is being created.
    pub fn lock(&self) -> Option<&str> {
        self.get("lock")
    }

    /// Its notes as they were written: Proxmox adds one line break.
    pub fn description(&self) -> Option<&str> {
        self.get("description").map(|text| text.strip_suffix('\n').unwrap_or(text))
    }

    /// Its tags, in Proxmox's order.
    pub fn tags(&self) -> Vec<&str> {
        self.get("tags")
            .map(|tags| tags.split([';', ',', ' ']).filter(|tag| !tag.is_empty()).collect())
            .unwrap_or_default()
    }

    /// Its cores; `None` for all of the node's.
    pub fn cores(&self) -> Option<u32> {
        self.number("cores")
    }

    /// Its memory, in MiB.
    pub fn memory_mib(&self) -> Option<u64> {
        self.number("memory")
    }

    /// Its swap, in MiB.
    pub fn swap_mib(&self) -> Option<u64> {
        self.number("swap")
    }

    /// Whether its root is nobody on the host.
    pub fn unprivileged(&self) -> bool {
        self.get("unprivileged") == Some("1")
    }

    /// Whether it starts with the node.
    pub fn onboot(&self) -> bool {
        self.get("onboot") == Some("1")
    }

    /// Its feature flags, such as `nesting=1`.
    pub fn features(&self) -> PropertyString {
        self.properties("features").unwrap_or_default()
    }

    /// Its root disk: a volume and its size.
    pub fn rootfs(&self) -> Option<PropertyString> {
        self.properties("rootfs")
    }

    /// Its network interfaces by their number: `net0` is 0.
    pub fn nets(&self) -> BTreeMap<u32, PropertyString> {
        let net = |(name, value): (&String, &String)| {
            let number = name.strip_prefix("net")?.parse().ok()?;
            Some((number, value.parse().unwrap_or_default()))
        };
        self.options.iter().filter_map(net).collect()
    }

    fn properties(&self, name: &str) -> Option<PropertyString> {
        self.get(name).and_then(|text| text.parse().ok())
    }

    fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.get(name).and_then(|text| text.parse().ok())
    }
}

/// A change of a container's options.
#[derive(Clone, Debug, Default)]
pub struct ConfigChange {
    /// Options to set, with Proxmox's text for them.
    pub set: Vec<(String, String)>,
    /// Options to take back to their default.
    pub delete: Vec<String>,
    /// Change nothing unless the options are still those of this digest.
    pub digest: Option<String>,
}

impl ConfigChange {
    /// A change that does nothing yet. Proxmox refuses an empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets one option more.
    #[must_use]
    pub fn set(mut self, name: impl Into<String>, value: impl std::fmt::Display) -> Self {
        self.set.push((name.into(), value.to_string()));
        self
    }

    /// Takes one option more back to its default.
    #[must_use]
    pub fn delete(mut self, name: impl Into<String>) -> Self {
        self.delete.push(name.into());
        self
    }

    pub(super) fn parameters(&self) -> Parameters {
        let mut form: Parameters =
            self.set.iter().map(|(name, value)| (name.clone(), SecretString::from(value.as_str()))).collect();
        if !self.delete.is_empty() {
            form.push(parameter("delete", self.delete.join(",")));
        }
        form.extend(self.digest.iter().map(|digest| parameter("digest", digest)));
        form
    }
}
