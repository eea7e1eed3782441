//! What every request passes through, outermost first: id, trace, headers, compression, error pages, deadline.

pub mod error_pages;
pub mod request_id;
pub mod security_headers;

use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::middleware::from_fn;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::csrf::CsrfLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;
use tracing::Span;

use self::request_id::RequestId;

/// Longest time until an answer begins. The test of a node takes up to 10 s; an event stream may last as long as it likes.
const DEADLINE: Duration = Duration::from_secs(30);

/// Largest body of a request, in bytes. Who takes files has a limit of their own.
pub const BODY_LIMIT: usize = 1024 * 1024;

/// Puts the layers around all routes. Compression leaves event streams and precompressed files alone.
pub fn apply(routes: Router) -> Router {
    routes.layer(
        ServiceBuilder::new()
            .layer(from_fn(request_id::assign))
            .layer(TraceLayer::new_for_http().make_span_with(span).on_response(log).on_failure(()))
            .layer(from_fn(security_headers::add))
            .layer(SetResponseHeaderLayer::if_not_present(
                header::CACHE_CONTROL,
                HeaderValue::from_static("no-store"),
            ))
            .layer(CompressionLayer::new())
            .layer(from_fn(error_pages::render))
            .layer(CatchPanicLayer::new())
            .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, DEADLINE))
            .layer(CsrfLayer::new()),
    )
}

/// The path without its query: a query may hold what somebody typed.
fn span<B>(request: &Request<B>) -> Span {
    let id = request.extensions().get::<RequestId>().map_or("", |id| id.0.as_str());
    tracing::info_span!("request", id, method = %request.method(), path = request.uri().path())
}

fn log<B>(response: &Response<B>, latency: Duration, _: &Span) {
    let milliseconds = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
    tracing::info!(status = response.status().as_u16(), milliseconds, "answered");
}
