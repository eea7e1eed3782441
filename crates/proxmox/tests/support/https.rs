//! An HTTPS server with its own certificate that answers what a test tells it to, and remembers what it was asked.

use std::sync::{Arc, Mutex};

use berth_domain::{Fingerprint, HostPort};
use berth_proxmox::{Auth, Client, Deadlines, Trust};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::server::TlsStream;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// Path and query, undecoded.
    pub target: String,
    /// The lines between request line and body, lower case names.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Request {
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The decoded parameters of query or body.
    pub fn parameters(&self) -> Vec<(String, String)> {
        let text = self.target.split_once('?').map_or(self.body.as_str(), |(_, query)| query);
        url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
    }
}

/// What the server does with a request.
pub enum Reaction {
    Answer {
        status: u16,
        reason: String,
        headers: Vec<(String, String)>,
        body: String,
    },
    /// Closes the connection without a word.
    HangUp,
    /// Says nothing until the client gives up.
    Silence,
}

impl Reaction {
    pub fn json(status: u16, reason: &str, body: &str) -> Self {
        let headers = vec![("Content-Type".to_owned(), "application/json;charset=UTF-8".to_owned())];
        Self::Answer { status, reason: reason.to_owned(), headers, body: body.to_owned() }
    }

    pub fn data(data: &str) -> Self {
        Self::json(200, "OK", &format!("{{\"data\":{data}}}"))
    }
}

type Respond = Arc<dyn Fn(&Request) -> Reaction + Send + Sync>;

/// The server. Its tasks end with the test's runtime.
pub struct HttpsServer {
    pub host: HostPort,
    pub fingerprint: Fingerprint,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl HttpsServer {
    pub async fn start(respond: impl Fn(&Request) -> Reaction + Send + Sync + 'static) -> Self {
        let certified =
            rcgen::generate_simple_self_signed(vec!["pve.test".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        let certificate = certified.cert.der().clone();
        let fingerprint = berth_proxmox::tls::fingerprint(&certificate);
        let key = PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = HostPort::new("127.0.0.1".parse().unwrap(), listener.local_addr().unwrap().port());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (seen, respond): (_, Respond) = (requests.clone(), Arc::new(respond));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (acceptor, seen, respond) = (acceptor.clone(), seen.clone(), respond.clone());
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(socket).await {
                        serve(stream, &seen, &respond).await;
                    }
                });
            }
        });
        Self { host, fingerprint, requests }
    }

    /// A client that trusts this server and has a token.
    pub fn client(&self) -> Client {
        self.client_at(self.host.clone(), Deadlines::default())
    }

    pub fn client_at(&self, host: HostPort, deadlines: Deadlines) -> Client {
        Client::with_deadlines(host, Trust::Pinned(self.fingerprint), token(), deadlines).unwrap()
    }

    /// What was asked so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

pub fn token() -> Auth {
    Auth::Token {
        id: "root@pam!dash".parse().unwrap(),
        secret: "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee".into(),
    }
}

async fn serve(mut stream: TlsStream<TcpStream>, seen: &Mutex<Vec<Request>>, respond: &Respond) {
    while let Some(request) = read(&mut stream).await {
        seen.lock().unwrap().push(request.clone());
        let (status, reason, headers, body) = match respond(&request) {
            Reaction::Answer { status, reason, headers, body } => (status, reason, headers, body),
            Reaction::HangUp => return,
            Reaction::Silence => std::future::pending().await,
        };
        let closes =
            headers.iter().any(|(name, value)| name.eq_ignore_ascii_case("connection") && value == "close");
        let kept = headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("content-length"));
        let lines = kept.map(|(name, value)| format!("{name}: {value}\r\n")).collect::<Vec<_>>().concat();
        let head = format!("HTTP/1.1 {status} {reason}\r\n{lines}Content-Length: {}\r\n\r\n", body.len());
        if stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).await.is_err() {
            return;
        }
        let _ = stream.flush().await;
        if closes {
            let _ = stream.shutdown().await;
            return;
        }
    }
}

async fn read(stream: &mut TlsStream<TcpStream>) -> Option<Request> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let mut first = lines.next().unwrap().split(' ');
    let (method, target) = (first.next().unwrap().to_owned(), first.next().unwrap().to_owned());
    let split =
        |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
    let headers: Vec<_> = lines.filter_map(split).collect();
    let length = headers
        .iter()
        .find(|(name, _)| name == "content-length")
        .map_or(0, |(_, value)| value.parse().unwrap());
    while bytes.len() < end + 4 + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let body = String::from_utf8(bytes[end + 4..end + 4 + length].to_vec()).unwrap();
    Some(Request { method, target, headers, body })
}
