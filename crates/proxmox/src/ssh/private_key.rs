//! Private keys as people paste them.

use russh::keys::{PrivateKey, PublicKey};
use secrecy::{ExposeSecret as _, SecretString};

use crate::error::KeyProblem;

/// Checks that a private key can be read with its passphrase, before any host is asked. Nothing is kept of it.
pub fn check_private_key(pem: &SecretString, passphrase: Option<&SecretString>) -> Result<(), KeyProblem> {
    read(pem, passphrase).map(|_| ())
}

pub(super) fn read(pem: &SecretString, passphrase: Option<&SecretString>) -> Result<PrivateKey, KeyProblem> {
    let text = pem.expose_secret().trim();
    if is_public(text) {
        return Err(KeyProblem::Public);
    }
    let passphrase =
        passphrase.map(secrecy::ExposeSecret::expose_secret).filter(|passphrase| !passphrase.is_empty());
    // Line ends of a paste from Windows would not match the BEGIN line.
    let text: zeroize::Zeroizing<String> = zeroize::Zeroizing::new(text.replace('\r', ""));
    let key = russh::keys::decode_secret_key(&text, passphrase)
        .map_err(|_| problem(&text, passphrase.is_some()))?;
    if key.is_encrypted() { Err(problem(&text, passphrase.is_some())) } else { Ok(key) }
}

fn is_public(text: &str) -> bool {
    text.contains("BEGIN PUBLIC KEY")
        || text.contains("BEGIN RSA PUBLIC KEY")
        || text.contains("BEGIN SSH2 PUBLIC KEY")
        || PublicKey::from_openssh(text).is_ok()
}

fn problem(text: &str, has_passphrase: bool) -> KeyProblem {
    match (is_encrypted(text), has_passphrase) {
        (true, true) => KeyProblem::PassphraseWrong,
        (true, false) => KeyProblem::PassphraseMissing,
        (false, _) => KeyProblem::Unreadable,
    }
}

/// Whether a key that could not be read is one that a passphrase protects.
fn is_encrypted(text: &str) -> bool {
    let marked = text.contains("BEGIN ENCRYPTED PRIVATE KEY")
        || text.contains("Proc-Type: 4,ENCRYPTED")
        || text.lines().any(|line| line.starts_with("Encryption: ") && line != "Encryption: none");
    marked || PrivateKey::from_openssh(text).is_ok_and(|key| key.is_encrypted())
}
