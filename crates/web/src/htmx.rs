//! The few places where a request made by htmx is answered differently from one made by the browser.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};

const HX_REQUEST: HeaderName = HeaderName::from_static("hx-request");
const HX_REDIRECT: HeaderName = HeaderName::from_static("hx-redirect");

/// Whether the request was made by htmx, which swaps a part of the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByHtmx(pub bool);

impl ByHtmx {
    /// Reads the header that htmx sends with every request.
    pub fn of(headers: &HeaderMap) -> Self {
        Self(headers.get(HX_REQUEST).is_some_and(|value| value == "true"))
    }

    /// Goes to another page: 303 for a browser, `HX-Redirect` for htmx (which would swap the answer of a redirect).
    pub fn go_to(self, path: &str) -> Response {
        if self.0 {
            (StatusCode::NO_CONTENT, [(HX_REDIRECT, path.to_owned())]).into_response()
        } else {
            Redirect::to(path).into_response()
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ByHtmx {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.headers))
    }
}
