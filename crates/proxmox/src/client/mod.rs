//! The REST client: one pooled connection set per host, a deadline on every call.

mod call;
mod failure;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use berth_domain::HostPort;
use reqwest::Method;
use secrecy::SecretString;
use serde::de::DeserializeOwned;

use crate::auth::Auth;
use crate::tls::{self, Trust};
use crate::{Error, Result};
use call::{Call, join};

/// Proxmox closes an idle connection after 5 s; a write on one that is just being closed could be lost.
const POOL_IDLE: Duration = Duration::from_secs(3);

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
    pub const MAX_RESPONSE: usize = 4 << 20;

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
