//! Everything that a creation needs, of a test's own.

use std::cell::{Cell, RefCell};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use berth_domain::creation::{Creation, CreationState, ProgressEvent};
use berth_domain::{Clock, CreationId, NodeId, UserId};
use berth_operations::creation::CreationForm;
use berth_operations::nodes::{self, NodeForm, Saving};
use berth_operations::queue::{self, Queue};
use berth_operations::{Context, Settings, container_templates, creation, drafts};
use berth_store::crypto::Key;
use berth_store::{Keyring, Redis};
use secrecy::{ExposeSecret, SecretString};
use tempfile::TempDir;

use crate::browser::Browser;
use crate::container_template::TemplateFolder;
use crate::database::Database;
use crate::process::Process;
use crate::redis_server::RedisServer;
use crate::simulator::{ROOT_PASSWORD, SimulatorProcess, TOKEN_ID, TOKEN_SECRET};
use crate::wait::{DEADLINE, wait_until};
use crate::{binaries, leftovers};

/// Short, so that a dead worker's creation is soon taken over.
const LEASE_SECONDS: u64 = 2;
/// Short, so that a change of a node is soon seen.
const NODE_CHECK_SECONDS: u64 = 1;

/// A database, a Redis and a simulated host, and what operations need; processes are started as a test wants them.
pub struct TestApp {
    /// What operations need, on the same database and Redis as the processes.
    pub ctx: Context,
    /// The simulated Proxmox host.
    pub simulator: SimulatorProcess,
    /// The Redis.
    pub redis: RedisServer,
    /// The database.
    pub database: Database,
    keys: RefCell<Keys>,
    started: Cell<u32>,
    directory: Directory,
}

/// What processes are started with.
struct Keys {
    current: SecretString,
    old: Vec<SecretString>,
}

/// Removed last; by then nothing may run in it.
struct Directory(TempDir);

impl Drop for Directory {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            leftovers::assert_none(self.0.path());
        }
    }
}

/// Short, since a socket's path holds 107 bytes.
fn directory() -> TempDir {
    tempfile::Builder::new().prefix("berth-test-").tempdir_in("/tmp").unwrap()
}

/// Somebody with a node.
#[derive(Clone, Copy, Debug)]
pub struct Owner {
    /// The person.
    pub user: UserId,
    /// Their node: the simulated host.
    pub node: NodeId,
}

impl TestApp {
    /// Starts the services and the simulated host; there are no container templates yet.
    pub async fn start() -> Self {
        let directory = directory();
        let templates = directory.path().join("container-templates");
        std::fs::create_dir(&templates).unwrap();
        let simulator = SimulatorProcess::start(directory.path()).await;
        Self::start_in(directory, templates, simulator).await
    }

    /// The same with simulated hosts that are started with these options, see `berth-simulator --help`; [`Self::owner`] has the first.
    pub async fn start_with(simulator: &[&str]) -> Self {
        let directory = directory();
        let templates = directory.path().join("container-templates");
        std::fs::create_dir(&templates).unwrap();
        let simulator = SimulatorProcess::start_with(directory.path(), simulator).await;
        Self::start_in(directory, templates, simulator).await
    }

    /// The same with the container templates that ship with Berth.
    pub async fn start_as_shipped() -> Self {
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../container-templates");
        let directory = directory();
        let simulator = SimulatorProcess::start(directory.path()).await;
        Self::start_in(directory, shipped, simulator).await
    }

    async fn start_in(directory: TempDir, templates: PathBuf, simulator: SimulatorProcess) -> Self {
        let database = Database::create().await;
        let redis = RedisServer::start(directory.path()).await;
        let key = Key::generate();
        let settings = Settings {
            container_templates: templates,
            lease: Duration::from_secs(LEASE_SECONDS),
            ..Settings::default()
        };
        let ctx = Context {
            pg: database.pool.clone(),
            redis: Redis::connect(&redis.url(), 1).await.unwrap(),
            keyring: Arc::new(Keyring::new(&Key::parse(&key).unwrap(), &[])),
            clock: Clock::system(),
            queue: Queue::new(queue::connect(&redis.url()).await.unwrap()),
            settings: Arc::new(settings),
        };
        let keys = RefCell::new(Keys { current: key, old: Vec::new() });
        Self { ctx, simulator, redis, database, keys, started: Cell::new(0), directory: Directory(directory) }
    }

    /// Starts `berth worker` and waits until it takes work.
    pub async fn worker(&self) -> Process {
        let mut worker = self.berth(&["worker"], &[]);
        worker.said("waiting for creations").await;
        worker
    }

    /// Starts `berth web` and waits until it answers; with a browser at its first page.
    pub async fn web(&self) -> (Process, Browser) {
        let (web, base) = self.web_with(&[]).await;
        (web, Browser::new(&base))
    }

    /// Starts `berth web` with more of its variables and waits until it answers; with where that is.
    pub async fn web_with(&self, variables: &[(&'static str, String)]) -> (Process, String) {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let listen = format!("127.0.0.1:{port}");
        let mut web = self.berth(&["web"], &[variables, &[("BERTH_LISTEN", listen.clone())]].concat());
        let http = crate::browser::http();
        let ready = format!("http://{listen}/readyz");
        wait_until(DEADLINE, "the pages answer", async || {
            assert_eq!(web.ended(), None, "{}", web.log());
            http.get(&ready).send().await.ok().filter(|answer| answer.status().is_success())
        })
        .await;
        (web, format!("http://{listen}"))
    }

    /// A directory of this test's own, below which nothing may run when it ends.
    pub fn directory(&self, name: &str) -> PathBuf {
        let directory = self.directory.0.path().join(name);
        std::fs::create_dir_all(&directory).unwrap();
        directory
    }

    /// What is started from now on seals with `current` and opens with all of them. [`Self::ctx`] keeps the key it has.
    pub fn set_keys(&self, current: &SecretString, old: &[&SecretString]) {
        let old = old.iter().copied().cloned().collect();
        self.keys.replace(Keys { current: current.clone(), old });
    }

    /// The key that the processes seal with.
    pub fn key(&self) -> SecretString {
        self.keys.borrow().current.clone()
    }

    /// Starts another command of `berth`.
    pub fn run(&self, arguments: &[&str]) -> Process {
        self.berth(arguments, &[])
    }

    fn berth(&self, arguments: &[&str], more: &[(&'static str, String)]) -> Process {
        let number = self.started.get();
        self.started.set(number + 1);
        let keys = self.keys.borrow();
        let old: Vec<&str> = keys.old.iter().map(ExposeSecret::expose_secret).collect();
        let mut environment = vec![
            ("BERTH_DATABASE_URL", self.database.url.clone()),
            ("BERTH_REDIS_URL", self.redis.url()),
            ("BERTH_ENCRYPTION_KEY", keys.current.expose_secret().to_owned()),
            ("BERTH_OLD_ENCRYPTION_KEYS", old.join(",")),
            ("BERTH_LEASE_SECONDS", LEASE_SECONDS.to_string()),
            ("BERTH_NODE_CHECK_SECONDS", NODE_CHECK_SECONDS.to_string()),
            ("BERTH_CONTAINER_TEMPLATES", self.templates().to_string_lossy().into_owned()),
            ("BERTH_LOG", "debug".into()),
        ];
        environment.extend_from_slice(more);
        let log = self.directory.0.path().join(format!("{}-{number}.log", arguments[0]));
        Process::start(&binaries::path("berth"), arguments, &environment, log)
    }

    /// The folder of the container templates.
    pub fn templates(&self) -> PathBuf {
        self.ctx.settings.container_templates.clone()
    }

    /// Everything that Berth's processes have logged or said.
    pub fn logs(&self) -> String {
        let files = std::fs::read_dir(self.directory.0.path()).unwrap().flatten().map(|entry| entry.path());
        let ours = files.filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            ["web-", "worker-", "check-", "rotate-key-"].iter().any(|beginning| name.starts_with(beginning))
        });
        ours.map(|path| std::fs::read_to_string(path).unwrap()).collect()
    }
}

/// Builders.
impl TestApp {
    /// Somebody whose node is the simulated host, tested and trusted. Workers leave its health alone until
    /// [`Self::watch`], so that planted faults strike what a test means.
    pub async fn owner(&self) -> Owner {
        self.owner_of("root@pam", 0).await
    }

    /// The same for another person, and another of the simulated hosts.
    pub async fn owner_of(&self, userid: &str, host: usize) -> Owner {
        let login_host = self.simulator.api.to_string().parse().unwrap();
        let user = berth_store::users::upsert_login(&self.ctx.pg, &login_host, userid, self.ctx.clock.now())
            .await
            .unwrap();
        Owner { user: user.id, node: self.add_node(user.id, host, "attic").await }
    }

    /// Adds one of the simulated hosts as somebody's node.
    pub async fn add_node(&self, user: UserId, host: usize, name: &str) -> NodeId {
        let host = &self.simulator.nodes[host];
        let mut form = NodeForm {
            name: name.into(),
            host: host.api.ip().to_string(),
            port: host.api.port().to_string(),
            token_id: TOKEN_ID.into(),
            token_secret: TOKEN_SECRET.into(),
            ssh_auth: "password".into(),
            ssh_port: host.ssh.port().to_string(),
            ssh_user: "root".into(),
            ssh_password: ROOT_PASSWORD.into(),
            ..NodeForm::default()
        };
        // Once for the certificate, once for the host key, once more to store it.
        for _ in 0..3 {
            match nodes::save(&self.ctx, user, None, &form, &|_| {}).await.unwrap() {
                Saving::Saved { node, .. } => {
                    self.checks_due("'infinity'", node.id).await;
                    return node.id;
                }
                Saving::NotYet(report) => {
                    if let Some(certificate) = &report.certificate {
                        form.trusted_certificate = certificate.fingerprint.to_string();
                    }
                    if let Some(key) = &report.host_key {
                        form.trusted_host_key = key.to_string();
                    }
                }
            }
        }
        panic!("the simulated host is not accepted as a node");
    }

    /// From now on workers check a node, its SSH server at once, too.
    pub async fn watch(&self, node: NodeId) {
        self.checks_due("now()", node).await;
    }

    async fn checks_due(&self, when: &str, node: NodeId) {
        let due = format!("update node_health set api_due = {when}, ssh_due = {when} where node_id = $1");
        sqlx::query(sqlx::AssertSqlSafe(due)).bind(node.uuid()).execute(&self.ctx.pg).await.unwrap();
    }

    /// What the wizard would hold for a container from this container template.
    pub async fn creation_form(&self, owner: Owner, folder: &TemplateFolder, vmid: u32) -> CreationForm {
        folder.write(&self.templates());
        let report = container_templates::discover(&self.ctx).await.unwrap();
        assert!(report.problems.is_empty(), "{:?}", report.problems);
        let template = container_templates::outline_of(&self.ctx, owner.user, &folder.name).await.unwrap();
        CreationForm {
            node: owner.node.to_string(),
            hostname: format!("web{vmid}"),
            vmid: vmid.to_string(),
            os_template: "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst".into(),
            storage: "local-ct".into(),
            bridge: "vmbr0".into(),
            firewall: false,
            ..CreationForm::from_container_template(&template)
        }
    }

    /// Submits a creation, as the wizard's last step does.
    pub async fn submit(&self, owner: Owner, folder: &TemplateFolder, vmid: u32) -> CreationId {
        let form = self.creation_form(owner, folder, vmid).await;
        let draft = drafts::start(&self.ctx, owner.user, form).await.unwrap();
        creation::submit(&self.ctx, owner.user, draft.id).await.unwrap()
    }
}

/// Looking on.
impl TestApp {
    /// A creation as it stands.
    pub async fn creation(&self, owner: Owner, id: CreationId) -> Creation {
        creation::show(&self.ctx, owner.user, id).await.unwrap().creation
    }

    /// The worker that holds a creation.
    pub async fn lease_owner(&self, id: CreationId) -> Option<String> {
        let owner = sqlx::query_scalar("select lease_owner from creations where id = $1").bind(id.uuid());
        owner.fetch_one(&self.ctx.pg).await.unwrap()
    }

    /// All that a creation has reported, by its number, from PostgreSQL.
    pub async fn events(&self, id: CreationId) -> Vec<(i64, ProgressEvent)> {
        let rows: Vec<(i64, sqlx::types::Json<ProgressEvent>)> =
            sqlx::query_as("select seq, event from creation_events where creation_id = $1 order by seq")
                .bind(id.uuid())
                .fetch_all(&self.ctx.pg)
                .await
                .unwrap();
        rows.into_iter().map(|(seq, event)| (seq, event.0)).collect()
    }

    /// The lines that a creation's step has printed.
    pub async fn printed(&self, id: CreationId, step: u32) -> Vec<String> {
        let lines = self.events(id).await.into_iter().filter_map(|(_, event)| match event {
            ProgressEvent::Line { step: Some(by), text, .. } if by == step => Some(text),
            _ => None,
        });
        lines.collect()
    }

    /// Waits until a creation has ended, and answers it.
    pub async fn ended(&self, owner: Owner, id: CreationId) -> Creation {
        wait_until(DEADLINE, "the creation ends", async || {
            let creation = self.creation(owner, id).await;
            (!creation.state.is_live()).then_some(creation)
        })
        .await
    }

    /// Waits until a creation is ready; fails with its log when it ends otherwise.
    pub async fn ready(&self, owner: Owner, id: CreationId) {
        let creation = self.ended(owner, id).await;
        assert_eq!(
            creation.state,
            CreationState::Ready,
            "{:?}\n{:#?}",
            creation.error,
            self.events(id).await
        );
    }
}
