//! The pages with a database of their own, somebody who has one of each thing, and a stranger.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::body::Body;
use axum::http::{HeaderMap, Request, Response, StatusCode};
use axum::{Router, body};
use berth_domain::container_template::{ContainerTemplate, Defaults, Script};
use berth_domain::creation::{CreationSpec, Features, NetworkSpec};
use berth_domain::discovery::{Service, ServiceKind, ServiceState};
use berth_domain::network::{Ipv4, Ipv6};
use berth_domain::user::User;
use berth_domain::{
    Clock, ContainerId, ContainerTemplateId, CreationId, DraftId, Fingerprint, NodeId, PackageBucketId,
    SessionHandle, Vmid,
};
use berth_operations::creation::{CreationForm, ProgressHub};
use berth_operations::dashboard::Live;
use berth_operations::queue::{self, Queue};
use berth_operations::sessions::SessionStore;
use berth_operations::{Context, Settings, drafts};
use berth_store::containers::Found;
use berth_store::creations::NewCreation;
use berth_store::crypto::Key;
use berth_store::nodes::{NewNode, NodeDetails};
use berth_store::{
    Keyring, Redis, container_templates, containers, creations, nodes, package_buckets, users,
};
use berth_testkit::database::Database;
use berth_web::AppState;
use berth_web::extract::session;
use time::Duration;
use tower::ServiceExt as _;
use tower_sessions::Session;

use crate::{Kind, Route, kind};

/// Which ids stand in a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ids {
    /// What the owner has.
    Owners,
    /// Ids that nothing ever had.
    Unused,
}

pub(crate) struct World {
    pub(crate) state: AppState,
    pub(crate) app: Router,
    pub(crate) ctx: Context,
    pub(crate) owner: User,
    pub(crate) stranger: User,
    pub(crate) node: NodeId,
    draft: DraftId,
    pub(crate) creation: CreationId,
    container: ContainerId,
    bucket: PackageBucketId,
    /// One that its owner has written.
    pub(crate) container_template: ContainerTemplateId,
    /// Another session of the owner's.
    listed: SessionHandle,
    /// Seconds that Berth's clock is ahead of the machine's.
    ahead: Arc<AtomicI64>,
    // Dropped last.
    pub(crate) database: Database,
}

impl World {
    pub(crate) async fn new() -> Self {
        let database = Database::create().await;
        let ahead = Arc::new(AtomicI64::new(0));
        let ctx = context(&database, ahead.clone()).await;
        let hub = ProgressHub::start(ctx.pg.clone(), ctx.redis.clone()).await.unwrap();
        let live = Live::start(ctx.clone()).await.unwrap();
        let state = AppState::new(ctx.clone(), hub, live);
        let (owner, stranger) = (person(&ctx, "root@pam").await, person(&ctx, "eve@pve").await);
        let node = node(&ctx, &owner).await;
        let draft = drafts::start(&ctx, owner.id, CreationForm::default()).await.unwrap().id;
        let (creation, container) = creation(&ctx, &owner, node).await;
        let now = ctx.clock.now();
        let bucket =
            package_buckets::insert(&ctx.pg, owner.id, &"Web".parse().unwrap(), &[], now).await.unwrap().id;
        let container_template = container_template(&ctx, &owner).await;
        let app = berth_web::app(state.clone(), false);
        let listed = SessionHandle::new();
        let mut world = Self {
            state,
            app,
            ctx,
            owner,
            stranger,
            node,
            draft,
            creation,
            container,
            bucket,
            container_template,
            listed,
            ahead,
            database,
        };
        world.session(&world.owner).await;
        world.listed = world.sessions().list(world.owner.id).await.unwrap()[0].login.handle;
        world
    }

    /// Berth's clock is put forward.
    pub(crate) fn later(&self, by: Duration) {
        self.ahead.fetch_add(by.whole_seconds(), Ordering::SeqCst);
    }

    fn path(&self, route: &str, ids: Ids) -> String {
        let owners = ids == Ids::Owners;
        let pick = |owner: String, unused: String| if owners { owner } else { unused };
        let id = match kind(route) {
            Some(Kind::Draft) => pick(self.draft.to_string(), DraftId::new().to_string()),
            Some(Kind::Container) => pick(self.container.to_string(), ContainerId::new().to_string()),
            Some(Kind::ContainerTemplate) => {
                pick(self.container_template.to_string(), ContainerTemplateId::new().to_string())
            }
            Some(Kind::Creation) => pick(self.creation.to_string(), CreationId::new().to_string()),
            Some(Kind::Node) => pick(self.node.to_string(), NodeId::new().to_string()),
            Some(Kind::PackageBucket) => pick(self.bucket.to_string(), PackageBucketId::new().to_string()),
            Some(Kind::Session) => pick(self.listed.to_string(), SessionHandle::new().to_string()),
            None => String::new(),
        };
        let hash = container_templates::hash(SCRIPT.as_bytes()).to_string();
        route
            .replace("{id}", &id)
            .replace("{name}", SERVICE)
            .replace("{hash}", &hash)
            .replace("{file}", "app.css")
    }

    /// The path with the owner's ids.
    pub(crate) fn owners_path(&self, route: &str) -> String {
        self.path(route, Ids::Owners)
    }

    /// The session of somebody who has just logged in.
    pub(crate) async fn session(&self, user: &User) -> tower_sessions::session::Id {
        let session = Session::new(None, Arc::new(self.sessions()), None);
        let device = session::Device::of(Ipv4Addr::LOCALHOST.into(), &HeaderMap::new());
        session::begin(&session, user.clone(), self.ctx.clock.now(), device).await.unwrap();
        session.save().await.unwrap();
        session.id().unwrap()
    }

    pub(crate) fn sessions(&self) -> SessionStore {
        SessionStore::new(self.ctx.redis.clone(), self.ctx.clock.clone())
    }

    /// Its cookie.
    pub(crate) async fn cookie(&self, user: &User) -> String {
        format!("berth_session={}", self.session(user).await)
    }

    /// A route with the owner's ids. The body is not read: a stream has no end.
    pub(crate) async fn ask(&self, route: &Route, headers: &[(&str, &str)]) -> Response<Body> {
        self.send(route.0, &self.owners_path(&route.1), headers).await
    }

    pub(crate) async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Response<Body> {
        self.send_with(method, path, headers, "").await
    }

    /// With form fields as a browser encodes them.
    pub(crate) async fn send_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        fields: &str,
    ) -> Response<Body> {
        let mut request = Request::builder().method(method).uri(path).header("host", "berth");
        if method == "POST" {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.app.clone().oneshot(request.body(Body::from(fields.to_owned())).unwrap()).await.unwrap()
    }

    /// All of an answer that could tell anything, but for what differs between any two of them.
    pub(crate) async fn whole(
        &self,
        route: &Route,
        ids: Ids,
        headers: &[(&str, &str)],
    ) -> (StatusCode, HeaderMap, String) {
        let response = self.send(route.0, &self.path(&route.1, ids), headers).await;
        let (mut parts, body) = response.into_parts();
        let id = parts.headers.remove("x-request-id").unwrap();
        // Slides with the clock.
        parts.headers.remove("set-cookie");
        let body = body::to_bytes(body, 1 << 20).await.unwrap();
        let body = String::from_utf8_lossy(&body).replace(id.to_str().unwrap(), "");
        (parts.status, parts.headers, body)
    }
}

async fn context(database: &Database, ahead: Arc<AtomicI64>) -> Context {
    let url = std::env::var("REDIS_URL").expect("run the tests under scripts/with-services");
    let redis = Redis::connect(&url, 2).await.unwrap().isolated(&CreationId::new().to_string());
    let machine = Clock::system();
    Context {
        pg: database.pool.clone(),
        redis,
        keyring: Arc::new(Keyring::new(&Key::new([7; 32]), &[])),
        clock: Clock::from_fn(move || machine.now() + Duration::seconds(ahead.load(Ordering::SeqCst))),
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

/// What runs in the owner's container.
const SERVICE: &str = "nginx";

/// What the owner's container template runs.
pub(crate) const SCRIPT: &str = "echo PLANTED-script";

async fn container_template(ctx: &Context, owner: &User) -> ContainerTemplateId {
    let recipe = ContainerTemplate {
        name: "mine".into(),
        title: "Mine".into(),
        description: String::new(),
        tags: Vec::new(),
        defaults: Defaults::default(),
        packages: Vec::new(),
        installers: Vec::new(),
        scripts: vec![Script { name: "10-mine.sh".into(), content: SCRIPT.into() }],
        files: Vec::new(),
    };
    let mut conn = ctx.pg.acquire().await.unwrap();
    container_templates::insert(&mut conn, owner.id, &recipe, ctx.clock.now()).await.unwrap()
}

/// A node that nobody answers for.
pub(crate) async fn node(ctx: &Context, owner: &User) -> NodeId {
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
    let network = NetworkSpec {
        bridge: "vmbr0".into(),
        vlan: None,
        ipv4: Ipv4::Dhcp,
        ipv6: Ipv6::None,
        firewall: false,
    };
    let spec = CreationSpec {
        vmid: Vmid::new(105).unwrap(),
        hostname: "web".into(),
        os_template: "local:vztmpl/debian-12.tar.zst".into(),
        cores: 1,
        memory: 512,
        swap: 256,
        storage: "local-ct".into(),
        disk: 4,
        network,
        nameserver: None,
        search_domain: None,
        features: Features::default(),
        unprivileged: true,
        start_at_boot: false,
        ssh_public_keys: Vec::new(),
        tags: Vec::new(),
        container_template: None,
        packages: Vec::new(),
        installers: Vec::new(),
        scripts: Vec::new(),
        files: Vec::new(),
    };
    let mut conn = ctx.pg.acquire().await.unwrap();
    let new = NewCreation { node_id, spec, steps: Vec::new() };
    let id = creations::insert(&mut conn, owner.id, &new, ctx.clock.now()).await.unwrap().unwrap();
    let minute = std::time::Duration::from_mins(1);
    creations::claim(&mut *conn, id, "worker", minute).await.unwrap().unwrap();
    let container = containers::upsert_created(&mut conn, id, "worker", ctx.clock.now()).await.unwrap();
    let services = [Service {
        name: SERVICE.into(),
        kind: ServiceKind::Systemd,
        state: ServiceState::Running,
        description: String::new(),
        ports: vec![80],
        system: false,
    }];
    let found = Found { services: &services, ..Found::default() };
    assert!(
        containers::set_discovery(&mut *conn, owner.id, container, &found, ctx.clock.now()).await.unwrap()
    );
    (id, container)
}
