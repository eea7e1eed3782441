//! Turns an answer that failed into a page, or into a toast for htmx, and logs what only the log may know.

use askama::Template;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};

use super::request_id::RequestId;
use crate::error::{ErrorPage, ErrorToast, Failure, Message, WebError};
use crate::htmx::ByHtmx;
use crate::layout::{Layout, LayoutUser, Section};

/// Paths that machines read: their answers stay as they are.
const PLAIN: [&str; 3] = ["/healthz", "/readyz", "/static/"];

/// Renders failed answers that no page rendered itself. A [`LayoutUser`] in the answer's extensions keeps the user menu.
pub async fn render(request: Request, next: Next) -> Response {
    let by_htmx = ByHtmx::of(request.headers());
    let plain = PLAIN.iter().any(|path| request.uri().path().starts_with(path));
    let id = request.extensions().get::<RequestId>().map_or_else(String::new, |id| id.0.clone());
    let response = next.run(request).await;
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) || plain || has_own_body(response.headers()) {
        return response;
    }
    let failure = response.extensions().get::<Failure>().cloned();
    let error = failure.as_ref().map(|failure| &*failure.0);
    log(status, error, &id);
    let user = response.extensions().get::<LayoutUser>().cloned();
    let body = draw(by_htmx, status, Message::about(status, error, &id), user);
    keep_headers(response, by_htmx, status, body)
}

/// A page made by a handler, such as a form with its messages, or an answer that is not for reading.
fn has_own_body(headers: &HeaderMap) -> bool {
    if headers.contains_key("hx-redirect") {
        return true;
    }
    headers.get(header::CONTENT_TYPE).is_some_and(|value| !value.as_bytes().starts_with(b"text/plain"))
}

fn draw(
    by_htmx: ByHtmx,
    status: StatusCode,
    message: Message,
    user: Option<LayoutUser>,
) -> askama::Result<String> {
    if by_htmx.0 {
        return ErrorToast { message }.render();
    }
    let mut layout = Layout::new(message.title.clone(), Section::None);
    layout.user = user;
    ErrorPage { layout, status: status.as_u16(), message }.render()
}

/// The failed answer's headers (such as `Retry-After` and `Set-Cookie`) with the new body.
fn keep_headers(
    response: Response,
    by_htmx: ByHtmx,
    status: StatusCode,
    body: askama::Result<String>,
) -> Response {
    let mut headers = response.into_parts().0.headers;
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::CONTENT_TYPE);
    if by_htmx.0 {
        headers.insert(HeaderName::from_static("hx-retarget"), HeaderValue::from_static("#toasts"));
        headers.insert(HeaderName::from_static("hx-reswap"), HeaderValue::from_static("beforeend"));
        headers.insert(HeaderName::from_static("hx-reselect"), HeaderValue::from_static(".toast-card"));
    }
    match body {
        Ok(html) => (status, headers, Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "the error page itself failed");
            (status, headers).into_response()
        }
    }
}

fn log(status: StatusCode, error: Option<&WebError>, id: &str) {
    match error {
        Some(WebError::Internal(cause)) => {
            let mut chain = cause.to_string();
            let mut next = cause.source();
            while let Some(source) = next {
                chain = format!("{chain}: {source}");
                next = source.source();
            }
            tracing::error!(request_id = id, error = chain, "request failed");
        }
        Some(WebError::Node(trouble)) => {
            tracing::warn!(node = trouble.node, cause = trouble.cause, "node trouble");
        }
        _ if status.is_server_error() => {
            tracing::error!(request_id = id, status = status.as_u16(), "request failed");
        }
        _ => {}
    }
}
