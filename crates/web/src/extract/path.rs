//! Ids and names in paths.

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
        let id = of(parts, state, "id").await?;
        id.parse().map(Self).map_err(|_| WebError::NotFound)
    }
}

/// The path's `{name}`, with whatever characters it has.
#[derive(Debug, Clone)]
pub struct Name(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = WebError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, WebError> {
        of(parts, state, "name").await.map(Self)
    }
}

async fn of<S: Send + Sync>(parts: &mut Parts, state: &S, wanted: &str) -> Result<String, WebError> {
    let parameters = RawPathParams::from_request_parts(parts, state).await.map_err(|_| WebError::NotFound)?;
    let found = parameters.iter().find(|(name, _)| *name == wanted);
    found.map(|(_, value)| value.to_owned()).ok_or(WebError::NotFound)
}
