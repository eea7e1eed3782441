//! `/settings/sessions`: where somebody is logged in, and logging out there.

use axum::response::Response;
use berth_domain::SessionHandle;
use berth_operations::sessions;

use super::view::{SessionView, SessionsPage};
use crate::WebError;
use crate::extract::Call;
use crate::extract::path::Id;
use crate::layout::{Section, Tone};

const PATH: &str = "/settings/sessions";

/// This session first, then the others, the latest login first.
pub(super) async fn list(call: Call) -> Result<SessionsPage, WebError> {
    let mut sessions: Vec<SessionView> = sessions::list(call.ctx(), call.user_id())
        .await?
        .into_iter()
        .map(|session| SessionView {
            is_this: session.login.handle == call.handle,
            handle: session.login.handle,
            browser: session.login.browser,
            client: session.login.client.to_string(),
            since: session.login.at,
            seen: session.seen,
        })
        .collect();
    sessions.sort_by_key(|session| !session.is_this);
    let layout =
        call.layout("Where you are logged in", Section::Settings).await?.under("Settings", "/settings");
    Ok(SessionsPage { layout, sessions })
}

/// Logs one of them out.
pub(super) async fn log_out(call: Call, Id(handle): Id<SessionHandle>) -> Result<Response, WebError> {
    sessions::log_out(call.ctx(), call.user_id(), handle).await?;
    if handle == call.handle {
        return Ok(call.by_htmx.go_to("/login"));
    }
    call.go_to_saying(PATH, Tone::Success, "Logged that browser out").await
}

/// Logs all of them out but this one.
pub(super) async fn log_out_others(call: Call) -> Result<Response, WebError> {
    let text = match sessions::log_out_others(call.ctx(), call.user_id(), call.handle).await? {
        0 => "There was no other session".to_owned(),
        1 => "Logged out 1 other session".to_owned(),
        count => format!("Logged out {count} other sessions"),
    };
    call.go_to_saying(PATH, Tone::Success, text).await
}
