//! The listening side: TLS on the API port (plain HTTP there is sent to HTTPS), planted faults, the admin port.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Response, StatusCode, header};
use hyper_util::rt::{TokioIo, TokioTimer};
use regex::Regex;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::{Reply, Request, answer};
use crate::faults::Fault;
use crate::listen::{Door, switched_off};
use crate::state::Host;
use crate::tls::Identity;

/// `PVE::APIServer` lets everyone whom it does not know wait so long.
const REFUSAL: Duration = Duration::from_secs(3);

type Plain = Response<Full<Bytes>>;

/// Serves the REST API of `host` until the task is dropped; `other` is shown while the certificate is "changed".
pub async fn serve_api(listener: TcpListener, host: Host, own: Identity, other: Identity) {
    let Ok(mut door) = Door::new(listener, host.faults().clone()) else { return };
    loop {
        let (stream, peer) = door.accept().await;
        host.calls().connection("api");
        let changed = host.faults().any(|fault| matches!(fault, Fault::ChangedCertificate));
        let identity = if changed { other.clone() } else { own.clone() };
        let host = host.clone();
        tokio::spawn(async move {
            let faults = host.faults().clone();
            tokio::select! {
                () = switched_off(&faults) => {}
                ended = connection(stream, host, identity) => {
                    if let Err(error) = ended {
                        tracing::debug!(%peer, %error, "connection ended early");
                    }
                }
            }
        });
    }
}

async fn connection(stream: TcpStream, host: Host, identity: Identity) -> io::Result<()> {
    const TLS_HANDSHAKE: u8 = 22;
    stream.set_nodelay(true)?;
    let mut first = [0];
    if stream.peek(&mut first).await? == 0 {
        return Ok(());
    }
    if first[0] != TLS_HANDSHAKE {
        let local = stream.local_addr()?;
        return http(stream, move |request| std::future::ready(to_https(&request, local))).await;
    }
    let stream = TlsAcceptor::from(identity.config).accept(stream).await?;
    http(stream, move |request| api(host.clone(), request)).await
}

async fn http<S, F, R>(stream: S, handler: F) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Fn(hyper::Request<Incoming>) -> R + Send,
    R: Future<Output = io::Result<Plain>> + Send,
{
    let mut server = http1::Builder::new();
    server.timer(TokioTimer::new()).title_case_headers(true);
    server.serve_connection(TokioIo::new(stream), service_fn(handler)).await.map_err(io::Error::other)
}

fn to_https(request: &hyper::Request<Incoming>, local: SocketAddr) -> io::Result<Plain> {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).map(str::to_owned);
    let host = host.unwrap_or_else(|| local.to_string());
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    Response::builder()
        .status(StatusCode::MOVED_PERMANENTLY)
        .header(header::LOCATION, format!("https://{host}{path}"))
        .header(header::SERVER, "pve-api-daemon/3.0")
        .body(Full::from("Moved Permanently"))
        .map_err(io::Error::other)
}

async fn api(host: Host, request: hyper::Request<Incoming>) -> io::Result<Plain> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let request = Request { method: parts.method, uri: parts.uri, headers: parts.headers, body };
    let path = below_api(request.uri.path()).to_owned();
    record(&host, &request, &path);
    let gzip = request.header(header::ACCEPT_ENCODING).contains("gzip");
    if let Some(reply) = before(&host, &path).await? {
        return Ok(reply.into_response(gzip));
    }
    let began = Instant::now();
    let reply = answer(&host, &request);
    if reply.status == 401 {
        let wait = REFUSAL.div_f64(host.speed().max(0.01));
        tokio::time::sleep(wait.saturating_sub(began.elapsed())).await;
    }
    let lost = |fault: &Fault| matches!(fault, Fault::Drop { acted: true, path: only, .. } if concerns(only.as_deref(), &path));
    if host.faults().take(lost).is_some() {
        return Err(io::Error::other("planted fault: the answer is lost"));
    }
    Ok(reply.into_response(gzip))
}

/// What a request brought, before anything is done with it: parameter names, and the proof of who asks.
fn record(host: &Host, request: &Request, path: &str) {
    let params = request.params().unwrap_or_default();
    let (mut user, mut secret) = (None, request.api_token().map(str::to_owned));
    if path.trim_end_matches('/') == "/access/ticket" {
        user = params.get("username").cloned();
        secret = params.get("password").cloned().or(secret);
    }
    host.calls().api(request.method.as_str(), path, params.into_keys().collect(), user, secret);
}

fn below_api(path: &str) -> &str {
    path.strip_prefix("/api2/json").or_else(|| path.strip_prefix("/api2/extjs")).unwrap_or(path)
}

fn concerns(pattern: Option<&str>, path: &str) -> bool {
    pattern.is_none_or(|pattern| Regex::new(pattern).is_ok_and(|regex| regex.is_match(path)))
}

/// What is planted before the request is acted on.
async fn before(host: &Host, path: &str) -> io::Result<Option<Reply>> {
    let faults = host.faults();
    let ours = |only: &Option<String>| concerns(only.as_deref(), path);
    if let Some(Fault::Latency { ms, .. }) =
        faults.take(|f| matches!(f, Fault::Latency { path, .. } if ours(path)))
    {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
    if faults.take(|f| matches!(f, Fault::Hang { path, .. } if ours(path))).is_some() {
        std::future::pending::<()>().await;
    }
    if faults.take(|f| matches!(f, Fault::Drop { acted: false, path, .. } if ours(path))).is_some() {
        return Err(io::Error::other("planted fault: the connection is dropped"));
    }
    match faults.take(|f| matches!(f, Fault::Status { path, .. } if ours(path))) {
        Some(Fault::Status { status, .. }) => Ok(Some(Reply::bare(status, usual_reason(status)))),
        _ => Ok(None),
    }
}

fn usual_reason(status: u16) -> &'static str {
    match status {
        595 => "Connection refused",
        596 => "Connection timed out",
        _ => StatusCode::from_u16(status)
            .ok()
            .and_then(|status| status.canonical_reason())
            .unwrap_or("Unknown"),
    }
}

/// What the admin port speaks for.
#[derive(Debug, Clone)]
pub struct Admin {
    /// All hosts of this process; they share calls and faults.
    pub hosts: Vec<Host>,
}

/// Serves `/faults`, `/calls` and `/containers/{vmid}/…` over plain HTTP on a loopback port.
pub async fn serve_admin(listener: TcpListener, admin: Admin) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let admin = admin.clone();
        tokio::spawn(async move {
            let handler = move |request: hyper::Request<Incoming>| {
                let admin = admin.clone();
                async move {
                    let (parts, body) = request.into_parts();
                    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
                    let (status, value) =
                        super::routes::admin(&admin, parts.method.as_str(), parts.uri.path(), &body).await;
                    let kind = "application/json";
                    let response = Response::builder().status(status).header(header::CONTENT_TYPE, kind);
                    response.body(Full::from(value.to_string())).map_err(io::Error::other)
                }
            };
            let ended: Result<(), io::Error> = http(stream, handler).await;
            ended.unwrap_or_else(|error| tracing::debug!(%error, "admin connection ended early"));
            Ok::<(), Infallible>(())
        });
    }
}
