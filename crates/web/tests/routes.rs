//! Every route of the sources, as nobody, as somebody else and as the owner: a route that this does not know fails it. Run under
//! `scripts/with-services`.

#![allow(clippy::unwrap_used, reason = "a helper that fails here fails the test")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use axum::{Router, response::Response};
use berth_domain::creation::{CreationSpec, Features, NetworkSpec};
use berth_domain::network::{Ipv4, Ipv6};
use berth_domain::user::User;
use berth_domain::{Clock, ContainerId, CreationId, DraftId, Fingerprint, NodeId, Vmid};
use berth_operations::creation::{CreationForm, ProgressHub};
use berth_operations::queue::{self, Queue};
use berth_operations::sessions::SessionStore;
use berth_operations::{Context, Settings, drafts};
use berth_store::creations::NewCreation;
use berth_store::crypto::Key;
use berth_store::nodes::{NewNode, NodeDetails};
use berth_store::{Keyring, Redis, containers, creations, nodes, users};
use berth_testkit::database::Database;
use berth_web::AppState;
use berth_web::extract::client_ip::TrustedProxies;
use berth_web::extract::session;
use tower::ServiceExt as _;
use tower_sessions::Session;

/// What anybody may ask for.
const OPEN: &[(&str, &str)] = &[
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/static/{file}"),
    ("GET", "/login"),
    ("POST", "/login"),
    ("GET", "/login/realms"),
];

/// What everybody who is logged in has, each their own.
const OWN: &[(&str, &str)] = &[
    ("GET", "/"),
    ("GET", "/containers/new"),
    ("GET", "/templates"),
    ("POST", "/templates/discover"),
    ("GET", "/templates/{name}"),
    ("GET", "/packages"),
    ("GET", "/settings"),
    ("GET", "/settings/nodes"),
    ("POST", "/settings/nodes"),
    ("GET", "/settings/nodes/new"),
    ("POST", "/logout"),
];

/// Where the id of a path is whose: the longest beginning counts.
const OWNED: [(&str, Kind); 4] = [
    ("/containers/new/{id}/", Kind::Draft),
    ("/containers/{id}", Kind::Container),
    ("/creations/{id}", Kind::Creation),
    ("/settings/nodes/{id}/", Kind::Node),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Draft,
    Container,
    Creation,
    Node,
}

/// A method and a path as the sources have them.
type Route = (&'static str, String);

/// Every `.route("…", get(…).post(…))` of the sources.
fn routes() -> Vec<Route> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found: Vec<Route> = files(&sources).iter().flat_map(|file| routes_of(file)).collect();
    found.sort();
    found
}

fn routes_of(file: &Path) -> Vec<Route> {
    let text = std::fs::read_to_string(file).unwrap();
    let code = text.split("#[cfg(test)]").next().unwrap();
    let calls = code.split(".route(").skip(1).map(arguments);
    let routes = calls.flat_map(|arguments| {
        let (path, handlers) = arguments.trim().strip_prefix('"').unwrap().split_once('"').unwrap();
        let handlers: String = handlers.split_whitespace().collect();
        let of = |method: &str| {
            handlers.contains(&format!(",{method}(")) || handlers.contains(&format!(".{method}("))
        };
        let other = ["put", "patch", "delete", "any", "on", "head"].into_iter().find(|method| of(method));
        assert_eq!(other, None, "{path}: this test knows of get and post only");
        let methods = [("GET", of("get")), ("POST", of("post"))].into_iter().filter(|(_, has)| *has);
        let routes: Vec<Route> = methods.map(|(method, _)| (method, path.to_owned())).collect();
        assert!(!routes.is_empty(), "{path} in {} has no method that this test can read", file.display());
        routes
    });
    routes.collect()
}

/// A call's text up to the parenthesis that closes it.
fn arguments(rest: &str) -> &str {
    let mut depth = 1;
    let end = rest.find(|character| {
        depth += match character {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        depth == 0
    });
    &rest[..end.unwrap()]
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
}

fn is_among(table: &[(&str, &str)], (method, path): &Route) -> bool {
    table.iter().any(|(known, at)| known == method && at == path)
}

fn kind(path: &str) -> Option<Kind> {
    OWNED.into_iter().find(|(beginning, _)| path.starts_with(beginning)).map(|(_, kind)| kind)
}

/// The pages with a database of their own, one person who has one of each, and another who has nothing.
struct World {
    app: Router,
    ctx: Context,
    owner: User,
    stranger: User,
    node: NodeId,
    draft: DraftId,
    creation: CreationId,
    container: ContainerId,
    // Dropped last.
    _database: Database,
}

impl World {
    async fn new() -> Self {
        let database = Database::create().await;
        let ctx = context(&database).await;
        let hub = ProgressHub::start(ctx.pg.clone(), ctx.redis.clone()).await.unwrap();
        let state = AppState { ctx: ctx.clone(), hub, proxies: Arc::new(TrustedProxies::default()) };
        let (owner, stranger) = (person(&ctx, "root@pam").await, person(&ctx, "eve@pve").await);
        let node = node(&ctx, &owner).await;
        let draft = drafts::start(&ctx, owner.id, CreationForm::default()).await.unwrap().id;
        let (creation, container) = creation(&ctx, &owner, node).await;
        let app = berth_web::app(state, false);
        Self { app, ctx, owner, stranger, node, draft, creation, container, _database: database }
    }

    /// The path with the owner's ids.
    fn path(&self, route: &str) -> String {
        let id = match kind(route) {
            Some(Kind::Draft) => self.draft.to_string(),
            Some(Kind::Container) => self.container.to_string(),
            Some(Kind::Creation) => self.creation.to_string(),
            Some(Kind::Node) => self.node.to_string(),
            None => String::new(),
        };
        route.replace("{id}", &id).replace("{name}", "nginx").replace("{file}", "app.css")
    }

    /// The cookie of somebody who has just logged in.
    async fn cookie(&self, user: &User) -> String {
        let session = Session::new(None, Arc::new(SessionStore::new(self.ctx.redis.clone())), None);
        session::begin(&session, user.clone(), self.ctx.clock.now()).await.unwrap();
        session.save().await.unwrap();
        format!("berth_session={}", session.id().unwrap())
    }

    async fn ask(&self, route: &Route, headers: &[(&str, &str)]) -> (StatusCode, HeaderMap) {
        let mut request = Request::builder().method(route.0).uri(self.path(&route.1)).header("host", "berth");
        if route.0 == "POST" {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response: Response =
            self.app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        (response.status(), response.headers().clone())
    }

    /// What the owner has, to be compared.
    async fn belongings(&self) -> String {
        let Self { ctx, owner, .. } = self;
        let nodes = nodes::list(&ctx.pg, owner.id).await.unwrap();
        let drafts = berth_store::drafts::find(&ctx.pg, owner.id, self.draft).await.unwrap();
        let creation = creations::find(&ctx.pg, owner.id, self.creation).await.unwrap();
        let container = containers::find(&ctx.pg, owner.id, self.container).await.unwrap();
        format!("{nodes:#?}{drafts:#?}{creation:#?}{container:#?}")
    }
}

async fn context(database: &Database) -> Context {
    let url = std::env::var("REDIS_URL").expect("run the tests under scripts/with-services");
    let redis = Redis::connect(&url, 2).await.unwrap().isolated(&CreationId::new().to_string());
    Context {
        pg: database.pool.clone(),
        redis,
        keyring: Arc::new(Keyring::new(&Key::new([7; 32]), &[])),
        clock: Clock::system(),
        queue: Queue::new(queue::connect(&url).await.unwrap()),
        settings: Arc::new(Settings {
            container_templates: Path::new(env!("CARGO_MANIFEST_DIR")).join("../../container-templates"),
            ..Settings::default()
        }),
    }
}

async fn person(ctx: &Context, userid: &str) -> User {
    users::upsert_login(&ctx.pg, &"pve.lan:8006".parse().unwrap(), userid, ctx.clock.now()).await.unwrap()
}

/// A node that nobody answers for.
async fn node(ctx: &Context, owner: &User) -> NodeId {
    let new = NewNode {
        details: NodeDetails {
            name: "attic".into(),
            address: "127.0.0.1:1".parse().unwrap(),
            certificate: Some(Fingerprint::new([3; 32])),
            token_id: "root@pam!berth".parse().unwrap(),
            pve_node_name: "pve".into(),
            cluster: "host:pve".into(),
            pve_version: "9.2.11".into(),
            ssh: None,
        },
        token_secret: "a-token".into(),
        ssh_secret: None,
    };
    let mut conn = ctx.pg.acquire().await.unwrap();
    nodes::insert(&mut conn, owner.id, &new, &ctx.keyring, ctx.clock.now()).await.unwrap().id
}

/// One that a worker holds, with the container that it has made.
async fn creation(ctx: &Context, owner: &User, node_id: NodeId) -> (CreationId, ContainerId) {
    let spec = CreationSpec {
        vmid: Vmid::new(105).unwrap(),
        hostname: "web".into(),
        os_template: "local:vztmpl/debian-12.tar.zst".into(),
        cores: 1,
        memory: 512,
        swap: 256,
        storage: "local-ct".into(),
        disk: 4,
        network: NetworkSpec {
            bridge: "vmbr0".into(),
            vlan: None,
            ipv4: Ipv4::Dhcp,
            ipv6: Ipv6::None,
            firewall: false,
        },
        nameserver: None,
        search_domain: None,
        features: Features::default(),
        unprivileged: true,
        start_at_boot: false,
        ssh_public_keys: Vec::new(),
        tags: Vec::new(),
        container_template: None,
        packages: Vec::new(),
        scripts: Vec::new(),
        files: Vec::new(),
    };
    let mut conn = ctx.pg.acquire().await.unwrap();
    let new = NewCreation { node_id, spec, steps: Vec::new() };
    let id = creations::insert(&mut conn, owner.id, &new, ctx.clock.now()).await.unwrap().unwrap();
    creations::claim(&mut *conn, id, "worker", Duration::from_mins(1)).await.unwrap().unwrap();
    let container = containers::upsert_created(&mut conn, id, "worker", ctx.clock.now()).await.unwrap();
    (id, container)
}

#[test]
fn every_route_is_known() {
    let routes = routes();
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
}

#[tokio::test]
async fn nobody_gets_in() {
    let world = World::new().await;
    let forged = format!("berth_session={}", tower_sessions::session::Id::default());
    for route in routes().iter().filter(|route| !is_among(OPEN, route)) {
        for cookie in ["", "berth_session=nonsense", &forged] {
            let (status, headers) = world.ask(route, &[("cookie", cookie)]).await;
            let expected = if route.0 == "GET" { StatusCode::SEE_OTHER } else { StatusCode::UNAUTHORIZED };
            assert_eq!(status, expected, "{route:?} with the cookie {cookie:?}");
            if route.0 == "GET" {
                assert!(headers["location"].to_str().unwrap().starts_with("/login"), "{route:?}");
            }
        }
        let (status, headers) = world.ask(route, &[("hx-request", "true")]).await;
        assert_eq!(
            (status, &headers["hx-redirect"]),
            (StatusCode::UNAUTHORIZED, &"/login".parse().unwrap()),
            "{route:?}"
        );
        let (status, _) = world.ask(route, &[("accept", "text/event-stream")]).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{route:?} as a stream");
    }
    for route in routes().iter().filter(|route| is_among(OPEN, route)) {
        let (status, _) = world.ask(route, &[]).await;
        assert!(![StatusCode::UNAUTHORIZED, StatusCode::SEE_OTHER].contains(&status), "{route:?}: {status}");
    }
}

#[tokio::test]
async fn what_is_somebody_elses_is_not_found() {
    let world = World::new().await;
    let before = world.belongings().await;
    let cookie = world.cookie(&world.stranger).await;
    for route in routes().iter().filter(|route| kind(&route.1).is_some()) {
        for headers in [&[("cookie", &*cookie)][..], &[("cookie", &*cookie), ("hx-request", "true")]] {
            assert_eq!(world.ask(route, headers).await.0, StatusCode::NOT_FOUND, "{route:?}");
        }
    }
    assert_eq!(world.belongings().await, before);
}

/// Otherwise "not found" above would prove nothing.
#[tokio::test]
async fn the_owner_finds_it() {
    let world = World::new().await;
    let cookie = world.cookie(&world.owner).await;
    let mut routes: Vec<Route> = routes().into_iter().filter(|route| kind(&route.1).is_some()).collect();
    // What ends something comes last.
    routes.sort_by_key(|(method, path)| {
        (
            *method == "POST",
            ["/forget", "/discard", "/delete", "/remove"].iter().any(|end| path.ends_with(end)),
        )
    });
    for route in &routes {
        let (status, _) = world.ask(route, &[("cookie", &cookie)]).await;
        assert_ne!(status, StatusCode::NOT_FOUND, "{route:?}");
        assert_ne!(status, StatusCode::INTERNAL_SERVER_ERROR, "{route:?}");
    }
    for route in self::routes().iter().filter(|route| is_among(OWN, route) && route.1 != "/logout") {
        let (status, headers) = world.ask(route, &[("cookie", &cookie)]).await;
        let to_login = headers.get("location").is_some_and(|to| to.as_bytes().starts_with(b"/login"));
        assert!(status != StatusCode::UNAUTHORIZED && !to_login, "{route:?}: {status}");
    }
}
