//! Certificates of the simulated hosts: an authority per cluster, or per host that stands alone, and what it signed. All
//! are made once and kept beside the state.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};

/// The file of an authority's certificate, as on a Proxmox host.
pub const ROOT: &str = "pve-root-ca.pem";

/// A certificate without its key.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// As it is sent.
    pub der: CertificateDer<'static>,
    /// The same as text.
    pub pem: String,
    /// SHA-256, `AB:CD:…`.
    pub fingerprint: String,
}

impl Certificate {
    fn read(pem: &str) -> anyhow::Result<Self> {
        let der = CertificateDer::from_pem_slice(pem.as_bytes())?;
        let pairs = Sha256::digest(der.as_ref()).iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>();
        // The key may follow in the same file.
        let end = pem.find("-----END CERTIFICATE-----").context("no end of the certificate")?;
        let pem = format!("{}-----END CERTIFICATE-----\n", &pem[..end]);
        Ok(Self { der, pem, fingerprint: pairs.join(":") })
    }
}

/// A certificate ready to be shown.
#[derive(Debug, Clone)]
pub struct Identity {
    /// For rustls, offering `http/1.1` only as Proxmox does.
    pub config: Arc<ServerConfig>,
    /// What it shows.
    pub certificate: Certificate,
}

/// What a host tells of its certificates.
#[derive(Debug, Clone)]
pub struct Certificates {
    /// `pve-root-ca.pem`.
    pub root: Certificate,
    /// `pve-ssl.pem`.
    pub own: Certificate,
    /// `pve-ssl.pem` while it is "changed".
    pub changed: Certificate,
}

/// Signs the certificates of a cluster.
#[derive(Debug)]
pub struct Authority {
    /// `pve-root-ca.pem`.
    pub certificate: Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// The authority kept in `directory`, made when it is not there yet.
    ///
    /// # Errors
    /// When it can be neither read nor made.
    pub fn open(directory: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(directory)?;
        let (file, key_file) = (directory.join(ROOT), directory.join("pve-root-ca.key"));
        if !key_file.exists() {
            let key = KeyPair::generate()?;
            std::fs::write(&file, authority_params(&key)?.self_signed(&key)?.pem())?;
            std::fs::write(&key_file, key.serialize_pem())?;
        }
        let key = KeyPair::from_pem(&std::fs::read_to_string(key_file)?)?;
        let certificate = Certificate::read(&std::fs::read_to_string(file)?)?;
        Ok(Self { certificate, issuer: Issuer::new(authority_params(&key)?, key) })
    }

    /// The identity kept as `NAME.pem` in `directory`, made for a node when it is not there yet.
    ///
    /// # Errors
    /// When it can be neither read nor made.
    pub fn identity(&self, directory: &Path, name: &str, node: &str, ip: &str) -> anyhow::Result<Identity> {
        let path = directory.join(format!("{name}.pem"));
        if !path.exists() {
            std::fs::create_dir_all(directory)?;
            std::fs::write(&path, self.issue(node, ip)?)?;
        }
        let pem = std::fs::read_to_string(&path)?;
        let certificate = Certificate::read(&pem)?;
        let key = PrivateKeyDer::from_pem_slice(pem.as_bytes())?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        // As Proxmox: the certificate alone, without that of its authority.
        let chain = vec![certificate.der.clone()];
        let mut config = builder.with_no_client_auth().with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Identity { config: Arc::new(config), certificate })
    }

    fn issue(&self, node: &str, ip: &str) -> anyhow::Result<String> {
        let mut names = vec!["127.0.0.1".to_owned(), "::1".to_owned(), "localhost".to_owned()];
        names.extend([node.to_owned(), format!("{node}.home.arpa")]);
        if !names.iter().any(|name| name == ip) {
            names.push(ip.to_owned());
        }
        let mut params = valid(CertificateParams::new(names)?);
        params.distinguished_name.push(DnType::OrganizationalUnitName, "PVE Cluster Node");
        params.distinguished_name.push(DnType::OrganizationName, "Proxmox Virtual Environment");
        params.distinguished_name.push(DnType::CommonName, format!("{node}.home.arpa"));
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(format!("{}{}", certificate.pem(), key.serialize_pem()))
    }
}

/// The same for the same key, so that they need not be read back from the certificate.
fn authority_params(key: &KeyPair) -> anyhow::Result<CertificateParams> {
    let mut params = valid(CertificateParams::new(Vec::new())?);
    let unique = &Sha256::digest(key.public_key_pem())[..16];
    let unique = uuid::Uuid::from_slice(unique)?;
    params.distinguished_name.push(DnType::CommonName, "Proxmox Virtual Environment");
    params.distinguished_name.push(DnType::OrganizationalUnitName, unique.to_string());
    params.distinguished_name.push(DnType::OrganizationName, "PVE Cluster Manager CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn valid(mut params: CertificateParams) -> CertificateParams {
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.not_before = rcgen::date_time_ymd(2025, 1, 1);
    params.not_after = rcgen::date_time_ymd(2035, 1, 1);
    params
}
