//! `GET /dashboard/events`: word of each change of the dashboard, so that a page fetches what it shows anew.

use std::convert::Infallible;
use std::time::Duration;

use axum::http::{HeaderName, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream;

use crate::WebError;
use crate::extract::Call;

/// Keeps proxies from closing an idle stream.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Nodes answer one after the other: what comes within this time is told as one.
const TOGETHER: Duration = Duration::from_millis(400);

/// Tells the version at once, then each new one; ends with the session.
pub(super) async fn stream(call: Call) -> Result<Response, WebError> {
    let (live, user) = (call.state.live.clone(), call.user_id());
    let watch = live.watch(user);
    let versions = stream::unfold((live, watch, None), move |(live, mut watch, told)| async move {
        loop {
            match live.dashboard(user).await {
                Ok(dashboard) if told != Some(dashboard.version) => {
                    let event = Event::default().event("changed").data(dashboard.version.to_string());
                    return Some((Ok::<_, Infallible>(event), (live, watch, Some(dashboard.version))));
                }
                Ok(_) => {}
                Err(error) => tracing::debug!(%error, "the dashboard cannot be read for now"),
            }
            watch.next().await;
            tokio::time::sleep(TOGETHER).await;
        }
    });
    let stream = Sse::new(call.while_logged_in(versions)).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    // A proxy that buffers would hold the word back; and nobody shall keep it.
    let buffering = HeaderName::from_static("x-accel-buffering");
    Ok(([(buffering, "no"), (header::CACHE_CONTROL, "no-store")], stream).into_response())
}
