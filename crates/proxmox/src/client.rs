//! The REST client: one pooled connection set per host, a deadline on every call.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use berth_domain::HostPort;
use bytes::{Bytes, BytesMut};
use hyper::ext::ReasonPhrase;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep, timeout};

use crate::auth::Auth;
use crate::tls::{self, Refusal, Trust};
use crate::{Error, Result};

/// Everything but RFC 3986's unreserved characters: a UPID's `:`, `@` and `!` as the recordings have them.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Proxmox closes an idle connection after 5 s; a write on one that is just being closed could be lost.
const POOL_IDLE: Duration = Duration::from_secs(3);

/// How often a read is repeated, and the pause before the first repetition; it doubles.
const READ_REPEATS: u32 = 2;
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// How long calls may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// Until a connection stands.
    pub connect: Duration,
    /// A whole read, with its repetitions.
    pub read: Duration,
    /// A whole write. Proxmox answers most writes with a task's UPID at once.
    pub write: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            read: Duration::from_secs(10),
            write: Duration::from_secs(30),
        }
    }
}

/// A handle on one Proxmox VE host's REST API. Clones share connections.
#[derive(Clone, Debug)]
pub struct Client {
    host: Arc<HostPort>,
    http: reqwest::Client,
    auth: Auth,
    deadlines: Deadlines,
    max_response: usize,
}

/// The parameters of a call.
pub(crate) type Parameters = Vec<(String, SecretString)>;

/// Adds a parameter that is no secret.
pub(crate) fn parameter(name: &str, value: impl fmt::Display) -> (String, SecretString) {
    (name.to_owned(), value.to_string().into())
}

impl Client {
    /// The largest answer that is read unless told otherwise.
    pub const MAX_RESPONSE: usize = 32 << 20;

    /// A client for `host` that checks its certificate as `trust` says. Nothing is sent yet.
    pub fn new(host: HostPort, trust: Trust, auth: Auth) -> Result<Self> {
        Self::with_deadlines(host, trust, auth, Deadlines::default())
    }

    /// The same with other deadlines.
    pub fn with_deadlines(host: HostPort, trust: Trust, auth: Auth, deadlines: Deadlines) -> Result<Self> {
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::client_config(trust))
            .https_only(true)
            .http1_only()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(deadlines.connect)
            .pool_idle_timeout(POOL_IDLE)
            .user_agent(concat!("berth-proxmox/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Error::Invalid(format!("the HTTP client's settings: {error}")))?;
        Ok(Self { host: Arc::new(host), http, auth, deadlines, max_response: Self::MAX_RESPONSE })
    }

    /// The same host and connections with one deadline for each call, reads and writes.
    #[must_use]
    pub fn within(&self, deadline: Duration) -> Self {
        let deadlines =
            Deadlines { connect: self.deadlines.connect.min(deadline), read: deadline, write: deadline };
        Self { deadlines, ..self.clone() }
    }

    /// The same host and connections with other credentials.
    #[must_use]
    pub fn authenticated(&self, auth: Auth) -> Self {
        Self { auth, ..self.clone() }
    }

    /// The same host with another limit for an answer, in bytes.
    #[must_use]
    pub fn max_response(&self, bytes: usize) -> Self {
        Self { max_response: bytes, ..self.clone() }
    }

    /// The host this client talks to.
    pub fn host(&self) -> &HostPort {
        &self.host
    }

    pub(crate) fn shared_host(&self) -> Arc<HostPort> {
        self.host.clone()
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &[&str], query: Parameters) -> Result<T> {
        self.call(Method::GET, path, query).await
    }

    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &[&str], form: Parameters) -> Result<T> {
        self.call(Method::POST, path, form).await
    }

    /// A POST that changes nothing on the host, such as a login: losing its answer needs no look at the host.
    pub(crate) async fn post_harmless<T: DeserializeOwned>(
        &self,
        path: &[&str],
        form: Parameters,
    ) -> Result<T> {
        let call =
            Call { client: self, method: Method::POST, path: join(path)?, parameters: form, changes: false };
        call.parse(&call.once(self.deadlines.read).await?)
    }

    pub(crate) async fn put<T: DeserializeOwned>(&self, path: &[&str], form: Parameters) -> Result<T> {
        self.call(Method::PUT, path, form).await
    }

    pub(crate) async fn delete<T: DeserializeOwned>(&self, path: &[&str], query: Parameters) -> Result<T> {
        self.call(Method::DELETE, path, query).await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        parameters: Parameters,
    ) -> Result<T> {
        let changes = method != Method::GET;
        let call = Call { client: self, method, path: join(path)?, parameters, changes };
        let answer = if changes { call.once(self.deadlines.write).await? } else { call.repeat().await? };
        call.parse(&answer)
    }
}

fn join(segments: &[&str]) -> Result<String> {
    let mut path = String::from("/api2/json");
    for segment in segments {
        if segment.is_empty() || *segment == "." || *segment == ".." {
            return Err(Error::Invalid(format!("{segment:?} as a part of an API path")));
        }
        path.push('/');
        path.extend(utf8_percent_encode(segment, SEGMENT));
    }
    Ok(path)
}

fn encode(parameters: &Parameters) -> String {
    let mut encoder = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters {
        encoder.append_pair(name, value.expose_secret());
    }
    encoder.finish()
}

struct Call<'a> {
    client: &'a Client,
    method: Method,
    path: String,
    parameters: Parameters,
    changes: bool,
}

struct Answer {
    status: StatusCode,
    reason: String,
    is_html: bool,
    body: Bytes,
}

#[derive(serde::Deserialize)]
struct Envelope<T> {
    data: T,
}

#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(crate) struct Failure {
    message: Option<String>,
    #[serde(deserialize_with = "crate::loose::null_as_empty")]
    errors: std::collections::BTreeMap<String, String>,
}

impl Call<'_> {
    fn host(&self) -> Arc<HostPort> {
        self.client.host.clone()
    }

    async fn repeat(&self) -> Result<Answer> {
        let end = Instant::now() + self.client.deadlines.read;
        let mut pause = FIRST_PAUSE;
        for _ in 0..READ_REPEATS {
            match self.once(end.saturating_duration_since(Instant::now())).await {
                Err(error @ (Error::Unreachable { .. } | Error::MemberUnreachable { .. }))
                    if Instant::now() + pause < end =>
                {
                    tracing::debug!(%error, path = %self.path, "repeating a read");
                    sleep(pause).await;
                    pause *= 2;
                }
                result => return result,
            }
        }
        self.once(end.saturating_duration_since(Instant::now())).await
    }

    async fn once(&self, deadline: Duration) -> Result<Answer> {
        let answer = match timeout(deadline, self.send()).await {
            Ok(answer) => answer?,
            Err(_) if !self.changes => return Err(Error::Timeout { host: self.host(), after: deadline }),
            Err(_) => return Err(self.maybe_sent(format!("no answer within {} s", deadline.as_secs_f32()))),
        };
        tracing::debug!(host = %self.client.host, method = %self.method, path = %self.path, status = answer.status.as_u16(), "call");
        if answer.status.is_success() { Ok(answer) } else { Err(self.failure(&answer)) }
    }

    async fn send(&self) -> Result<Answer> {
        let mut response = self.request().send().await.map_err(|error| self.broken(&error))?;
        let status = response.status();
        let reason = response
            .extensions()
            .get::<ReasonPhrase>()
            .map(|reason| String::from_utf8_lossy(reason.as_bytes()).into_owned());
        let reason = reason.unwrap_or_else(|| status.canonical_reason().unwrap_or_default().to_owned());
        let is_html = is_html(response.headers());
        let mut body = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.broken(&error))? {
            if body.len() + chunk.len() > self.client.max_response {
                return Err(self.odd(format!(
                    "its answer to {} exceeds {} bytes",
                    self.name(),
                    self.client.max_response
                )));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, reason, is_html, body: body.freeze() })
    }

    fn request(&self) -> reqwest::RequestBuilder {
        let HostPort { host, port } = &*self.client.host;
        let mut url = format!("https://{}:{port}{}", host.for_url(), self.path);
        // Proxmox takes the parameters of GET and DELETE from the query only.
        let in_query = self.method == Method::GET || self.method == Method::DELETE;
        if in_query && !self.parameters.is_empty() {
            url = format!("{url}?{}", encode(&self.parameters));
        }
        let mut request = self.client.http.request(self.method.clone(), url);
        for (name, value) in self.client.auth.headers(self.changes) {
            request = request.header(name, value);
        }
        if in_query {
            return request;
        }
        // A complete body: it leaves in one TLS record with the headers. pveproxy refuses ticket logins that arrive in two.
        request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(encode(&self.parameters))
    }

    fn name(&self) -> String {
        format!("{} {}", self.method, self.path.trim_start_matches("/api2/json"))
    }

    fn maybe_sent(&self, cause: String) -> Error {
        Error::MaybeSent { host: self.host(), request: self.name(), cause }
    }

    fn odd(&self, cause: String) -> Error {
        // An odd answer to a write is still an answer to something that was sent.
        if !self.changes { Error::NotProxmox { host: self.host(), cause } } else { self.maybe_sent(cause) }
    }

    fn broken(&self, error: &reqwest::Error) -> Error {
        let host = self.host();
        match tls::refusal(error) {
            Some(Refusal::Changed { expected, found }) => {
                return Error::CertificateChanged { host, expected, found };
            }
            Some(Refusal::Untrusted { found, cause }) => {
                return Error::CertificateUntrusted { host, found, cause };
            }
            None => {}
        }
        let cause = root_cause(error);
        match tls_error(error) {
            Some(tls) if error.is_connect() => {
                Error::NotProxmox { host, cause: format!("no TLS handshake: {tls}") }
            }
            _ if !self.changes || error.is_connect() => Error::Unreachable { host, cause },
            _ => self.maybe_sent(cause),
        }
    }

    fn parse<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T> {
        if answer.is_html {
            return Err(self.odd("it answers with a web page".into()));
        }
        serde_json::from_slice::<Envelope<T>>(&answer.body)
            .map(|envelope| envelope.data)
            .map_err(|error| self.odd(format!("its answer to {} was not understood: {error}", self.name())))
    }

    fn failure(&self, answer: &Answer) -> Error {
        let host = self.host();
        let status = answer.status.as_u16();
        if answer.is_html || answer.status.is_redirection() || answer.status.is_informational() {
            return Error::NotProxmox { host, cause: format!("status {status} {}", answer.reason) };
        }
        let failure: Failure = serde_json::from_slice(&answer.body).unwrap_or_default();
        let fields = failure.errors.into_iter().map(|(name, text)| (name, text.trim().to_owned())).collect();
        let message = failure
            .message
            .filter(|text| !text.trim().is_empty())
            .unwrap_or_else(|| answer.reason.clone())
            .trim()
            .to_owned();
        match status {
            400 => rejected(host, message, fields),
            401 => Error::Unauthorized { host, message },
            403 => Error::Forbidden { host, message },
            // The member may have got the request before the connection to it broke.
            596.. if self.changes => self.maybe_sent(message),
            595.. => Error::MemberUnreachable { host, message },
            _ => host_error(host, status, message),
        }
    }
}

fn rejected(
    host: Arc<HostPort>,
    message: String,
    fields: std::collections::BTreeMap<String, String>,
) -> Error {
    match fields.get("upid").map(String::as_str) {
        Some("no such task") => Error::NotFound { host, message: "no such task".into() },
        _ => Error::Rejected { host, message, fields },
    }
}

/// Sorts what Proxmox reports as 500 by its text, which is all there is.
fn host_error(host: Arc<HostPort>, status: u16, message: String) -> Error {
    let lock = message
        .split_once("is locked (")
        .and_then(|(_, rest)| rest.split_once(')'))
        .map(|(lock, _)| lock.to_owned());
    if let Some(lock) = lock {
        return Error::Locked { host, lock };
    }
    let states = ["already running", "not running", "container is running", "of a running container"];
    if message.ends_with("does not exist") {
        Error::NotFound { host, message }
    } else if message.contains("already exists") {
        Error::AlreadyExists { host, message }
    } else if states.iter().any(|state| message.ends_with(state)) {
        Error::WrongState { host, message }
    } else {
        Error::HostError { host, status, message }
    }
}

fn is_html(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("text/html"))
}

/// The innermost cause: "Connection refused" says more than "error sending request".
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    if error.is_timeout() { "the connection took too long".into() } else { cause.to_string() }
}

fn tls_error(error: &reqwest::Error) -> Option<String> {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Some(tls.to_string());
        }
        next = match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}
