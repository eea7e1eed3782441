//! The root router only merges: each page module has its own `routes()`.

use axum::Router;

use crate::{WebError, assets, middleware};

/// All routes of `pages` with the static files, the answer to unknown addresses, and the layers around everything.
pub fn compose(pages: Router) -> Router {
    let routes = Router::new()
        .merge(pages)
        .merge(assets::routes())
        .fallback(async || WebError::NotFound)
        .method_not_allowed_fallback(async || axum::http::StatusCode::METHOD_NOT_ALLOWED);
    middleware::apply(routes)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::{Request, StatusCode};
    use axum::response::Response;
    use axum::routing::{get, post};
    use tower::ServiceExt;

    use super::*;
    use crate::error::NodeTrouble;

    fn app() -> Router {
        compose(
            Router::new()
                .route("/fine", get(async || "fine"))
                .route("/write", post(async || "written"))
                .route("/secret", get(async || WebError::internal("database password is hunter2")))
                .route("/panic", get(async || -> &'static str { panic!("planted") }))
                .route("/node", get(async || WebError::Node(Box::new(trouble())))),
        )
    }

    fn trouble() -> NodeTrouble {
        NodeTrouble {
            node: "attic".into(),
            cause: "The connection was refused".into(),
            remedy: "Check that <attic> is switched on".into(),
            retry: Some("/node".into()),
        }
    }

    async fn call(request: axum::http::request::Builder) -> (Response<()>, String) {
        let response = app().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        (Response::from_parts(parts, ()), String::from_utf8_lossy(&bytes).into_owned())
    }

    #[tokio::test]
    async fn every_answer_carries_the_security_headers() {
        for path in ["/fine", "/nowhere", "/secret", "/static/none.js"] {
            let (response, _) = call(Request::get(path)).await;
            let policy = response.headers()["content-security-policy"].to_str().unwrap();
            assert!(
                policy.starts_with("default-src 'none'") && !policy.contains("unsafe"),
                "{path}: {policy}"
            );
            assert_eq!(response.headers()["x-frame-options"], "DENY", "{path}");
            assert!(response.headers().contains_key("x-request-id"), "{path}");
        }
    }

    #[tokio::test]
    async fn an_unexpected_error_shows_its_request_id_and_nothing_more() {
        for path in ["/secret", "/panic"] {
            let (response, page) = call(Request::get(path)).await;
            assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
            assert!(page.contains(response.headers()["x-request-id"].to_str().unwrap()), "{path}");
            assert!(!page.contains("hunter2") && !page.contains("planted"), "{path}");
        }
    }

    #[tokio::test]
    async fn node_trouble_names_the_node_and_the_remedy() {
        let (response, page) = call(Request::get("/node")).await;
        assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
        assert!(
            page.contains("attic does not answer") && page.contains("&#60;attic&#62; is switched on"),
            "{page}"
        );
    }

    #[tokio::test]
    async fn htmx_gets_a_toast() {
        let (response, toast) = call(Request::get("/nowhere").header("hx-request", "true")).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert_eq!(response.headers()["hx-retarget"], "#toasts");
        assert!(!toast.contains("<html"), "{toast}");
    }

    #[tokio::test]
    async fn a_write_from_another_site_is_refused() {
        let cross = Request::post("/write").header("sec-fetch-site", "cross-site").header("host", "berth");
        assert_eq!(call(cross).await.0.status(), StatusCode::FORBIDDEN);
        let own = Request::post("/write").header("sec-fetch-site", "same-origin").header("host", "berth");
        assert_eq!(call(own).await.0.status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn files_are_kept_for_ever_and_pages_are_not() {
        let css = assets::asset("app.css").unwrap();
        let (response, _) = call(Request::get(&css).header("accept-encoding", "br")).await;
        assert_eq!(response.headers()["content-encoding"], "br");
        assert!(response.headers()["cache-control"].to_str().unwrap().contains("immutable"));
        let (response, _) = call(Request::get("/fine")).await;
        assert_eq!(response.headers()["cache-control"], "no-store");
    }
}
