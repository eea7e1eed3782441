//! `GET /templates/contents/{hash}`.

use askama::Template;
use askama_web::WebTemplate;
use axum::extract::{Path, Query};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use berth_operations::container_templates;
use serde::Deserialize;

use crate::WebError;
use crate::extract::Call;
use crate::filters;

/// A text as part of a page.
#[derive(Template, WebTemplate)]
#[template(path = "container_templates/_content.html")]
struct ContentPart {
    /// Its id in the page.
    part: String,
    text: String,
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
pub(super) struct Wanted {
    part: String,
}

/// What a script or a file holds: a text to be read, or bytes to be kept. A browser runs neither.
pub(super) async fn show(
    call: Call,
    Path(hash): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, WebError> {
    let hash = hash.parse().map_err(|_| WebError::NotFound)?;
    let content = container_templates::content(call.ctx(), call.user_id(), &hash).await?;
    Ok(match String::from_utf8(content) {
        Ok(text) if text.contains('\0') => bytes(text.into_bytes()),
        Ok(text) if call.by_htmx.0 => ContentPart { part: wanted.part, text }.into_response(),
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response(),
        Err(error) => bytes(error.into_bytes()),
    })
}

fn bytes(content: Vec<u8>) -> Response {
    let headers =
        [(header::CONTENT_TYPE, "application/octet-stream"), (header::CONTENT_DISPOSITION, "attachment")];
    (headers, content).into_response()
}
