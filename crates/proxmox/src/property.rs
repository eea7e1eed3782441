//! Proxmox's property strings, such as `name=eth0,bridge=vmbr0,ip=dhcp` or `local-ct:8,size=8G`.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use crate::{Error, Result};

/// A list of `key=value` pairs in order. A value without key belongs to the format's default key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PropertyString {
    properties: Vec<(Option<String>, String)>,
}

impl PropertyString {
    /// An empty list.
    pub const fn new() -> Self {
        Self { properties: Vec::new() }
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.properties.iter().find(|(name, _)| name.as_deref() == Some(key)).map(|(_, value)| value.as_str())
    }

    /// Whether a flag such as `nesting` is set: absent and `0` are false.
    pub fn flag(&self, key: &str) -> bool {
        matches!(self.get(key), Some("1" | "on" | "yes" | "true"))
    }

    /// The value that has no key, such as the volume of a `rootfs`.
    pub fn default_value(&self) -> Option<&str> {
        self.properties.iter().find(|(name, _)| name.is_none()).map(|(_, value)| value.as_str())
    }

    /// The same list with the default key's value set, in first place.
    pub fn with_default(mut self, value: impl fmt::Display) -> Result<Self> {
        let value = checked(value)?;
        self.properties.retain(|(name, _)| name.is_some());
        self.properties.insert(0, (None, value));
        Ok(self)
    }

    /// The same list with a key set; a key that is there keeps its place.
    ///
    /// A value with a comma would become two properties and is refused with [`Error::Invalid`].
    pub fn with(mut self, key: &str, value: impl fmt::Display) -> Result<Self> {
        let value = checked(value)?;
        match self.properties.iter_mut().find(|(name, _)| name.as_deref() == Some(key)) {
            Some(property) => property.1 = value,
            None => self.properties.push((Some(key.to_owned()), value)),
        }
        Ok(self)
    }

    /// Key and value of each property that has a key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.properties.iter().filter_map(|(name, value)| name.as_deref().map(|name| (name, value.as_str())))
    }

    /// Whether there is no property.
    pub fn is_empty(&self) -> bool {
        self.properties.is_empty()
    }
}

fn checked(value: impl fmt::Display) -> Result<String> {
    let value = value.to_string();
    if value.contains([',', '\n', '\r', '\0']) {
        return Err(Error::Invalid(format!(
            "{value:?} holds a comma or a line break, which Proxmox would read as another property"
        )));
    }
    Ok(value)
}

impl FromStr for PropertyString {
    type Err = Infallible;
    fn from_str(text: &str) -> std::result::Result<Self, Infallible> {
        let split = |part: &str| match part.split_once('=') {
            Some((key, value)) => (Some(key.trim().to_owned()), value.to_owned()),
            None => (None, part.to_owned()),
        };
        Ok(Self { properties: text.trim().split(',').filter(|part| !part.is_empty()).map(split).collect() })
    }
}

impl fmt::Display for PropertyString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, (name, value)) in self.properties.iter().enumerate() {
            if position > 0 {
                f.write_str(",")?;
            }
            match name {
                Some(name) => write!(f, "{name}={value}")?,
                None => f.write_str(value)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn recorded_values_read_and_write_back() {
        for text in [
            "name=eth0,bridge=vmbr0,gw=10.77.0.1,hwaddr=BC:24:11:CC:7C:37,ip=10.77.0.101/24,type=veth",
            "local-ct:101/vm-101-disk-0.raw,size=2G",
            "nesting=1",
            "",
        ] {
            assert_eq!(text.parse::<PropertyString>().unwrap().to_string(), text);
        }
        let rootfs: PropertyString = "local-ct:101/vm-101-disk-0.raw,size=2G".parse().unwrap();
        assert_eq!(
            (rootfs.default_value(), rootfs.get("size")),
            (Some("local-ct:101/vm-101-disk-0.raw"), Some("2G"))
        );
        let features: PropertyString = "keyctl=1,nesting=0".parse().unwrap();
        assert_eq!(
            (features.flag("keyctl"), features.flag("nesting"), features.flag("fuse")),
            (true, false, false)
        );
    }

    #[test]
    fn a_key_keeps_its_place_and_a_comma_is_refused() {
        let net = PropertyString::new()
            .with("name", "eth0")
            .unwrap()
            .with("ip", "dhcp")
            .unwrap()
            .with("name", "eth1")
            .unwrap();
        assert_eq!(net.to_string(), "name=eth1,ip=dhcp");
        assert!(matches!(net.with("bridge", "vmbr0,firewall=0"), Err(Error::Invalid(_))));
    }

    proptest! {
        #[test]
        fn what_is_built_reads_back(pairs in prop::collection::btree_map("[a-z][a-z0-9_-]{0,8}", "[^,\\s\\x00]{1,12}", 1..6)) {
            let mut built = PropertyString::new();
            for (key, value) in &pairs {
                built = built.with(key, value).unwrap();
            }
            let read: PropertyString = built.to_string().parse().unwrap();
            prop_assert_eq!(read, built);
        }
    }
}
