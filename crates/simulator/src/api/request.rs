//! A request as it came over the wire, and its parameters.

use hyper::header::{self, HeaderMap};
use hyper::{Method, Uri};
use serde_json::Value;

use crate::state::Params;

/// A whole request.
#[derive(Debug, Clone)]
pub struct Request {
    /// `GET`, …
    pub method: Method,
    /// Path and query.
    pub uri: Uri,
    /// As sent.
    pub headers: HeaderMap,
    /// As sent.
    pub body: bytes::Bytes,
}

/// A body nobody can read: answered as text, with this status and reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadBody(pub u16, pub String);

impl Request {
    /// A header as text, empty when absent.
    pub fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// What follows `PVEAPIToken` in the authorization header, still escaped.
    pub fn api_token(&self) -> Option<&str> {
        let authorization = self.header(header::AUTHORIZATION);
        authorization.strip_prefix("PVEAPIToken=").or_else(|| authorization.strip_prefix("PVEAPIToken "))
    }

    /// The parameters of query string and body.
    ///
    /// # Errors
    /// When the body is of a type Proxmox does not read, or no JSON although it says so.
    pub fn params(&self) -> Result<Params, BadBody> {
        let mut params = form(self.uri.query().unwrap_or_default());
        if self.method != Method::POST && self.method != Method::PUT {
            return Ok(params);
        }
        let kind = self.header(header::CONTENT_TYPE);
        let text = String::from_utf8_lossy(&self.body);
        match kind.split(';').next().unwrap_or_default().trim() {
            "application/json" => params.extend(json(&text)?),
            "" | "application/x-www-form-urlencoded" => params.extend(form(&text)),
            _ => return Err(BadBody(506, format!("upload 'Content-Type '{kind}' not implemented"))),
        }
        Ok(params)
    }
}

fn form(text: &str) -> Params {
    let mut params = Params::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = percent_decode(&value.replace('+', " "));
        let name = percent_decode(&name.replace('+', " "));
        // A name given twice is a list.
        params
            .entry(name)
            .and_modify(|list: &mut String| *list = format!("{list}\0{value}"))
            .or_insert(value);
    }
    params
}

/// `%41` to `A`; a `%` that starts nothing stays.
pub(super) fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while index < bytes.len() {
        let code = (bytes[index] == b'%')
            .then(|| text.get(index + 1..index + 3))
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        decoded.push(code.unwrap_or(bytes[index]));
        index += if code.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn json(text: &str) -> Result<Params, BadBody> {
    if text.trim().is_empty() {
        return Ok(Params::new());
    }
    let Ok(Value::Object(object)) = serde_json::from_str::<Value>(text) else {
        return Err(BadBody(
            500,
            format!("{} at /usr/share/perl5/PVE/APIServer/AnyEvent.pm line 934.", complaint(text)),
        ));
    };
    let plain = |value: Value| match value {
        Value::Null => None,
        Value::Bool(flag) => Some(u8::from(flag).to_string()),
        Value::String(text) => Some(text),
        Value::Array(list) => {
            let words = list.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned));
            Some(words.collect::<Vec<_>>().join("\0"))
        }
        other => Some(other.to_string()),
    };
    Ok(object.into_iter().filter_map(|(name, value)| Some((name, plain(value)?))).collect())
}

/// What Perl's JSON parser says about the first thing it stumbles over.
fn complaint(text: &str) -> String {
    let inside = text.trim_start().strip_prefix('{');
    let (what, rest) = match inside {
        Some(rest) if !rest.trim_start().starts_with('"') => ("'\"' expected", rest.trim_start()),
        Some(rest) => {
            ("unexpected end of string while parsing JSON string", rest.get(rest.len()..).unwrap_or_default())
        }
        None => {
            ("malformed JSON string, neither tag, array, object, number, string or atom", text.trim_start())
        }
    };
    let offset = text.len() - rest.len();
    let before = if rest.is_empty() { "(end of string)" } else { rest };
    format!("{what}, at character offset {offset} (before \"{before}\")")
}
