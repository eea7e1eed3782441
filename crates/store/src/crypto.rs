//! Encryption of stored secrets: AES-256-GCM in an envelope that says which key sealed it.
//!
//! An envelope is: version (1 byte), key id (4), nonce (12), ciphertext and tag. Version, key id, table,
//! column and row are associated data: an envelope that was moved to another row or column does not open.

mod keys;

use std::fmt;

use aes_gcm::aead::{Aead as _, Generate as _, Payload};
use aes_gcm::{Aes256Gcm, KeyInit as _, Nonce};
use berth_domain::Secret;
use secrecy::ExposeSecret as _;
use uuid::Uuid;
use zeroize::Zeroizing;

pub use keys::{InvalidKey, InvalidKeyId, Key, KeyId};

use crate::error::{Error, Result};

const VERSION: u8 = 1;
const KEY_ID: usize = 4;
/// Version and key id.
pub(crate) const HEADER: usize = 1 + KEY_ID;
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

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{} of {}", self.table, self.column, self.row)
    }
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
    keys: Vec<(KeyId, Aes256Gcm)>,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ids()).finish()
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
        let mut envelope = header(*id).to_vec();
        let aad = context.associated_data(&envelope);
        let payload = Payload { msg: secret.expose_secret().as_bytes(), aad: &aad };
        let sealed = cipher.encrypt(&nonce, payload).expect("AES-GCM takes texts up to 64 GiB");
        envelope.extend_from_slice(&nonce);
        envelope.extend_from_slice(&sealed);
        envelope
    }

    /// The secret in an envelope that was sealed for that place. [`Error::Corrupt`] when it is damaged, was
    /// moved, or its key is missing; it names the column and the key.
    pub fn open(&self, envelope: &[u8], context: Context) -> Result<Secret> {
        // Without the row: an id may be a secret too, as that of a login which waits for its second factor.
        let refused = |why: &str| Error::Corrupt(format!("{}.{}: {why}", context.table, context.column));
        let (header, rest) = envelope
            .split_at_checked(HEADER)
            .filter(|(_, rest)| rest.len() >= NONCE + TAG)
            .ok_or_else(|| refused("the envelope is cut off"))?;
        let id = sealed_by(envelope).ok_or_else(|| refused("the envelope is of an unknown version"))?;
        let cipher = self.keys.iter().find_map(|(known, cipher)| (*known == id).then_some(cipher));
        let cipher =
            cipher.ok_or_else(|| refused(&format!("sealed with the key {id}, which is not given")))?;
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

    /// The key that seals.
    pub fn current(&self) -> KeyId {
        self.keys.first().expect("a keyring has its current key").0
    }

    /// Every key that opens, the one that seals first.
    pub fn ids(&self) -> impl Iterator<Item = KeyId> {
        self.keys.iter().map(|(id, _)| *id)
    }

    /// Whether the envelope was sealed with the current key; if not, rotation has to seal it anew.
    pub fn is_current(&self, envelope: &[u8]) -> bool {
        envelope.starts_with(&header(self.current()))
    }
}

/// How an envelope begins.
pub(crate) fn header(id: KeyId) -> [u8; HEADER] {
    let [a, b, c, d] = id.0;
    [VERSION, a, b, c, d]
}

/// The key that sealed the envelope beginning so; none for an unknown version or one cut off within its header.
pub(crate) fn sealed_by(envelope: &[u8]) -> Option<KeyId> {
    let (version, rest) = envelope.split_first()?;
    let id = rest.first_chunk::<KEY_ID>()?;
    (*version == VERSION).then_some(KeyId(*id))
}

#[cfg(test)]
mod tests;
