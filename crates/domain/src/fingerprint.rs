//! SHA-256 fingerprints of TLS certificates.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// SHA-256 of a certificate's DER form. Shown as Proxmox shows it: upper-case pairs with colons.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fingerprint([u8; 32]);

/// Why a text is no fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a SHA-256 fingerprint is 32 pairs of hexadecimal digits, with or without colons")]
pub struct InvalidFingerprint;

impl Fingerprint {
    /// From the digest's 32 bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The digest's bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for Fingerprint {
    type Err = InvalidFingerprint;
    fn from_str(text: &str) -> Result<Self, InvalidFingerprint> {
        let text = text.trim().as_bytes();
        // Colons between all pairs or none: two fingerprints are often compared by eye.
        let width = if text.contains(&b':') { 3 } else { 2 };
        if text.len() != 32 * width - (width - 2) {
            return Err(InvalidFingerprint);
        }
        let mut bytes = [0; 32];
        for (byte, group) in bytes.iter_mut().zip(text.chunks(width)) {
            *byte = pair(group).ok_or(InvalidFingerprint)?;
        }
        Ok(Self(bytes))
    }
}

/// Two digits, and the colon where one follows.
fn pair(group: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    match group {
        [high, low] | [high, low, b':'] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, byte) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str(":")?;
            }
            write!(f, "{byte:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for Fingerprint {
    type Error = InvalidFingerprint;
    fn try_from(text: String) -> Result<Self, InvalidFingerprint> {
        text.parse()
    }
}

impl From<Fingerprint> for String {
    fn from(fingerprint: Fingerprint) -> Self {
        fingerprint.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_shown_reads_back(bytes: [u8; 32]) {
            let fingerprint = Fingerprint::new(bytes);
            prop_assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
            prop_assert_eq!(fingerprint.to_string().replace(':', "").to_lowercase().parse(), Ok(fingerprint));
        }
    }

    #[test]
    fn anything_but_32_pairs_is_refused() {
        let plain = "0f".repeat(32);
        let colons = vec!["0F"; 32].join(":");
        assert_eq!(plain.parse::<Fingerprint>(), colons.parse::<Fingerprint>());
        for wrong in [
            String::new(),
            "AB:CD".into(),
            plain[1..].into(),
            format!("{plain}0f"),
            format!("{colons}:"),
            format!(":{colons}"),
            colons.replacen(':', "", 1),
            colons.replacen("0F:0F", "0:F0F", 1),
            colons.replacen("0F", "0G", 1),
            colons.replacen('0', "０", 1),
        ] {
            assert_eq!(wrong.parse::<Fingerprint>(), Err(InvalidFingerprint), "{wrong}");
        }
    }
}
