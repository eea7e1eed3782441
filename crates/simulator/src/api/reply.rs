//! Answers in Proxmox's shape: status, reason phrase, headers, body.

use std::io::Write;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::ext::ReasonPhrase;
use hyper::header::{self, HeaderValue};
use hyper::{Response, StatusCode};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::clock;
use crate::state::ApiError;

/// Bodies below this are not worth compressing.
const COMPRESS_FROM: usize = 1024;

/// What a method returns.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// The `data` member.
    pub data: Value,
    /// The `total` member, left out when zero.
    pub total: usize,
}

impl From<Value> for Answer {
    fn from(data: Value) -> Self {
        Self { data, total: 0 }
    }
}

/// Which of the two notations was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notation {
    /// `/api2/json`.
    Json,
    /// `/api2/extjs`: always status 200.
    ExtJs,
}

/// An answer ready to be sent.
#[derive(Debug, Clone)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Reason phrase.
    pub reason: String,
    /// With a content type only when there is one.
    pub content_type: Option<&'static str>,
    /// The whole body.
    pub body: Bytes,
}

const JSON: &str = "application/json;charset=UTF-8";

impl Reply {
    /// The text is only in the reason phrase.
    pub fn bare(status: u16, reason: &str) -> Self {
        Self { status, reason: reason.to_owned(), content_type: None, body: Bytes::new() }
    }

    /// The text is reason phrase and body.
    pub fn text(status: u16, reason: &str, body: String) -> Self {
        Self { body: body.into(), ..Self::bare(status, reason) }
    }

    fn json(status: u16, reason: &str, body: &Value) -> Self {
        Self { content_type: Some(JSON), ..Self::text(status, reason, body.to_string()) }
    }

    /// A result in the notation asked for.
    pub fn of(result: Result<Answer, ApiError>, notation: Notation) -> Self {
        match result {
            Ok(answer) => {
                let mut body = json!({ "data": answer.data });
                if notation == Notation::ExtJs {
                    body["success"] = json!(1);
                }
                if answer.total > 0 {
                    body["total"] = json!(answer.total);
                }
                Self::json(200, "OK", &body)
            }
            Err(error) => Self::failed(&error, notation),
        }
    }

    fn failed(error: &ApiError, notation: Notation) -> Self {
        // An unreachable member: nobody was there to write a body.
        if matches!(error.status, 595 | 596) {
            return Self::bare(error.status, &error.message);
        }
        // The only text that comes without a newline is the router's own.
        let message = if error.status == 501 {
            error.message.clone()
        } else {
            format!("{}\n", error.message.trim_end())
        };
        let mut body = json!({ "data": null, "message": message });
        if !error.errors.is_empty() {
            body["errors"] = json!(error.errors);
        }
        if notation == Notation::ExtJs {
            body["success"] = json!(0);
            body["status"] = if error.status == 400 { json!("400") } else { json!(error.status) };
            return Self::json(200, "OK", &body);
        }
        Self::json(error.status, &error.message, &body)
    }

    /// As a response; `gzip` when the caller takes that.
    pub fn into_response(self, gzip: bool) -> Response<http_body_util::Full<Bytes>> {
        let pressed = (gzip && self.body.len() > COMPRESS_FROM).then(|| press(&self.body)).flatten();
        let mut response = Response::builder()
            .status(StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
            .header(header::CACHE_CONTROL, "max-age=0")
            .header(header::PRAGMA, "no-cache")
            .header(header::SERVER, "pve-api-daemon/3.0")
            .header(header::EXPIRES, http_date())
            .header(header::CONNECTION, if self.status < 400 { "Keep-Alive" } else { "close" });
        if let Some(kind) = self.content_type {
            response = response.header(header::CONTENT_TYPE, kind);
        }
        if pressed.is_some() {
            response = response.header(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        let first_line = self.reason.lines().next().unwrap_or_default();
        let printable: Vec<u8> = first_line.bytes().filter(|byte| *byte >= b' ' && *byte != 127).collect();
        if let Ok(reason) = ReasonPhrase::try_from(printable) {
            response = response.extension(reason);
        }
        let body = pressed.map_or(self.body, Bytes::from);
        response.body(http_body_util::Full::new(body)).expect("the headers are constant and valid")
    }
}

fn press(body: &Bytes) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).ok()?;
    encoder.finish().ok()
}

fn http_date() -> String {
    let now = OffsetDateTime::from_unix_timestamp(clock::now()).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let weekday = now.weekday().to_string();
    let month = now.month().to_string();
    let (hour, minute, second) = now.to_hms();
    format!(
        "{}, {:02} {} {} {hour:02}:{minute:02}:{second:02} GMT",
        &weekday[..3],
        now.day(),
        &month[..3],
        now.year()
    )
}
