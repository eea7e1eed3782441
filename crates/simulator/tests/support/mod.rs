//! A client so plain that it hides nothing: status line, headers and body as they come over the wire.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// An answer in parts.
#[derive(Debug, Clone)]
#[allow(dead_code)] // each test file uses some of it
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) reason: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

#[allow(dead_code)]
impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

/// Talks to one simulated host, trusting its own authority only.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) address: SocketAddr,
    tls: Option<TlsConnector>,
}

#[allow(dead_code)]
impl Client {
    /// For the host or cluster whose authority lies in `directory`.
    pub(crate) fn new(address: SocketAddr, directory: &Path) -> Self {
        let certificate = CertificateDer::from_pem_file(directory.join("pve-root-ca.pem")).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(certificate).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder =
            ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = builder.with_root_certificates(roots).with_no_client_auth();
        Self { address, tls: Some(TlsConnector::from(Arc::new(config))) }
    }

    /// Without TLS.
    pub(crate) fn plain(address: SocketAddr) -> Self {
        Self { address, tls: None }
    }

    /// SHA-256 of the certificate it shows, `AB:CD:…`; an error when it refuses.
    pub(crate) async fn shown(&self) -> std::io::Result<String> {
        let stream = TcpStream::connect(self.address).await?;
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let stream = self.tls.as_ref().unwrap().connect(name, stream).await?;
        let certificate = &stream.get_ref().1.peer_certificates().unwrap()[0];
        let pairs: Vec<String> =
            Sha256::digest(certificate).iter().map(|byte| format!("{byte:02X}")).collect();
        Ok(pairs.join(":"))
    }

    /// Sends one request; an error when the connection ends without an answer.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        body: &[u8],
    ) -> std::io::Result<Answer> {
        let stream = TcpStream::connect(self.address).await?;
        match &self.tls {
            Some(tls) => {
                let name = ServerName::try_from("127.0.0.1").unwrap();
                exchange(tls.connect(name, stream).await?, method, path, headers, body).await
            }
            None => exchange(stream, method, path, headers, body).await,
        }
    }
}

async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    method: &str,
    path: &str,
    headers: &[(&str, String)],
    body: &[u8],
) -> std::io::Result<Answer> {
    let mut request =
        format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:8006\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        request = format!("{request}{name}: {value}\r\n");
    }
    request.push_str("\r\n");
    let mut bytes = request.into_bytes();
    bytes.extend_from_slice(body);
    stream.write_all(&bytes).await?;
    stream.flush().await?;
    read_answer(&mut stream).await
}

async fn read_answer<S: AsyncRead + Unpin>(stream: &mut S) -> std::io::Result<Answer> {
    let cut = || std::io::Error::other("the connection ended before the answer did");
    let mut read = Vec::new();
    let mut chunk = vec![0; 16_384];
    loop {
        let head_end = read.windows(4).position(|window: &[u8]| window == b"\r\n\r\n");
        if let Some(end) = head_end {
            let head = String::from_utf8_lossy(&read[..end]).into_owned();
            let mut answer = parse_head(&head);
            let length: usize =
                answer.header("Content-Length").and_then(|text| text.parse().ok()).unwrap_or(0);
            if read.len() >= end + 4 + length {
                answer.body = read[end + 4..end + 4 + length].to_vec();
                return Ok(answer);
            }
        }
        match stream.read(&mut chunk).await? {
            0 => return Err(cut()),
            count => read.extend_from_slice(&chunk[..count]),
        }
    }
}

fn parse_head(head: &str) -> Answer {
    let mut lines = head.split("\r\n");
    let status_line = lines.next().unwrap_or_default();
    let mut parts = status_line.splitn(3, ' ').skip(1);
    let status = parts.next().and_then(|text| text.parse().ok()).unwrap_or(0);
    let reason = parts.next().unwrap_or_default().to_owned();
    let headers = lines.filter_map(|line| line.split_once(": ")).map(|(k, v)| (k.to_owned(), v.to_owned()));
    Answer { status, reason, headers: headers.collect(), body: Vec::new() }
}

/// Escapes a form value or path part.
#[allow(dead_code)]
pub(crate) fn escape(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// An `application/x-www-form-urlencoded` body.
#[allow(dead_code)]
pub(crate) fn form(fields: &[(String, String)]) -> String {
    let pairs: Vec<String> =
        fields.iter().map(|(key, value)| format!("{}={}", escape(key), escape(value))).collect();
    pairs.join("&")
}
