//! One id per request: in the log, in the answer's header and on the page of an unexpected error.

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use uuid::Uuid;

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The id of the current request, in its extensions. Always made here: a sender must not write into our log.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// Makes the id and repeats it in the answer.
pub async fn assign(mut request: Request, next: Next) -> Response {
    let id = Uuid::new_v4().simple().to_string();
    request.extensions_mut().insert(RequestId(id.clone()));
    let mut response = next.run(request).await;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}
