//! Certificates of the simulated hosts: made once, kept beside the state, exchanged on demand.

use std::path::Path;
use std::sync::Arc;

use rcgen::{CertificateParams, DnType, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};

/// A certificate ready to be shown.
#[derive(Debug, Clone)]
pub struct Identity {
    /// For rustls, offering `http/1.1` only as Proxmox does.
    pub config: Arc<ServerConfig>,
    /// SHA-256 of the certificate, `AB:CD:…`.
    pub fingerprint: String,
}

/// The identity kept as `NAME.pem` in `directory`, made when it is not there yet.
///
/// # Errors
/// When it can be neither read nor made.
pub fn identity(directory: &Path, name: &str, node: &str) -> anyhow::Result<Identity> {
    let path = directory.join(format!("{name}.pem"));
    if !path.exists() {
        std::fs::create_dir_all(directory)?;
        std::fs::write(&path, generate(node)?)?;
    }
    let pem = std::fs::read(&path)?;
    let certificate = CertificateDer::from_pem_slice(&pem)?;
    let key = PrivateKeyDer::from_pem_slice(&pem)?;
    let fingerprint = fingerprint(&certificate);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = builder.with_no_client_auth().with_single_cert(vec![certificate], key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Identity { config: Arc::new(config), fingerprint })
}

fn generate(node: &str) -> anyhow::Result<String> {
    let names =
        vec![node.to_owned(), format!("{node}.home.arpa"), "localhost".to_owned(), "127.0.0.1".to_owned()];
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::OrganizationName, "Proxmox Virtual Environment");
    params.distinguished_name.push(DnType::CommonName, format!("{node}.home.arpa"));
    params.not_before = rcgen::date_time_ymd(2025, 1, 1);
    params.not_after = rcgen::date_time_ymd(2035, 1, 1);
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok(format!("{}{}", certificate.pem(), key.serialize_pem()))
}

fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let pairs =
        Sha256::digest(certificate.as_ref()).iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>();
    pairs.join(":")
}
