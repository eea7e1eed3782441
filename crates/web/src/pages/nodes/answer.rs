//! The answer to a node's form: as a page, or live while the test runs. Nothing of it is kept here in between.

use std::convert::Infallible;

use askama::Template as _;
use axum::http::{HeaderMap, HeaderName, header};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use berth_operations::Error;
use berth_operations::nodes::{self, NodeForm as Typed, OnRow, Saving};
use futures::channel::mpsc::{UnboundedSender, unbounded};
use futures::{StreamExt as _, stream};
use serde_json::{Value, json};

use super::form::{Findings, Go, Subject, Submitted};
use super::form_view::{CheckFragment, NodeFormFragment, NodeFormPage};
use crate::WebError;
use crate::extract::Call;
use crate::forms::Rejected;
use crate::layout::Tone;

/// Where a form leads to that has done its work.
const LIST: &str = "/settings/nodes";

/// What a form led to.
enum Outcome {
    /// It is done, and the list says so.
    Done(String),
    /// The form is shown again.
    Again(Box<Findings>),
}

/// Does what the form asks: live where the browser can watch, else as a page when it is over.
pub(super) async fn answer(
    call: Call,
    headers: &HeaderMap,
    subject: Subject,
    submitted: Submitted,
) -> Result<Response, WebError> {
    if headers.get(header::ACCEPT).is_some_and(|accept| accept.as_bytes().starts_with(b"text/event-stream")) {
        return Ok(live(call, subject, submitted));
    }
    match outcome(&call, &subject, &submitted, &|_| {}).await? {
        Outcome::Done(said) => call.go_to_saying(LIST, Tone::Success, said).await,
        Outcome::Again(findings) => {
            let part = subject.part(&submitted.typed, &findings);
            let page = NodeFormPage { layout: subject.layout(&call).await?, part };
            Ok(if findings.passed() { page.into_response() } else { Rejected(page).into_response() })
        }
    }
}

async fn outcome(
    call: &Call,
    subject: &Subject,
    Submitted { go, typed }: &Submitted,
    on_row: OnRow<'_>,
) -> Result<Outcome, WebError> {
    let (ctx, user, id) = (call.ctx(), call.user_id(), subject.id());
    let result = match (go, id) {
        (Go::Rename, Some(id)) => nodes::rename(ctx, user, id, typed)
            .await
            .map(|()| Outcome::Done(format!("Renamed to {}", typed.name.trim()))),
        (Go::Test, _) => nodes::test(ctx, user, id, typed, on_row).await.map(|report| again(report, typed)),
        _ => nodes::save(ctx, user, id, typed, on_row).await.map(|saving| match saving {
            Saving::Saved { node, members } => Outcome::Done(said(&node.name, id.is_some(), &members)),
            Saving::NotYet(report) => again(*report, typed),
        }),
    };
    let findings = match result {
        Err(Error::Invalid(errors)) => Findings { errors: errors.into(), ..Findings::default() },
        Err(error @ (Error::Conflict(_) | Error::Node(_) | Error::Throttled { .. })) => {
            Findings { problem: Some(error.to_string()), ..Findings::default() }
        }
        other => return Ok(other?),
    };
    Ok(Outcome::Again(Box::new(findings)))
}

fn again(report: nodes::TestReport, typed: &Typed) -> Outcome {
    Outcome::Again(Box::new(Findings::from((report, typed))))
}

fn said(name: &str, edited: bool, members: &[String]) -> String {
    if edited {
        return format!("Saved {name}");
    }
    match members {
        [] => format!("Added {name}. You can create containers on it now"),
        [member] => format!("Added {name}. {member} is in the same cluster: add it below with one click"),
        _ => format!(
            "Added {name}. {} are in the same cluster: add them below with one click each",
            members.join(", ")
        ),
    }
}

/// `row` for each row as it is known, then `done`. When the browser hangs up, the test ends.
fn live(call: Call, subject: Subject, submitted: Submitted) -> Response {
    let (sender, events) = unbounded();
    let work = stream::once(watched(call, subject, submitted, sender)).filter_map(async |()| None);
    let stream = Sse::new(stream::select(events, work).map(Ok::<_, Infallible>));
    // A proxy that buffers would hold the rows back.
    ([(HeaderName::from_static("x-accel-buffering"), "no")], stream).into_response()
}

async fn watched(call: Call, subject: Subject, submitted: Submitted, sender: UnboundedSender<Event>) {
    // Nobody listens any more where sending fails.
    let send = |event| drop(sender.unbounded_send(event));
    let on_row = |row: &nodes::CheckRow| match (CheckFragment { row: row.into() }).render() {
        Ok(html) => send(Event::default().event("row").data(html)),
        Err(error) => tracing::error!(%error, "a row of a node's test cannot be shown"),
    };
    let done = match outcome(&call, &subject, &submitted, &on_row).await {
        Ok(Outcome::Done(said)) => call.say_later(Tone::Success, said).await.map(|()| json!({ "go": LIST })),
        Ok(Outcome::Again(findings)) => again_live(&subject, &submitted.typed, &findings),
        Err(error) => Err(error),
    };
    let done = done.or_else(|error| {
        tracing::error!(%error, "a node's form failed");
        let problem = Some("Something went wrong, and has been written to the log. Try again".into());
        again_live(&subject, &submitted.typed, &Findings { problem, ..Findings::default() })
    });
    // Else the stream ends without it, which the browser tells.
    if let Ok(done) = done {
        send(Event::default().event("done").data(done.to_string()));
    }
}

fn again_live(subject: &Subject, typed: &Typed, findings: &Findings) -> Result<Value, WebError> {
    let part = subject.part(typed, findings);
    Ok(json!({ "html": NodeFormFragment { part }.render()? }))
}
