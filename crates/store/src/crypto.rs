//! Encryption of stored secrets: AES-256-GCM in an envelope that says which key sealed it.
//!
//! An envelope is: version (1 byte), key id (4), nonce (12), ciphertext and tag. Version, key id, table,
//! column and row are associated data: an envelope that was moved to another row or column does not open.

mod keys;

use aes_gcm::aead::{Aead as _, Generate as _, Payload};
use aes_gcm::{Aes256Gcm, KeyInit as _, Nonce};
use berth_domain::Secret;
use secrecy::ExposeSecret as _;
use uuid::Uuid;
use zeroize::Zeroizing;

pub use keys::{InvalidKey, Key};

use crate::error::{Error, Result};

const VERSION: u8 = 1;
const KEY_ID: usize = 4;
const NONCE: usize = 12;
const TAG: usize = 16;

/// Where a secret is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// The table's name.
    pub table: &'static str,
    /// The column's name.
    pub column: &'static str,
    /// The row's id.
    pub row: Uuid,
}

impl Context {
    fn associated_data(&self, header: &[u8]) -> Vec<u8> {
        // The separator is in neither name, so that no two contexts look alike.
        [header, self.table.as_bytes(), b"\0", self.column.as_bytes(), b"\0", self.row.as_bytes()].concat()
    }
}

/// The key that seals, and older ones that still open.
#[derive(Clone)]
pub struct Keyring {
    keys: Vec<([u8; KEY_ID], Aes256Gcm)>,
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|(id, _)| hex::encode(id))).finish()
    }
}

impl Keyring {
    /// Seals with `current`; opens what any of them has sealed.
    pub fn new(current: &Key, old: &[Key]) -> Self {
        let keys = std::iter::once(current).chain(old);
        Self { keys: keys.map(|key| (key.id(), Aes256Gcm::new(&(*key.bytes()).into()))).collect() }
    }

    /// The envelope that holds `secret`, different each time.
    pub fn seal(&self, secret: &Secret, context: Context) -> Vec<u8> {
        let (id, cipher) = self.keys.first().expect("a keyring has its current key");
        let nonce = Nonce::generate();
        let mut envelope = vec![VERSION];
        envelope.extend_from_slice(id);
        let aad = context.associated_data(&envelope);
        let payload = Payload { msg: secret.expose_secret().as_bytes(), aad: &aad };
        let sealed = cipher.encrypt(&nonce, payload).expect("AES-GCM takes texts up to 64 GiB");
        envelope.extend_from_slice(&nonce);
        envelope.extend_from_slice(&sealed);
        envelope
    }

    /// The secret in an envelope that was sealed for that place. [`Error::Corrupt`] when it is damaged, was
    /// moved, or its key is missing.
    pub fn open(&self, envelope: &[u8], context: Context) -> Result<Secret> {
        let refused = |why: &str| Error::Corrupt(format!("{}.{}: {why}", context.table, context.column));
        let (header, rest) = envelope
            .split_at_checked(1 + KEY_ID)
            .filter(|(_, rest)| rest.len() >= NONCE + TAG)
            .ok_or_else(|| refused("the envelope is cut off"))?;
        if header.first() != Some(&VERSION) {
            return Err(refused("the envelope is of an unknown version"));
        }
        let cipher = self
            .keys
            .iter()
            .find_map(|(id, cipher)| header.ends_with(id).then_some(cipher))
            .ok_or_else(|| refused("it was sealed with another key; give that key as an old key"))?;
        let (nonce, sealed) = rest.split_at(NONCE);
        let nonce = <[u8; NONCE]>::try_from(nonce).expect("the length was just checked");
        let aad = context.associated_data(header);
        let bytes = cipher
            .decrypt(&nonce.into(), Payload { msg: sealed, aad: &aad })
            .map(Zeroizing::new)
            .map_err(|_| refused("the envelope is damaged or was moved here"))?;
        let text = std::str::from_utf8(&bytes).map_err(|_| refused("the secret is no text"))?;
        Ok(Secret::from(text))
    }

    /// Whether the envelope was sealed with the current key; if not, rotation has to seal it anew.
    pub fn is_current(&self, envelope: &[u8]) -> bool {
        let (id, _) = self.keys.first().expect("a keyring has its current key");
        envelope.get(1..=KEY_ID) == Some(id)
    }
}

#[cfg(test)]
mod tests;
