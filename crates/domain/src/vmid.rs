//! The number by which Proxmox knows a guest.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A guest's number within its cluster, 100 to 999999999 (Proxmox's own bounds, `pve-vmid` in its API schema).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Vmid(u32);

/// Why a number or text is no VMID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a VMID is a whole number from 100 to 999999999")]
pub struct InvalidVmid;

impl Vmid {
    /// The smallest VMID.
    pub const MIN: u32 = 100;
    /// The largest VMID.
    pub const MAX: u32 = 999_999_999;

    /// A VMID within Proxmox's bounds.
    pub const fn new(number: u32) -> Result<Self, InvalidVmid> {
        if number < Self::MIN || number > Self::MAX { Err(InvalidVmid) } else { Ok(Self(number)) }
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for Vmid {
    type Error = InvalidVmid;
    fn try_from(number: u32) -> Result<Self, InvalidVmid> {
        Self::new(number)
    }
}

impl From<Vmid> for u32 {
    fn from(vmid: Vmid) -> Self {
        vmid.0
    }
}

impl FromStr for Vmid {
    type Err = InvalidVmid;
    fn from_str(text: &str) -> Result<Self, InvalidVmid> {
        let text = text.trim();
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(InvalidVmid);
        }
        text.parse::<u32>().map_err(|_| InvalidVmid).and_then(Self::new)
    }
}

impl fmt::Display for Vmid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_proxmoxs_own() {
        for (text, valid) in [
            ("99", false),
            ("100", true),
            ("999999999", true),
            ("1000000000", false),
            ("-5", false),
            ("+100", false),
            (" 105 ", true),
            ("1e3", false),
            ("", false),
        ] {
            assert_eq!(text.parse::<Vmid>().is_ok(), valid, "{text:?}");
        }
    }
}
