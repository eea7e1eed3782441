//! Host keys, made once and kept.

use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use russh::keys::ssh_key::LineEnding;
use russh::keys::{Algorithm, HashAlg, PrivateKey};

/// The host's keys: ed25519 first, then ECDSA.
pub(super) fn host_keys(directory: &Path, name: &str) -> anyhow::Result<Vec<PrivateKey>> {
    let curve = russh::keys::EcdsaCurve::NistP256;
    let kinds = [("ed25519", Algorithm::Ed25519), ("ecdsa", Algorithm::Ecdsa { curve })];
    kinds
        .into_iter()
        .map(|(kind, algorithm)| load(&directory.join(format!("{name}_{kind}_key")), algorithm))
        .collect()
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

/// `SHA256:…`
pub(super) fn fingerprint(key: &PrivateKey) -> String {
    key.public_key().fingerprint(HashAlg::Sha256).to_string()
}
