//! Headers that tell the browser to load nothing but our own files and to show us in nobody's frame.

use std::sync::LazyLock;

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::assets::BootScript;

static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let boot = BootScript::source();
    let policy = format!(
        "default-src 'none'; script-src 'self' {boot}; style-src 'self'; img-src 'self'; connect-src 'self'; \
         form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    );
    HeaderValue::from_str(&policy).expect("a policy is printable")
});

const HEADERS: [(HeaderName, &str); 5] = [
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

/// Adds the headers to every answer.
pub async fn add(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, POLICY.clone());
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Half a year, so that somebody who gives https up again is not shut out for long. Only this name: what else runs under it is not ours.
const STRICT: HeaderValue = HeaderValue::from_static("max-age=15552000");

/// Tells browsers to come back by https only. For a public address that is https on its own port: browsers apply it to every port of
/// that name, and where Berth has another one, other programs may serve plain http there.
pub fn strict_transport() -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::overriding(header::STRICT_TRANSPORT_SECURITY, STRICT)
}
