//! Private keys as people paste them.

mod cost;

use russh::keys::{PrivateKey, PublicKey};
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use crate::error::KeyProblem;

/// Bytes of a text that may be a key; those of RSA with 16384 bits have 13 000.
const LONGEST: usize = 32 << 10;

/// Checks that a private key can be read with its passphrase, before any host is asked. Nothing is kept of it.
pub fn check_private_key(pem: &SecretString, passphrase: Option<&SecretString>) -> Result<(), KeyProblem> {
    read(pem, passphrase).map(|_| ())
}

/// The public half of a private key as `authorized_keys` takes it.
pub fn public_key(pem: &SecretString, passphrase: Option<&SecretString>) -> Result<String, KeyProblem> {
    read(pem, passphrase)?.public_key().to_openssh().map_err(|_| KeyProblem::Unreadable)
}

pub(super) fn read(pem: &SecretString, passphrase: Option<&SecretString>) -> Result<PrivateKey, KeyProblem> {
    let text = pem.expose_secret().trim();
    if text.len() > LONGEST {
        return Err(KeyProblem::Unreadable);
    }
    if is_public(text) {
        return Err(KeyProblem::Public);
    }
    let text = tidied(text);
    let encrypted = is_encrypted(&text);
    // Where it is not encrypted, a passphrase opens nothing and does no harm.
    let passphrase = passphrase
        .map(secrecy::ExposeSecret::expose_secret)
        .filter(|passphrase| encrypted && !passphrase.is_empty());
    if encrypted && is_of_old(&text) {
        return Err(KeyProblem::Old);
    }
    if passphrase.is_some() && !cost::is_small(&text).ok_or(KeyProblem::Unreadable)? {
        return Err(KeyProblem::Costly);
    }
    match russh::keys::decode_secret_key(&text, passphrase) {
        Ok(key) if !key.is_encrypted() => Ok(key),
        _ => Err(match (encrypted, passphrase.is_some()) {
            (true, true) => KeyProblem::PassphraseWrong,
            (true, false) => KeyProblem::PassphraseMissing,
            (false, _) if is_puttys(&text) => KeyProblem::Putty,
            (false, _) => KeyProblem::Unreadable,
        }),
    }
}

/// As it stands in the file: a paste may come with Windows' line ends, and indented.
fn tidied(text: &str) -> Zeroizing<String> {
    if is_puttys(text) {
        return Zeroizing::new(text.replace('\r', ""));
    }
    Zeroizing::new(text.lines().flat_map(|line| [line.trim(), "\n"]).collect())
}

fn is_public(text: &str) -> bool {
    text.contains("BEGIN PUBLIC KEY")
        || text.contains("BEGIN RSA PUBLIC KEY")
        || text.contains("BEGIN SSH2 PUBLIC KEY")
        || PublicKey::from_openssh(text).is_ok()
}

fn is_puttys(text: &str) -> bool {
    text.starts_with("PuTTY-User-Key-File-")
}

fn is_encrypted(text: &str) -> bool {
    let marked = text.contains("BEGIN ENCRYPTED PRIVATE KEY")
        || text.contains(OF_OLD)
        || text.lines().any(|line| line.starts_with("Encryption: ") && line != "Encryption: none");
    marked || PrivateKey::from_openssh(text).is_ok_and(|key| key.is_encrypted())
}

/// How a key says that it is encrypted in the manner of old OpenSSL.
const OF_OLD: &str = "Proc-Type: 4,ENCRYPTED";

/// Whether it is encrypted in a way that only OpenSSL and OpenSSH still read: all but what was usual for RSA.
fn is_of_old(text: &str) -> bool {
    let usual = text.contains("BEGIN RSA PRIVATE KEY") && text.contains("DEK-Info: AES-128-CBC,");
    text.contains(OF_OLD) && !usual
}
