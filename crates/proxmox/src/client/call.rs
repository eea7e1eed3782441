//! One call: sent once or repeated, its answer read within limits.

use std::sync::Arc;
use std::time::Duration;

use berth_domain::HostPort;
use bytes::{Bytes, BytesMut};
use hyper::ext::ReasonPhrase;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Method, StatusCode};
use secrecy::ExposeSecret as _;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep, timeout};

use super::{Client, Parameters};
use crate::{Error, Result};

/// Everything but RFC 3986's unreserved characters: a UPID's `:`, `@` and `!` as the recordings have them.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How often a read is repeated, and the pause before the first repetition; it doubles.
const READ_REPEATS: u32 = 2;
const FIRST_PAUSE: Duration = Duration::from_millis(100);

pub(super) fn join(segments: &[&str]) -> Result<String> {
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

pub(super) struct Call<'a> {
    pub(super) client: &'a Client,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) parameters: Parameters,
    pub(super) changes: bool,
}

pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) reason: String,
    pub(super) is_html: bool,
    pub(super) body: Bytes,
}

#[derive(serde::Deserialize)]
struct Envelope<T> {
    data: T,
}

impl Call<'_> {
    pub(super) fn host(&self) -> Arc<HostPort> {
        self.client.host.clone()
    }

    pub(super) async fn repeat(&self) -> Result<Answer> {
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

    pub(super) async fn once(&self, deadline: Duration) -> Result<Answer> {
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

    pub(super) fn parse<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T> {
        if answer.is_html {
            return Err(self.odd("it answers with a web page".into()));
        }
        serde_json::from_slice::<Envelope<T>>(&answer.body)
            .map(|envelope| envelope.data)
            .map_err(|error| self.odd(format!("its answer to {} was not understood: {error}", self.name())))
    }

    pub(super) fn name(&self) -> String {
        format!("{} {}", self.method, self.path.trim_start_matches("/api2/json"))
    }
}

fn is_html(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("text/html"))
}
