//! A log as it grows, as an event stream.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::Query;
use axum::http::{HeaderMap, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use berth_domain::ContainerId;
use berth_operations::logs::{self, Batch, LogLine};
use futures::StreamExt as _;
use serde::Serialize;
use time::format_description::well_known::Rfc3339;

use super::{Asked, level};
use crate::WebError;
use crate::error::NodeTrouble;
use crate::extract::Call;
use crate::extract::path::{Id, Name};

/// Keeps proxies from closing an idle stream.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub(super) async fn system(
    call: Call,
    Id(id): Id<ContainerId>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Result<Response, WebError> {
    stream(&call, id, &asked, None, &headers).await
}

pub(super) async fn service(
    call: Call,
    Id(id): Id<ContainerId>,
    Name(name): Name,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Result<Response, WebError> {
    stream(&call, id, &asked, Some(name), &headers).await
}

/// Goes on after `Last-Event-ID`, else after where the address says, else now; ends with the session, or when the log cannot be read any more.
async fn stream(
    call: &Call,
    id: ContainerId,
    asked: &Asked,
    name: Option<String>,
    headers: &HeaderMap,
) -> Result<Response, WebError> {
    let last = headers.get("last-event-id").and_then(|value| value.to_str().ok());
    let after = last.unwrap_or(if asked.after.is_empty() { "now" } else { &asked.after });
    let batches = logs::follow(call.ctx(), call.user_id(), id, asked.wanted(name), after).await?;
    let events = call.while_logged_in(batches).map(|batch| Ok::<_, Infallible>(encode(batch)));
    let stream = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    // A proxy that buffers would hold the lines back; and nobody shall keep them.
    let buffering = header::HeaderName::from_static("x-accel-buffering");
    Ok(([(buffering, "no"), (header::CACHE_CONTROL, "no-store")], stream).into_response())
}

#[derive(Serialize)]
struct Lines<'a> {
    lines: Vec<Line<'a>>,
}

#[derive(Serialize)]
struct Line<'a> {
    at: Option<String>,
    level: &'static str,
    text: &'a str,
}

impl<'a> Line<'a> {
    fn of(line: &'a LogLine) -> Self {
        let at = line.at.and_then(|at| at.format(&Rfc3339).ok());
        Self { at, level: level(line), text: &line.text }
    }
}

#[derive(Serialize)]
struct Trouble {
    text: String,
}

fn encode(batch: berth_operations::Result<Batch>) -> Event {
    match batch {
        Ok(batch) => {
            let lines = Lines { lines: batch.lines.iter().map(Line::of).collect() };
            let json = serde_json::to_string(&lines).expect("lines are plain data");
            Event::default().id(batch.after).event("lines").data(json)
        }
        Err(error) => {
            let text = match WebError::from(error) {
                WebError::Node(trouble) => words(&trouble),
                WebError::Conflict(text) => text,
                error => {
                    tracing::error!(%error, "a followed log has failed");
                    "Something went wrong. It has been written to Berth's own log".into()
                }
            };
            let json = serde_json::to_string(&Trouble { text }).expect("a text is plain data");
            Event::default().event("trouble").data(json)
        }
    }
}

fn words(trouble: &NodeTrouble) -> String {
    format!("{}: {}. {}", trouble.node, trouble.cause, trouble.remedy)
}
