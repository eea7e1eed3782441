//! Host keys, made once and kept.

use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Command;

use anyhow::Context;
use clap::ValueEnum;
use russh::keys::ssh_key::LineEnding;
use russh::keys::{Algorithm, EcdsaCurve, HashAlg, PrivateKey};

/// A kind of host key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum HostKeyKind {
    /// Ed25519.
    Ed25519,
    /// ECDSA on the curve P-256.
    Ecdsa,
    /// RSA with 3072 bits.
    Rsa,
}

/// The host's keys in the order of `kinds`.
pub(super) fn host_keys(
    directory: &Path,
    name: &str,
    kinds: &[HostKeyKind],
) -> anyhow::Result<Vec<PrivateKey>> {
    let path = |kind: &str| directory.join(format!("{name}_{kind}_key"));
    let key = |kind: &HostKeyKind| match kind {
        HostKeyKind::Ed25519 => load(&path("ed25519"), Algorithm::Ed25519),
        HostKeyKind::Ecdsa => load(&path("ecdsa"), Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 }),
        HostKeyKind::Rsa => load_rsa(&path("rsa")),
    };
    kinds.iter().map(key).collect()
}

fn load(path: &Path, algorithm: Algorithm) -> anyhow::Result<PrivateKey> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(PrivateKey::from_openssh(text)?),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = PrivateKey::random(&mut russh::keys::key::safe_rng(), algorithm)?;
            let text = key.to_openssh(LineEnding::LF)?;
            let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
            io::Write::write_all(&mut file, text.as_bytes())?;
            Ok(key)
        }
        Err(error) => Err(error.into()),
    }
}

/// By `ssh-keygen`: looking for primes takes minutes in a build for debugging.
fn load_rsa(path: &Path) -> anyhow::Result<PrivateKey> {
    if !path.exists() {
        let mut keygen = Command::new("ssh-keygen");
        keygen.args(["-q", "-t", "rsa", "-b", "3072", "-N", "", "-f"]).arg(path);
        let made =
            keygen.status().context("an RSA host key needs ssh-keygen (apt-get install openssh-client)")?;
        anyhow::ensure!(made.success(), "ssh-keygen made no RSA host key");
    }
    Ok(PrivateKey::from_openssh(std::fs::read_to_string(path)?)?)
}

/// `SHA256:…`
pub(super) fn fingerprint(key: &PrivateKey) -> String {
    key.public_key().fingerprint(HashAlg::Sha256).to_string()
}
