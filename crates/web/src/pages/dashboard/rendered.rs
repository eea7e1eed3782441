//! Answers of the dashboard, kept for as long as they are true: what many tabs fetch after one change is rendered and compressed once.

use std::collections::VecDeque;
use std::io::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use berth_domain::UserId;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::WebError;
use crate::assets::takes;

const HX_REPLACE_URL: HeaderName = HeaderName::from_static("hx-replace-url");
/// So long, what an answer says of "in 4 s" and "3 s ago" is good enough.
const TRUE: Duration = Duration::from_secs(1);
/// Bytes of all that is kept.
const MOST: usize = 2 * 1024 * 1024;

/// What an answer was given to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) user: UserId,
    /// Of the dashboard.
    pub(super) version: u64,
    /// The address as a link would have it.
    pub(super) address: String,
    /// Only the part that changes.
    pub(super) by_htmx: bool,
    /// Whether it may be compressed.
    pub(super) gzip: bool,
}

impl Asked {
    /// Whether the browser takes a compressed answer.
    pub(super) fn takes_gzip(headers: &HeaderMap) -> bool {
        let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
        takes(accepted.unwrap_or(""), "gzip")
    }
}

/// An answer.
#[derive(Clone)]
pub(super) struct Answer {
    asked: Asked,
    made: Instant,
    /// Where the browser shows to be.
    address: String,
    body: Bytes,
}

impl Answer {
    pub(super) fn new(asked: Asked, address: String, html: String) -> Result<Self, WebError> {
        let body = if asked.gzip { compressed(&html).map_err(WebError::internal)? } else { html.into() };
        Ok(Self { asked, made: Instant::now(), address, body })
    }
}

fn compressed(html: &str) -> std::io::Result<Bytes> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(html.len() / 16), Compression::default());
    encoder.write_all(html.as_bytes())?;
    Ok(encoder.finish()?.into())
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = Body::from(self.body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        if self.asked.gzip {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        // The address as a link would have it, not with every empty field of the form.
        if let (true, Ok(address)) = (self.asked.by_htmx, HeaderValue::try_from(self.address)) {
            headers.insert(HX_REPLACE_URL, address);
        }
        response
    }
}

/// The answers of this process.
#[derive(Default)]
pub struct Rendered(Mutex<VecDeque<Answer>>);

impl Rendered {
    fn answers(&self) -> MutexGuard<'_, VecDeque<Answer>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn find(&self, asked: &Asked) -> Option<Answer> {
        self.answers().iter().find(|kept| kept.asked == *asked && kept.made.elapsed() < TRUE).cloned()
    }

    pub(super) fn keep(&self, answer: Answer) {
        let mut answers = self.answers();
        answers.retain(|kept| kept.made.elapsed() < TRUE && kept.asked != answer.asked);
        answers.push_back(answer);
        while answers.iter().map(|kept| kept.body.len()).sum::<usize>() > MOST {
            answers.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(user: UserId, version: u64, html: &str) -> Answer {
        let asked = Asked { user, version, address: "/".into(), by_htmx: false, gzip: false };
        Answer::new(asked, "/".into(), html.into()).unwrap()
    }

    #[test]
    fn an_answer_is_given_again_to_the_same_question_alone() {
        let (user, rendered) = (UserId::new(), Rendered::default());
        rendered.keep(answer(user, 1, "one"));
        let asked = answer(user, 1, "").asked;
        assert_eq!(rendered.find(&asked).unwrap().body, "one");
        assert!(rendered.find(&Asked { user: UserId::new(), ..asked.clone() }).is_none());
        assert!(rendered.find(&Asked { version: 2, ..asked.clone() }).is_none());
        assert!(rendered.find(&Asked { address: "/?q=x".into(), ..asked.clone() }).is_none());
        assert!(rendered.find(&Asked { by_htmx: true, ..asked.clone() }).is_none());
        assert!(rendered.find(&Asked { gzip: true, ..asked }).is_none());
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let (user, rendered) = (UserId::new(), Rendered::default());
        let large = "x".repeat(MOST / 4);
        for version in 0..10 {
            rendered.keep(answer(user, version, &large));
        }
        let kept: usize = rendered.answers().iter().map(|kept| kept.body.len()).sum();
        assert!(kept <= MOST && rendered.find(&answer(user, 9, "").asked).is_some(), "{kept}");
    }
}
