//! TLS towards a host: by the public roots, or by one pinned certificate.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use berth_domain::{Fingerprint, HostPort};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore, SignatureScheme,
};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use tokio::net::TcpStream;
use tokio::time::timeout;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::error::plain_cause;
use crate::{Error, Result};

/// How a host proves that it is itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// By a certificate that the public roots vouch for, made out to the host's name.
    PublicRoots,
    /// By exactly this certificate, whatever it says and whoever signed it.
    Pinned(Fingerprint),
}

/// A host's certificate, as shown to a person who is to trust it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateInfo {
    /// SHA-256 of its DER form, as `pvenode cert info` shows it.
    pub fingerprint: Fingerprint,
    /// Whom it was made out to.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// From when it is valid.
    pub not_before: OffsetDateTime,
    /// Until when it is valid.
    pub not_after: OffsetDateTime,
    /// The host names and addresses it is valid for.
    pub names: Vec<String>,
    /// Whether the public roots vouch for it under the name that was asked, today.
    pub publicly_trusted: bool,
}

/// The fingerprint of a certificate's DER form.
pub fn fingerprint(certificate: &[u8]) -> Fingerprint {
    Fingerprint::new(Sha256::digest(certificate).into())
}

/// Connects, takes the host's certificate, and hangs up: nothing else is sent to a host that nobody trusts yet.
///
/// The deadline covers the whole of it. A server without TLS is [`Error::NotProxmox`].
pub async fn probe_certificate(host: &HostPort, deadline: Duration) -> Result<CertificateInfo> {
    let named = Arc::new(host.clone());
    let unreachable = |cause: String| Error::Unreachable { host: named.clone(), cause };
    timeout(deadline, handshake(host, &named))
        .await
        .unwrap_or_else(|_| Err(unreachable(format!("no answer within {} s", deadline.as_secs_f32()))))
}

async fn handshake(host: &HostPort, named: &Arc<HostPort>) -> Result<CertificateInfo> {
    let unreachable =
        |error: std::io::Error| Error::Unreachable { host: named.clone(), cause: plain_cause(&error) };
    let verifier = Arc::new(Verifier::new(Mode::Show(Mutex::default())));
    let name = ServerName::try_from(host.host.as_str().to_owned())
        .map_err(|_| Error::Invalid(format!("{host} as the name in a TLS handshake")))?;
    let socket = TcpStream::connect((host.host.as_str(), host.port)).await.map_err(unreachable)?;
    let connector = tokio_rustls::TlsConnector::from(Arc::new(verifier.clone().into_config()));
    connector.connect(name, socket).await.map_err(|error| match tls_error(&error) {
        Some(cause) => Error::NotProxmox { host: named.clone(), cause: format!("no TLS handshake: {cause}") },
        None => unreachable(error),
    })?;
    let seen = verifier
        .seen()
        .ok_or_else(|| Error::NotProxmox { host: named.clone(), cause: "it shows no certificate".into() })?;
    describe(&seen).ok_or_else(|| Error::NotProxmox {
        host: named.clone(),
        cause: "its certificate cannot be read".into(),
    })
}

fn describe(seen: &Seen) -> Option<CertificateInfo> {
    let (_, certificate) = X509Certificate::from_der(&seen.certificate).ok()?;
    let names = certificate.subject_alternative_name().ok().flatten();
    Some(CertificateInfo {
        fingerprint: fingerprint(&seen.certificate),
        subject: certificate.subject().to_string(),
        issuer: certificate.issuer().to_string(),
        not_before: certificate.validity().not_before.to_datetime(),
        not_after: certificate.validity().not_after.to_datetime(),
        names: names.iter().flat_map(|names| &names.value.general_names).filter_map(name_of).collect(),
        publicly_trusted: seen.publicly_trusted,
    })
}

fn name_of(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => <[u8; 4]>::try_from(*bytes)
            .map(|bytes| std::net::IpAddr::from(bytes).to_string())
            .or_else(|_| <[u8; 16]>::try_from(*bytes).map(|bytes| std::net::IpAddr::from(bytes).to_string()))
            .ok(),
        _ => None,
    }
}

/// The TLS configuration of a client that trusts in this way.
pub(crate) fn client_config(trust: Trust) -> ClientConfig {
    Arc::new(Verifier::new(match trust {
        Trust::PublicRoots => Mode::PublicRoots,
        Trust::Pinned(expected) => Mode::Pinned(expected),
    }))
    .into_config()
}

/// Why a handshake was broken off by us; travels inside [`rustls::Error`] so that a failed call can be told apart.
#[derive(Clone, Debug)]
pub(crate) enum Refusal {
    Changed { expected: Fingerprint, found: Fingerprint },
    Untrusted { found: Fingerprint, cause: String },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed { found, .. } => write!(f, "not the pinned certificate but {found}"),
            Self::Untrusted { cause, .. } => f.write_str(cause),
        }
    }
}

impl std::error::Error for Refusal {}

impl From<Refusal> for rustls::Error {
    fn from(refusal: Refusal) -> Self {
        Self::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(refusal))))
    }
}

/// Finds the TLS error in whatever the layers above the handshake wrapped it in.
pub(crate) fn tls_error<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Some(tls);
        }
        // An io::Error hides what it wraps from source().
        next = match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

/// Finds our own refusal of a certificate likewise.
pub(crate) fn refusal(error: &(dyn std::error::Error + 'static)) -> Option<Refusal> {
    match tls_error(error)? {
        rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(inner))) => {
            inner.downcast_ref().cloned()
        }
        _ => None,
    }
}

#[derive(Clone, Debug)]
struct Seen {
    certificate: CertificateDer<'static>,
    publicly_trusted: bool,
}

#[derive(Debug)]
enum Mode {
    PublicRoots,
    Pinned(Fingerprint),
    Show(Mutex<Option<Seen>>),
}

#[derive(Debug)]
struct Verifier {
    mode: Mode,
    provider: Arc<CryptoProvider>,
    public: Arc<WebPkiServerVerifier>,
}

impl Verifier {
    fn new(mode: Mode) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let public = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
            .build()
            .expect("the public roots are not empty and no revocation list is given");
        Self { mode, provider, public }
    }

    fn into_config(self: Arc<Self>) -> ClientConfig {
        ClientConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()
            .expect("ring serves TLS 1.2 and 1.3")
            .dangerous()
            .with_custom_certificate_verifier(self)
            .with_no_client_auth()
    }

    fn seen(&self) -> Option<Seen> {
        match &self.mode {
            Mode::Show(seen) => seen.lock().expect("nothing panics while holding it").clone(),
            Mode::PublicRoots | Mode::Pinned(_) => None,
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        let public =
            || self.public.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        let found = fingerprint(end_entity);
        match &self.mode {
            Mode::PublicRoots => {
                public().map_err(|error| Refusal::Untrusted { found, cause: error.to_string() }.into())
            }
            Mode::Pinned(expected) if *expected == found => Ok(ServerCertVerified::assertion()),
            Mode::Pinned(expected) => Err(Refusal::Changed { expected: *expected, found }.into()),
            Mode::Show(seen) => {
                let publicly_trusted = public().is_ok();
                *seen.lock().expect("nothing panics while holding it") =
                    Some(Seen { certificate: end_entity.clone().into_owned(), publicly_trusted });
                Ok(ServerCertVerified::assertion())
            }
        }
    }

    // Also a pinned host must prove that it holds the certificate's key.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        self.public.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        self.public.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.public.supported_verify_schemes()
    }
}
