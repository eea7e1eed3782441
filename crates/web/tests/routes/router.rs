//! What the router itself says of its routes, however they were put in: routed, merged, nested or as a service.

use std::collections::BTreeMap;

use axum::Router;

/// A method and a path, such as `GET` and `/creations/{id}`. `HEAD` comes with every `GET` and is not told.
pub(crate) type Route = (&'static str, String);

/// Every route of a router, from its `Debug`: axum tells them nowhere else.
///
/// Fails for what this cannot read: a route for any method, one with a method other than GET and POST, a nested service, and a `Debug` that
/// has changed.
pub(crate) fn routes(router: &Router) -> Vec<Route> {
    let text = format!("{router:?}");
    let text =
        text.strip_prefix("Router { path_router: PathRouter { routes: {").expect("axum tells its routes");
    let (endpoints, rest) = text.split_once("}, node: Node { paths: {").expect("axum tells its paths");
    let (paths, _) = rest.split_once("} } }, fallback_router: ").expect("axum tells its fallbacks last");
    let (endpoints, paths) = (by_id(endpoints), by_id(paths));
    assert_eq!(endpoints.keys().collect::<Vec<_>>(), paths.keys().collect::<Vec<_>>());
    let mut found: Vec<Route> = endpoints
        .iter()
        .flat_map(|(id, endpoint)| {
            let path = paths[id].trim_matches('"').to_owned();
            methods(&path, endpoint).into_iter().map(move |method| (method, path.clone()))
        })
        .collect();
    found.sort();
    found
}

/// `RouteId(1): a, RouteId(2): b` as a map.
fn by_id(text: &str) -> BTreeMap<&str, &str> {
    let entries = text.split("RouteId(").skip(1).map(|entry| {
        let (id, value) = entry.split_once("): ").expect("an id and what it stands for");
        (id, value.trim_end_matches(", "))
    });
    entries.collect()
}

fn methods(path: &str, endpoint: &str) -> Vec<&'static str> {
    let inner = endpoint.strip_prefix("MethodRouter(MethodRouter { ");
    let inner = inner.unwrap_or_else(|| panic!("{path} is a service of its own: {endpoint}"));
    assert!(inner.contains("allow_header: Bytes("), "{path} takes any method: say which");
    let has = |method: &str| {
        let field = format!("{method}: ");
        let at = inner.find(&field).unwrap_or_else(|| panic!("axum does not tell {method} of {path}"));
        !inner[at + field.len()..].starts_with("None")
    };
    for method in ["head", "delete", "options", "patch", "put", "trace", "connect"] {
        assert!(!has(method), "{path}: these tests know of GET and POST only, not of {method}");
    }
    let found: Vec<_> =
        [("GET", "get"), ("POST", "post")].into_iter().filter(|(_, field)| has(field)).collect();
    assert!(!found.is_empty(), "{path} has no method");
    found.into_iter().map(|(method, _)| method).collect()
}

#[test]
fn routes_are_found_however_they_were_put_in() {
    use axum::routing::{get, post};
    let inner = Router::new().route("/deep", get(async || "")).route("/deep/{id}", post(async || ""));
    let router = Router::new()
        .route("/", get(async || "").post(async || ""))
        .merge(Router::new().route("/merged", axum::routing::MethodRouter::new().get(async || "")))
        .nest("/nested", inner)
        .fallback(async || "")
        .method_not_allowed_fallback(async || "")
        .layer(axum::middleware::from_fn(async |request, next: axum::middleware::Next| {
            next.run(request).await
        }));
    let expected = [
        ("GET", "/"),
        ("GET", "/merged"),
        ("GET", "/nested/deep"),
        ("POST", "/"),
        ("POST", "/nested/deep/{id}"),
    ];
    assert_eq!(routes(&router), expected.map(|(method, path)| (method, path.to_owned())));
    for unreadable in [
        Router::new().route("/any", axum::routing::any(async || "")),
        Router::new().route("/put", axum::routing::put(async || "").get(async || "")),
        Router::new().nest_service("/service", Router::<()>::new()),
    ] {
        assert!(
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| routes(&unreadable))).is_err(),
            "{unreadable:?}"
        );
    }
}
