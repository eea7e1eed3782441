//! `GET /creations/{id}/events`: progress as it happens.

use std::convert::Infallible;
use std::time::Duration;

use axum::http::{HeaderMap, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use berth_domain::CreationId;
use berth_domain::creation::StoredEvent;
use berth_operations::creation;
use futures::StreamExt;

use crate::WebError;
use crate::extract::Call;
use crate::extract::path::Id;

/// Keeps proxies from closing an idle stream.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Replays what came after `Last-Event-ID`, then goes on live; ends with the creation, or with the session.
pub(super) async fn stream(
    call: Call,
    Id(id): Id<CreationId>,
    headers: HeaderMap,
) -> Result<Response, WebError> {
    let after = last_event_id(&headers);
    let events = creation::follow(call.ctx(), &call.state.hub, call.user_id(), id, after).await?;
    let events = call.while_logged_in(events).map(|event| Ok::<_, Infallible>(encode(&event)));
    let stream = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    // A proxy that buffers would hold the lines back; and nobody shall keep them.
    let buffering = header::HeaderName::from_static("x-accel-buffering");
    Ok(([(buffering, "no"), (header::CACHE_CONTROL, "no-store")], stream).into_response())
}

fn last_event_id(headers: &HeaderMap) -> i64 {
    let last = headers.get("last-event-id").and_then(|value| value.to_str().ok());
    last.and_then(|last| last.parse().ok()).unwrap_or(0)
}

fn encode(event: &StoredEvent) -> Event {
    let json = serde_json::to_string(event).expect("an event is plain data");
    Event::default().id(event.seq.to_string()).event(event.event.kind()).data(json)
}
