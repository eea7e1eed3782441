//! Sessions: who is logged in, and what the next page should say.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use berth_domain::user::User;
use berth_operations::sessions::SessionStore;
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use tower_sessions::cookie::SameSite;
use tower_sessions::{Expiry, Session, SessionManagerLayer};

use crate::WebError;
use crate::htmx::ByHtmx;
use crate::layout::{LayoutUser, Toast};

/// A session ends after this long without a request.
const IDLE: Duration = Duration::hours(2);
/// A session ends after this long in any case.
const LONGEST: Duration = Duration::hours(12);
const LOGIN: &str = "login";
const TOASTS: &str = "toasts";

/// The layer that keeps sessions: cookie `berth_session`, out of reach for scripts and other sites.
pub fn layer(store: SessionStore, secure: bool) -> SessionManagerLayer<SessionStore> {
    SessionManagerLayer::new(store)
        .with_name("berth_session")
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_secure(secure)
        .with_expiry(Expiry::OnInactivity(IDLE))
        // Every request lets the session slide, not only those that change it.
        .with_always_save(true)
}

/// What a session holds of a login: nothing of Proxmox but the name.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Login {
    user: User,
    at: OffsetDateTime,
}

/// Begins a session for somebody who has just logged in, under a new id.
pub async fn begin(session: &Session, user: User, now: OffsetDateTime) -> Result<(), WebError> {
    session.flush().await.map_err(WebError::internal)?;
    session.cycle_id().await.map_err(WebError::internal)?;
    session.insert(LOGIN, Login { user, at: now }).await.map_err(WebError::internal)
}

/// Ends the session.
pub async fn end(session: &Session) -> Result<(), WebError> {
    session.flush().await.map_err(WebError::internal)
}

/// Who is logged in. A session older than [`LONGEST`] is ended.
pub async fn user(session: &Session, now: OffsetDateTime) -> Result<Option<User>, WebError> {
    let Some(login) = session.get::<Login>(LOGIN).await.map_err(WebError::internal)? else { return Ok(None) };
    if now - login.at > LONGEST {
        end(session).await?;
        return Ok(None);
    }
    Ok(Some(login.user))
}

/// Keeps a message for the next page.
pub async fn add_toast(session: &Session, toast: Toast) -> Result<(), WebError> {
    let mut toasts: Vec<Toast> = session.get(TOASTS).await.map_err(WebError::internal)?.unwrap_or_default();
    toasts.push(toast);
    session.insert(TOASTS, toasts).await.map_err(WebError::internal)
}

/// Takes the messages that were kept.
pub async fn take_toasts(session: &Session) -> Result<Vec<Toast>, WebError> {
    Ok(session.remove(TOASTS).await.map_err(WebError::internal)?.unwrap_or_default())
}

/// What the frame of a page shows of a user.
pub fn layout_user(user: &User) -> LayoutUser {
    LayoutUser { userid: user.userid.clone(), login_host: user.login_host.to_string() }
}

/// A request that needs a login and has none.
#[derive(Debug)]
pub struct NotLoggedIn {
    by_htmx: ByHtmx,
    is_page: bool,
    next: String,
}

impl NotLoggedIn {
    /// Answers a page with the login, and a fragment or stream with 401.
    pub fn of(parts: &Parts) -> Self {
        let by_htmx = ByHtmx::of(&parts.headers);
        let is_page = parts.method == axum::http::Method::GET && !wants_stream(&parts.headers);
        Self { by_htmx, is_page, next: login_path(&parts.uri, is_page) }
    }
}

fn wants_stream(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).is_some_and(|accept| accept.as_bytes().starts_with(b"text/event-stream"))
}

fn login_path(uri: &Uri, is_page: bool) -> String {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    if !is_page || path == "/" {
        return "/login".to_owned();
    }
    let encoded: String =
        url::form_urlencoded::Serializer::new(String::new()).append_pair("next", path).finish();
    format!("/login?{encoded}")
}

impl IntoResponse for NotLoggedIn {
    fn into_response(self) -> Response {
        if self.by_htmx.0 {
            return (StatusCode::UNAUTHORIZED, [("hx-redirect", "/login")]).into_response();
        }
        if self.is_page {
            Redirect::to(&self.next).into_response()
        } else {
            StatusCode::UNAUTHORIZED.into_response()
        }
    }
}

/// Where to go after the login: a path of ours, else the dashboard. `//host` and `/\host` are other sites to a browser, and a header holds
/// no other characters than a URL does.
pub fn safe_next(next: &str) -> &str {
    let own = next.starts_with('/')
        && !next[1..].starts_with(['/', '\\'])
        && next.bytes().all(|byte| byte.is_ascii_graphic());
    if own { next } else { "/" }
}

/// The session that the layer has put in the request.
pub async fn of(parts: &mut Parts) -> Result<Session, WebError> {
    Session::from_request_parts(parts, &()).await.map_err(|(_, cause)| WebError::internal(cause))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_stays_on_this_site() {
        for (next, safe) in [
            ("/nodes?x=1", "/nodes?x=1"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("https://evil.example", "/"),
            ("", "/"),
            ("/a\r\nb", "/"),
            ("/ä", "/"),
            ("/\t/evil.example", "/"),
        ] {
            assert_eq!(safe_next(next), safe, "{next:?}");
        }
    }
}
