//! From what went wrong to what a caller can do about it.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::sync::Arc;

use berth_domain::HostPort;

use super::call::{Answer, Call};
use crate::Error;
use crate::error::plain_cause;
use crate::tls::{self, Refusal};

/// Bytes of a host's own words that an error carries; Proxmox's longest are a few lines.
const LONGEST: usize = 2000;
/// Refused parameters that an error carries.
const MOST_FIELDS: usize = 50;

#[derive(Default, serde::Deserialize)]
#[serde(default)]
struct Failure {
    message: Option<String>,
    #[serde(deserialize_with = "crate::loose::null_as_empty")]
    errors: BTreeMap<String, String>,
}

impl Call<'_> {
    pub(super) fn maybe_sent(&self, cause: String) -> Error {
        Error::MaybeSent { host: self.host(), request: self.name(), cause }
    }

    pub(super) fn odd(&self, cause: String) -> Error {
        let cause = shortened(cause);
        // An odd answer to a write is still an answer to something that was sent.
        if self.changes { self.maybe_sent(cause) } else { Error::NotProxmox { host: self.host(), cause } }
    }

    pub(super) fn broken(&self, error: &reqwest::Error) -> Error {
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
        match tls::tls_error(error) {
            Some(tls) if error.is_connect() => {
                Error::NotProxmox { host, cause: format!("no TLS handshake: {tls}") }
            }
            _ if !self.changes || error.is_connect() => Error::Unreachable { host, cause },
            _ => self.maybe_sent(cause),
        }
    }

    pub(super) fn failure(&self, answer: &Answer) -> Error {
        let host = self.host();
        let status = answer.status.as_u16();
        if answer.is_html || answer.status.is_redirection() || answer.status.is_informational() {
            let reason = shortened(answer.reason.clone());
            return Error::NotProxmox { host, cause: format!("status {status} {reason}") };
        }
        let failure: Failure = serde_json::from_slice(&answer.body).unwrap_or_default();
        let fields = failure
            .errors
            .into_iter()
            .take(MOST_FIELDS)
            .map(|(name, text)| (shortened(name), shortened(text.trim().to_owned())))
            .collect();
        let message = failure
            .message
            .filter(|text| !text.trim().is_empty())
            .unwrap_or_else(|| answer.reason.clone())
            .trim()
            .to_owned();
        let message = shortened(message);
        match status {
            400 => rejected(host, message, fields),
            401 => Error::Unauthorized { host, message: message.trim_end_matches(['!', '.']).to_owned() },
            403 => Error::Forbidden { host, message },
            // The member may have got the request before the connection to it broke.
            596.. if self.changes => self.maybe_sent(message),
            595.. => Error::MemberUnreachable { host, message },
            _ => host_error(host, status, message),
        }
    }
}

/// Errors are shown, stored and logged.
fn shortened(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(LONGEST));
    text
}

fn rejected(host: Arc<HostPort>, message: String, fields: BTreeMap<String, String>) -> Error {
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
    let phrases = ["already running", "not running", "container is running", "of a running container"];
    if message.ends_with("does not exist") {
        Error::NotFound { host, message }
    } else if message.contains("already exists") {
        Error::AlreadyExists { host, message }
    } else if phrases.iter().any(|phrase| message.ends_with(phrase)) {
        Error::WrongState { host, message }
    } else {
        Error::HostError { host, status, message }
    }
}

/// The innermost cause: "Connection refused" says more than "error sending request".
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn StdError = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    if error.is_timeout() { "the connection took too long".into() } else { plain_cause(&cause) }
}
