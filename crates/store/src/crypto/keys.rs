//! Encryption keys as people write them.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use berth_domain::Secret;
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// Tells a handful of keys apart: the first four bytes of a key's SHA-256, no help in guessing it.
///
/// Written as eight hexadecimal digits. It stands in each envelope, in messages and in the operator's commands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub(super) [u8; 4]);

/// The text is not eight hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a key's id is eight hexadecimal digits, as `berth check` shows it")]
pub struct InvalidKeyId;

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for KeyId {
    type Err = InvalidKeyId;
    fn from_str(text: &str) -> Result<Self, InvalidKeyId> {
        let mut id = [0; 4];
        hex::decode_to_slice(text.trim(), &mut id).map_err(|_| InvalidKeyId)?;
        Ok(Self(id))
    }
}

/// A key of 32 bytes, wiped on drop.
#[derive(Clone)]
pub struct Key(Zeroizing<[u8; 32]>);

/// Why a text is no key; says how to make one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "an encryption key is 32 random bytes in base64 or hexadecimal; make one with: openssl rand -base64 32"
)]
pub struct InvalidKey;

impl Key {
    /// From its bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// From 64 hexadecimal digits or base64; white space around it is ignored.
    pub fn parse(text: &Secret) -> Result<Self, InvalidKey> {
        let text = text.expose_secret().trim();
        let bytes = Zeroizing::new(if text.len() == 64 {
            hex::decode(text).map_err(|_| InvalidKey)?
        } else {
            STANDARD.decode(text).map_err(|_| InvalidKey)?
        });
        let bytes = <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| InvalidKey)?;
        Ok(Self::new(bytes))
    }

    /// A new random key, in the base64 that [`Key::parse`] reads.
    pub fn generate() -> Secret {
        use aes_gcm::aead::Generate as _;
        let bytes = Zeroizing::new(<[u8; 32]>::generate());
        Secret::from(STANDARD.encode(*bytes))
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// What tells it from other keys.
    pub fn id(&self) -> KeyId {
        let digest = Sha256::digest(self.0.as_slice());
        KeyId([digest[0], digest[1], digest[2], digest[3]])
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.id())
    }
}
