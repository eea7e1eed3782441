//! Machines that speak TLS: one that says nothing and counts what is said to it, and one that answers as a test likes.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use berth_domain::Fingerprint;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

pub(crate) struct TlsHost {
    pub(crate) address: SocketAddr,
    pub(crate) fingerprint: Fingerprint,
    said: Arc<AtomicUsize>,
}

impl TlsHost {
    /// Shows a self-signed certificate, reads, and hangs up without a word.
    pub(crate) async fn start() -> Self {
        let (acceptor, fingerprint) = acceptor();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let said = Arc::new(AtomicUsize::new(0));
        let counted = said.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(socket).await else { continue };
                let mut bytes = [0; 4096];
                let count = stream.read(&mut bytes).await.unwrap_or(0);
                counted.fetch_add(count, Ordering::SeqCst);
            }
        });
        Self { address, fingerprint, said }
    }

    /// Bytes of application data received so far.
    pub(crate) fn said(&self) -> usize {
        self.said.load(Ordering::SeqCst)
    }
}

fn acceptor() -> (TlsAcceptor, Fingerprint) {
    let made = rcgen::generate_simple_self_signed(["pve.test".to_owned()]).unwrap();
    let certificate = made.cert.der().clone();
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key.into())
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), berth_proxmox::tls::fingerprint(&certificate))
}

/// What an [`AnsweringHost`] says to a request such as `GET /cluster/resources?type=vm`: the `data` of its answer.
type Answers = dyn Fn(&str) -> serde_json::Value + Send + Sync;

/// A host whose API says whatever a test likes.
pub(crate) struct AnsweringHost {
    pub(crate) address: SocketAddr,
    pub(crate) fingerprint: Fingerprint,
    log: Arc<Log>,
}

#[derive(Default)]
struct Log {
    requests: Mutex<Vec<String>>,
    open: AtomicUsize,
    most_open: AtomicUsize,
}

impl AnsweringHost {
    pub(crate) async fn start(answers: impl Fn(&str) -> serde_json::Value + Send + Sync + 'static) -> Self {
        let (acceptor, fingerprint) = acceptor();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (log, answers): (Arc<Log>, Arc<Answers>) = (Arc::default(), Arc::new(answers));
        let kept = log.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (acceptor, answers, log) = (acceptor.clone(), answers.clone(), kept.clone());
                tokio::spawn(async move {
                    let open = log.open.fetch_add(1, Ordering::SeqCst) + 1;
                    log.most_open.fetch_max(open, Ordering::SeqCst);
                    // Whoever hangs up in the middle of an answer has read enough of it.
                    let _ = answer(&acceptor, socket, &*answers, &log.requests).await;
                    log.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { address, fingerprint, log }
    }

    /// How many requests with this in them came.
    pub(crate) fn asked(&self, part: &str) -> usize {
        self.log.requests.lock().unwrap().iter().filter(|request| request.contains(part)).count()
    }

    /// How many connections were open at once.
    pub(crate) fn most_open(&self) -> usize {
        self.log.most_open.load(Ordering::SeqCst)
    }
}

/// One request for each connection.
async fn answer(
    acceptor: &TlsAcceptor,
    socket: TcpStream,
    answers: &Answers,
    requests: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(acceptor.accept(socket).await?);
    let (mut first, mut line) = (String::new(), String::new());
    stream.read_line(&mut first).await?;
    while stream.read_line(&mut line).await? > 2 {
        line.clear();
    }
    let request = first.replace("/api2/json", "").replace(" HTTP/1.1\r\n", "");
    let body = serde_json::json!({ "data": answers(&request) }).to_string();
    requests.lock().unwrap().push(request);
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}
