//! The keys that stored secrets are sealed with.

use berth_store::Keyring;
use berth_store::crypto::Key;
use secrecy::{ExposeSecret as _, SecretString};

use super::Variables;

/// The key that seals.
pub(crate) const CURRENT: &str = "BERTH_ENCRYPTION_KEY";
/// Keys that only open.
pub(crate) const OLD: &str = "BERTH_OLD_ENCRYPTION_KEYS";

/// One key that seals, and any number that still open.
#[derive(Debug)]
pub(crate) struct Keys {
    current: Key,
    old: Vec<Key>,
}

impl Keys {
    /// Reads them; the current one is required.
    pub(crate) fn read(variables: &mut Variables) -> Option<Self> {
        let current = variables.required_secret(CURRENT, "make one with  openssl rand -base64 32");
        let current = current.and_then(|key| checked(variables, &key));
        let old = variables.secrets(OLD).and_then(|keys| checked_list(variables, &keys));
        Some(Self { current: current?, old: old.unwrap_or_default() })
    }

    /// What seals and opens with them.
    pub(crate) fn keyring(&self) -> Keyring {
        Keyring::new(&self.current, &self.old)
    }
}

/// Whether `berth up` was given its keys; checks them.
pub(super) fn are_given(variables: &mut Variables) -> bool {
    let current = variables.secret(CURRENT).and_then(|key| checked(variables, &key));
    let old = variables.secrets(OLD).and_then(|keys| checked_list(variables, &keys)).unwrap_or_default();
    if current.is_none() && !old.is_empty() {
        variables.wrong(
            OLD,
            format!("is set without {CURRENT}: `berth up` keeps old keys of its own in its data directory"),
        );
    }
    current.is_some()
}

fn checked(variables: &mut Variables, key: &SecretString) -> Option<Key> {
    Key::parse(key).map_err(|remedy| variables.wrong(CURRENT, format!("is not a key: {remedy}"))).ok()
}

/// Keys separated by commas or white space. A wrong one is told by its position, since it may be nearly a key.
fn checked_list(variables: &mut Variables, list: &SecretString) -> Option<Vec<Key>> {
    let separates = |character: char| character == ',' || character.is_whitespace();
    let items = list.expose_secret().split(separates).filter(|item| !item.is_empty());
    let mut keys = Vec::new();
    for (position, item) in items.enumerate() {
        match Key::parse(&SecretString::from(item)) {
            Ok(key) => keys.push(key),
            Err(remedy) => {
                let number = position + 1;
                variables.wrong(OLD, format!("key number {number} of it is not a key: {remedy}"));
                return None;
            }
        }
    }
    Some(keys)
}
