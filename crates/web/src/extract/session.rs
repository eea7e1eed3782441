//! Sessions: who is logged in, and what the next page should say.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use berth_domain::SessionHandle;
use berth_domain::user::User;
use berth_operations::login::PendingLoginId;
use berth_operations::sessions::{IDLE, LOGIN, Login, SessionStore};
use time::{Duration, OffsetDateTime};
use tower_sessions::cookie::SameSite;
use tower_sessions::{Expiry, Session, SessionManagerLayer};

use super::browser;
use crate::WebError;
use crate::htmx::ByHtmx;
use crate::layout::{LayoutUser, Toast};

const TOASTS: &str = "toasts";
const MOST_TOASTS: usize = 5;
/// Characters of a message.
const LONGEST_TOAST: usize = 300;
/// Bytes of an address to go to; longer ones are none of ours.
const LONGEST_NEXT: usize = 1000;
/// Epoch seconds of when the session was last let slide.
const TOUCHED: &str = "touched";
/// Pages that come sooner after one another are one sign of life: each costs several round trips to Redis.
const TOUCH: Duration = Duration::minutes(1);
/// Where a session that is not logged in keeps what waits for a second factor.
const PENDING: &str = "pending";

/// The layer that keeps sessions: cookie `berth_session`, out of reach for scripts and other sites.
pub fn layer(store: SessionStore, secure: bool) -> SessionManagerLayer<SessionStore> {
    SessionManagerLayer::new(store)
        .with_name("berth_session")
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_secure(secure)
        .with_expiry(slides())
}

const fn slides() -> Expiry {
    Expiry::OnInactivity(IDLE)
}

/// Where and how somebody logs in, for the list of their sessions.
#[derive(Debug, Clone)]
pub struct Device {
    /// The browser's address.
    pub client: IpAddr,
    /// What it calls itself, in a few words.
    pub browser: String,
}

impl Device {
    /// Of a request with these headers.
    pub fn of(client: IpAddr, headers: &HeaderMap) -> Self {
        Self { client, browser: browser::name(headers) }
    }
}

/// Begins a session for somebody who has just logged in, under a new id.
pub async fn begin(
    session: &Session,
    user: User,
    now: OffsetDateTime,
    device: Device,
) -> Result<(), WebError> {
    let Device { client, browser } = device;
    let login = Login { user, at: now, handle: SessionHandle::new(), client, browser };
    renew(session).await?;
    session.insert(LOGIN, login).await.map_err(WebError::internal)
}

/// Keeps what waits for a second factor, under a new id: a session that somebody else planted must not finish it.
/// Nobody is logged in by that.
pub async fn begin_pending(session: &Session, id: PendingLoginId) -> Result<(), WebError> {
    renew(session).await?;
    session.insert(PENDING, id).await.map_err(WebError::internal)
}

/// What waits for a second factor in this browser.
pub async fn pending(session: &Session) -> Result<Option<PendingLoginId>, WebError> {
    session.get(PENDING).await.map_err(WebError::internal)
}

async fn renew(session: &Session) -> Result<(), WebError> {
    session.flush().await.map_err(WebError::internal)?;
    session.cycle_id().await.map_err(WebError::internal)
}

/// Ends the session.
pub async fn end(session: &Session) -> Result<(), WebError> {
    session.flush().await.map_err(WebError::internal)
}

/// The login of this session; the store ends those that are idle or too old.
pub async fn login(session: &Session) -> Result<Option<Login>, WebError> {
    session.get(LOGIN).await.map_err(WebError::internal)
}

/// Lets the session slide: it is stored again after the answer, as seen now; once in a while is enough. Not for what goes on without the person.
pub async fn touch(session: &Session, now: OffsetDateTime) -> Result<(), WebError> {
    let seen: Option<i64> = session.get(TOUCHED).await.map_err(WebError::internal)?;
    let is_recent = |seen| (0..TOUCH.whole_seconds()).contains(&(now.unix_timestamp() - seen));
    if seen.is_some_and(is_recent) {
        return Ok(());
    }
    session.insert(TOUCHED, now.unix_timestamp()).await.map_err(WebError::internal)
}

/// Keeps a message for the next page, which may never come: the last few messages stay, and of long ones the beginning.
pub async fn add_toast(session: &Session, mut toast: Toast) -> Result<(), WebError> {
    let mut toasts: Vec<Toast> = session.get(TOASTS).await.map_err(WebError::internal)?.unwrap_or_default();
    if let Some((end, _)) = toast.text.char_indices().nth(LONGEST_TOAST) {
        toast.text.truncate(end);
        toast.text.push('…');
    }
    toasts.push(toast);
    toasts.drain(..toasts.len().saturating_sub(MOST_TOASTS));
    session.insert(TOASTS, toasts).await.map_err(WebError::internal)
}

/// Takes the messages that were kept.
pub async fn take_toasts(session: &Session) -> Result<Vec<Toast>, WebError> {
    // Taking out what is not there would store the session again all the same.
    if session.get_value(TOASTS).await.map_err(WebError::internal)?.is_none() {
        return Ok(Vec::new());
    }
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
        let reads = matches!(parts.method, Method::GET | Method::HEAD);
        let is_page = reads && !wants_stream(&parts.headers);
        let next = if by_htmx.0 { current_page(&parts.headers) } else { login_path(&parts.uri, is_page) };
        Self { by_htmx, is_page, next }
    }
}

/// Whether a page asks without its reader, who may have left long ago: for an event stream, or for what has changed.
pub(super) fn goes_on_by_itself(headers: &HeaderMap) -> bool {
    wants_stream(headers) || headers.contains_key("x-berth-auto")
}

/// Whether an event stream is asked for.
fn wants_stream(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).is_some_and(|accept| accept.as_bytes().starts_with(b"text/event-stream"))
}

fn login_path(uri: &Uri, is_page: bool) -> String {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    if is_page { with_next("/login", path) } else { "/login".to_owned() }
}

/// The login, and after it the page that htmx asked from.
fn current_page(headers: &HeaderMap) -> String {
    let current = headers.get("hx-current-url").and_then(|value| value.to_str().ok());
    let current = current.and_then(|current| url::Url::parse(current).ok());
    current.map_or_else(
        || "/login".to_owned(),
        |current| with_next("/login", &current[url::Position::BeforePath..url::Position::AfterQuery]),
    )
}

/// `page` with where to go after the login; the dashboard needs no word.
pub fn with_next(page: &str, next: &str) -> String {
    let next = safe_next(next);
    if next == "/" {
        return page.to_owned();
    }
    let encoded: String =
        url::form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
    let separator = if page.contains('?') { '&' } else { '?' };
    format!("{page}{separator}{encoded}")
}

impl IntoResponse for NotLoggedIn {
    fn into_response(self) -> Response {
        if self.by_htmx.0 {
            return (StatusCode::UNAUTHORIZED, [("hx-redirect", self.next)]).into_response();
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
    let own = next.len() <= LONGEST_NEXT
        && next.starts_with('/')
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
            (&format!("/{}", "x".repeat(LONGEST_NEXT)), "/"),
        ] {
            assert_eq!(safe_next(next), safe, "{next:?}");
        }
    }

    #[test]
    fn htmx_comes_back_to_the_page_it_was_on() {
        for (current, to) in [
            ("http://berth.lan/settings/nodes?x=1#top", "/login?next=%2Fsettings%2Fnodes%3Fx%3D1"),
            ("https://evil.example/settings", "/login?next=%2Fsettings"),
            ("https://evil.example//evil.example", "/login"),
            ("http://berth.lan/", "/login"),
            ("javascript:alert(1)", "/login"),
            ("nonsense", "/login"),
        ] {
            let headers =
                HeaderMap::from_iter([("hx-current-url".parse().unwrap(), current.parse().unwrap())]);
            assert_eq!(current_page(&headers), to, "{current}");
        }
        assert_eq!(with_next("/login?ended=1", "/x?y=1"), "/login?ended=1&next=%2Fx%3Fy%3D1");
    }
}
