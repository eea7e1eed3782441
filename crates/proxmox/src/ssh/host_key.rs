//! The server's own key.

use std::fmt;
use std::str::FromStr;

use russh::keys::{Algorithm, HashAlg, PublicKey};
use serde::{Deserialize, Serialize};

/// A server's key as it is shown, compared and stored: its kind and its SHA-256 fingerprint.
///
/// Written as `ssh-ed25519 SHA256:…`; also read from a bare `SHA256:…` and from an OpenSSH public key.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostKey {
    algorithm: Option<String>,
    fingerprint: String,
}

/// The text is neither a fingerprint nor a public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is neither a fingerprint (SHA256:…) nor an OpenSSH public key")]
pub struct InvalidHostKey;

impl HostKey {
    /// The kind, such as `ssh-ed25519`; unknown if only a fingerprint was given.
    pub fn algorithm(&self) -> Option<&str> {
        self.algorithm.as_deref()
    }

    /// The fingerprint, `SHA256:…`, as `ssh-keygen -l` shows it.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    pub(super) fn of(key: &PublicKey) -> Self {
        Self {
            algorithm: Some(family(&key.algorithm()).to_owned()),
            fingerprint: key.fingerprint(HashAlg::Sha256).to_string(),
        }
    }

    /// The algorithms to offer, this key's kind first: a server with several keys then shows the pinned one.
    pub(super) fn prefer(&self, algorithms: &[Algorithm]) -> Vec<Algorithm> {
        let pinned = |algorithm: &&Algorithm| self.algorithm.as_deref() == Some(family(algorithm));
        let (first, rest): (Vec<_>, Vec<_>) = algorithms.iter().partition(pinned);
        first.into_iter().chain(rest).cloned().collect()
    }
}

/// One name for a key's kind, whichever hash signs with it.
fn family(algorithm: &Algorithm) -> &str {
    if matches!(algorithm, Algorithm::Rsa { .. }) { "ssh-rsa" } else { algorithm.as_str() }
}

impl PartialEq for HostKey {
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
    }
}

impl Eq for HostKey {}

impl FromStr for HostKey {
    type Err = InvalidHostKey;
    fn from_str(text: &str) -> Result<Self, InvalidHostKey> {
        let text = text.trim();
        let (algorithm, fingerprint) =
            text.rsplit_once(' ').map_or((None, text), |(kind, rest)| (Some(kind.trim()), rest));
        // As RFC 4251, section 6, has names of algorithms.
        let one_word = algorithm.is_none_or(|kind| kind.bytes().all(|byte| byte.is_ascii_graphic()));
        if fingerprint.starts_with("SHA256:") && one_word {
            let parsed: russh::keys::ssh_key::Fingerprint =
                fingerprint.parse().map_err(|_| InvalidHostKey)?;
            return Ok(Self { algorithm: algorithm.map(str::to_owned), fingerprint: parsed.to_string() });
        }
        PublicKey::from_openssh(text).map(|key| Self::of(&key)).map_err(|_| InvalidHostKey)
    }
}

impl fmt::Display for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.algorithm {
            Some(algorithm) => write!(f, "{algorithm} {}", self.fingerprint),
            None => f.write_str(&self.fingerprint),
        }
    }
}

impl TryFrom<String> for HostKey {
    type Error = InvalidHostKey;
    fn try_from(text: String) -> Result<Self, InvalidHostKey> {
        text.parse()
    }
}

impl From<HostKey> for String {
    fn from(key: HostKey) -> Self {
        key.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLIC: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ host";

    #[test]
    fn a_public_key_and_its_fingerprint_are_the_same_key() {
        let from_key: HostKey = PUBLIC.parse().unwrap();
        assert_eq!(from_key.algorithm(), Some("ssh-ed25519"));
        let stored: HostKey = from_key.to_string().parse().unwrap();
        let bare: HostKey = from_key.fingerprint().parse().unwrap();
        assert_eq!((&stored, stored.algorithm()), (&from_key, Some("ssh-ed25519")));
        assert_eq!((&bare, bare.algorithm()), (&from_key, None));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "SHA256:", "SHA256:short", "ssh-ed25519 AAAA", "MD5:aa:bb", "a b SHA256:x"] {
            assert_eq!(text.parse::<HostKey>(), Err(InvalidHostKey), "{text:?}");
        }
    }

    #[test]
    fn the_kind_is_plain_text() {
        let fingerprint = PUBLIC.parse::<HostKey>().unwrap().fingerprint().to_owned();
        assert!(format!("ssh-ed25519 {fingerprint}").parse::<HostKey>().is_ok());
        for kind in ["ｓsh-rsa", "ssh\u{7}", "\u{202e}asr-hss", "ssh rsa"] {
            assert_eq!(format!("{kind} {fingerprint}").parse::<HostKey>(), Err(InvalidHostKey), "{kind:?}");
        }
    }

    #[test]
    fn the_pinned_kind_is_offered_first() {
        let pinned: HostKey =
            format!("ssh-rsa {}", PUBLIC.parse::<HostKey>().unwrap().fingerprint()).parse().unwrap();
        let offered = pinned.prefer(&russh::Preferred::DEFAULT.key);
        assert_eq!(family(&offered[0]), "ssh-rsa");
        assert_eq!(offered.len(), russh::Preferred::DEFAULT.key.len());
    }
}
