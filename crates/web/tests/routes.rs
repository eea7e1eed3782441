//! Every route that the router has, as nobody, as somebody else and as the owner: a route that this does not know fails it. Run under
//! `scripts/with-services`.

#![allow(clippy::unwrap_used, reason = "a helper that fails here fails the test")]

#[path = "routes/authoring.rs"]
mod authoring;
#[path = "routes/forged.rs"]
mod forged;
#[path = "routes/limits.rs"]
mod limits;
#[path = "routes/no_nodes.rs"]
mod no_nodes;
#[path = "routes/nodes_list.rs"]
mod nodes_list;
#[path = "routes/router.rs"]
mod router;
#[path = "routes/sessions.rs"]
mod sessions;
#[path = "routes/world.rs"]
mod world;

use axum::http::{HeaderMap, StatusCode};

use router::Route;
use world::{Ids, World};

/// What anybody may ask for.
const OPEN: &[(&str, &str)] = &[
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/static/{file}"),
    ("GET", "/login"),
    ("POST", "/login"),
    ("GET", "/login/realms"),
    ("POST", "/login/second-factor"),
    ("GET", "/login/second-factor"),
];

/// What everybody who is logged in has, each their own.
const OWN: &[(&str, &str)] = &[
    ("GET", "/"),
    ("GET", "/containers/adopt"),
    ("POST", "/containers/adopt"),
    ("GET", "/history"),
    ("GET", "/containers/new"),
    ("GET", "/containers/new/vmid"),
    ("GET", "/templates"),
    ("POST", "/templates/discover"),
    ("POST", "/templates"),
    ("GET", "/templates/new"),
    ("GET", "/templates/contents/{hash}"),
    ("GET", "/packages"),
    ("POST", "/packages"),
    ("GET", "/packages/new"),
    ("GET", "/settings"),
    ("GET", "/settings/nodes"),
    ("POST", "/settings/nodes"),
    ("GET", "/settings/nodes/new"),
    ("GET", "/settings/sessions"),
    ("POST", "/settings/sessions/log-out-others"),
    ("GET", "/dashboard/events"),
    ("POST", "/logout"),
];

/// Where the id of a path is whose: the longest beginning counts.
const OWNED: [(&str, Kind); 7] = [
    ("/containers/new/{id}/", Kind::Draft),
    ("/containers/{id}", Kind::Container),
    ("/creations/{id}", Kind::Creation),
    ("/packages/{id}", Kind::PackageBucket),
    ("/templates/{id}", Kind::ContainerTemplate),
    ("/settings/nodes/{id}/", Kind::Node),
    ("/settings/sessions/{id}/", Kind::Session),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    ContainerTemplate,
    Draft,
    Container,
    Creation,
    Node,
    PackageBucket,
    Session,
}

fn is_among(table: &[(&str, &str)], (method, path): &Route) -> bool {
    table.iter().any(|(known, at)| known == method && at == path)
}

fn kind(path: &str) -> Option<Kind> {
    OWNED.into_iter().find(|(beginning, _)| path.starts_with(beginning)).map(|(_, kind)| kind)
}

impl World {
    /// Every route that the application has, with HEAD for each GET.
    fn routes(&self) -> Vec<Route> {
        let routes = router::routes(&self.app);
        let heads =
            routes.iter().filter(|(method, _)| *method == "GET").map(|(_, path)| ("HEAD", path.clone()));
        heads.chain(routes.clone()).collect()
    }

    /// Those that need a session.
    fn closed(&self) -> Vec<Route> {
        let is_open = |(method, path): &Route| {
            is_among(OPEN, &(if *method == "HEAD" { "GET" } else { method }, path.clone()))
        };
        self.routes().into_iter().filter(|route| !is_open(route)).collect()
    }

    /// Those with an id of something that somebody has.
    fn owned(&self) -> Vec<Route> {
        self.routes().into_iter().filter(|route| kind(&route.1).is_some()).collect()
    }

    /// A page asks to log in and comes back, all else is refused: with these headers nobody is logged in.
    async fn assert_nobody(&self, route: &Route, headers: &[(&str, &str)]) {
        let answer = self.ask(route, headers).await;
        if route.0 == "POST" {
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{route:?} with {headers:?}");
            return;
        }
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{route:?} with {headers:?}");
        let path = self.owners_path(&route.1);
        let encoded = path.replace('/', "%2F");
        let expected = if path == "/" { "/login".into() } else { format!("/login?next={encoded}") };
        assert_eq!(location(answer.headers()), expected, "{route:?}");
    }
}

fn location(headers: &HeaderMap) -> &str {
    headers.get("location").map_or("", |to| to.to_str().unwrap())
}

#[tokio::test]
async fn every_route_is_known() {
    let world = World::new().await;
    let routes = router::routes(&world.app);
    for route in &routes {
        let (open, own, owned) = (is_among(OPEN, route), is_among(OWN, route), kind(&route.1));
        assert!(
            [open, own, owned.is_some()].into_iter().filter(|known| *known).count() == 1,
            "{} {} is new: say in OPEN, OWN or OWNED whose it is",
            route.0,
            route.1
        );
    }
    for (method, path) in OPEN.iter().chain(OWN) {
        assert!(routes.contains(&(*method, (*path).to_owned())), "there is no {method} {path} any more");
    }
    for (beginning, _) in OWNED {
        assert!(
            routes.iter().any(|(_, path)| path.starts_with(beginning)),
            "nothing is below {beginning} any more"
        );
    }
    // Nothing hides behind the answer to unknown addresses either.
    assert_eq!(world.send("GET", "/nowhere", &[]).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn nobody_gets_in() {
    let world = World::new().await;
    for route in &world.closed() {
        world.assert_nobody(route, &[]).await;
        let answer = world.ask(route, &[("hx-request", "true")]).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{route:?} by htmx");
        let login = answer.headers().get("hx-redirect").map(|to| to.to_str().unwrap());
        assert!(
            login.is_some_and(|to| to == "/login" || to.starts_with("/login?next=")),
            "{route:?}: {login:?}"
        );
        let answer = world.ask(route, &[("accept", "text/event-stream")]).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{route:?} as a stream");
    }
    for route in world.routes().iter().filter(|route| is_among(OPEN, route)) {
        let answer = world.ask(route, &[]).await;
        let status = answer.status();
        if route.1 == "/login/second-factor" {
            // Nothing waits for one.
            assert!(location(answer.headers()).starts_with("/login"), "{route:?}: {status}");
            continue;
        }
        assert!(![StatusCode::UNAUTHORIZED, StatusCode::SEE_OTHER].contains(&status), "{route:?}: {status}");
    }
}

/// Nor is it told from what never was, and nothing of it changes.
#[tokio::test]
async fn what_is_somebody_elses_is_not_found() {
    let world = World::new().await;
    let before = world.database.text().await;
    let cookie = world.cookie(&world.stranger).await;
    for route in &world.owned() {
        for more in [None, Some(("hx-request", "true")), Some(("accept", "text/event-stream"))] {
            let headers: Vec<_> = [Some(("cookie", cookie.as_str())), more].into_iter().flatten().collect();
            let foreign = world.whole(route, Ids::Owners, &headers).await;
            assert_eq!(foreign.0, StatusCode::NOT_FOUND, "{route:?} with {more:?}");
            assert_eq!(foreign, world.whole(route, Ids::Unused, &headers).await, "{route:?} with {more:?}");
        }
    }
    assert_eq!(world.database.text().await, before);
}

/// Otherwise "not found" above would prove nothing.
#[tokio::test]
async fn the_owner_finds_it() {
    let world = World::new().await;
    let cookie = world.cookie(&world.owner).await;
    let mut routes = world.owned();
    // What ends something comes last.
    routes.sort_by_key(|(method, path)| {
        (
            *method == "POST",
            ["/forget", "/discard", "/delete", "/remove"].iter().any(|end| path.ends_with(end)),
        )
    });
    for route in &routes {
        let status = world.ask(route, &[("cookie", &cookie)]).await.status();
        assert_ne!(status, StatusCode::NOT_FOUND, "{route:?}");
        assert_ne!(status, StatusCode::INTERNAL_SERVER_ERROR, "{route:?}");
    }
    for route in world.routes().iter().filter(|route| is_among(OWN, route) && route.1 != "/logout") {
        let answer = world.ask(route, &[("cookie", &cookie)]).await;
        let (status, to_login) = (answer.status(), location(answer.headers()).starts_with("/login"));
        assert!(status != StatusCode::UNAUTHORIZED && !to_login, "{route:?}: {status}");
    }
}
