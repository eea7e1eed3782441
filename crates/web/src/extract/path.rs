//! Ids in paths.

use std::str::FromStr;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;

use crate::WebError;

/// The path's `{id}`. What is no id names nothing: 404, as for somebody else's.
#[derive(Debug, Clone, Copy)]
pub struct Id<T>(pub T);

impl<S: Send + Sync, T: FromStr> FromRequestParts<S> for Id<T> {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, WebError> {
        let parameters =
            RawPathParams::from_request_parts(parts, state).await.map_err(|_| WebError::NotFound)?;
        let id = parameters.iter().find(|(name, _)| *name == "id").map(|(_, value)| value.to_owned());
        id.and_then(|id| id.parse().ok()).map(Self).ok_or(WebError::NotFound)
    }
}
