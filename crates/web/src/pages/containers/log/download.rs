//! A whole log as a file.

use std::future::ready;

use axum::body::{Body, Bytes};
use axum::extract::Query;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use berth_domain::ContainerId;
use berth_operations::{Error, logs};
use futures::{Stream, StreamExt as _, stream};

use super::Asked;
use crate::WebError;
use crate::extract::Call;
use crate::extract::path::{Id, Name};

pub(super) async fn system(
    call: Call,
    Id(id): Id<ContainerId>,
    Query(asked): Query<Asked>,
) -> Result<Response, WebError> {
    file(&call, id, &asked, None).await
}

pub(super) async fn service(
    call: Call,
    Id(id): Id<ContainerId>,
    Name(name): Name,
    Query(asked): Query<Asked>,
) -> Result<Response, WebError> {
    file(&call, id, &asked, Some(name)).await
}

/// The same, but for that it breaks off when its reader is logged out.
fn while_logged_in(
    call: &Call,
    bytes: impl Stream<Item = berth_operations::Result<Bytes>> + Send + 'static,
) -> impl Stream<Item = berth_operations::Result<Bytes>> + Send + 'static {
    let ended = stream::once(ready(None));
    let broken_off = stream::once(ready(Some(Err(Error::Conflict("You were logged out".into())))));
    let guarded = call.while_logged_in(bytes.map(Some).chain(ended)).chain(broken_off);
    guarded.take_while(|item| ready(item.is_some())).filter_map(ready)
}

/// Hands on what the container tells, piece by piece. One that breaks off is no whole answer, which a browser tells.
async fn file(
    call: &Call,
    id: ContainerId,
    asked: &Asked,
    name: Option<String>,
) -> Result<Response, WebError> {
    let wanted = asked.wanted(name);
    let download =
        logs::download(call.ctx(), call.user_id(), id, &wanted.whose, wanted.source.clone()).await?;
    let disposition = format!("attachment; filename=\"{}\"", download.file_name);
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CONTENT_DISPOSITION, disposition.as_str()),
        // Packing a log of a gigabyte would only keep this machine busy.
        (header::CONTENT_ENCODING, "identity"),
    ];
    Ok((headers, Body::from_stream(while_logged_in(call, download.bytes))).into_response())
}
