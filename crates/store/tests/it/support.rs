//! Builders shared by the tests.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use berth_domain::container_template::Origin;
use berth_domain::creation::{CreationSpec, Features, NetworkSpec, StepKind};
use berth_domain::network::{Ipv4, Ipv6};
use berth_domain::node::{SshAccess, SshMethod};
use berth_domain::{CreationId, NodeId, Secret, UserId, Vmid};
use berth_store::creations::{self, NewCreation, NewStep};
use berth_store::crypto::Key;
use berth_store::nodes::{self, NewNode, NodeDetails, SshSecret};
use berth_store::{Keyring, PgPool, Redis, users};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use time::OffsetDateTime;
use time::macros::datetime;

pub(crate) const NOW: OffsetDateTime = datetime!(2030-01-02 03:04:05.678901 UTC);
pub(crate) const LEASE: Duration = Duration::from_secs(30);
/// A lease that has run out as soon as it is given.
pub(crate) const EXPIRED: Duration = Duration::ZERO;

pub(crate) fn keyring() -> Keyring {
    Keyring::new(&Key::new([7; 32]), &[])
}

/// The shared Redis, with keys of this test's own.
pub(crate) async fn redis() -> Redis {
    let url = std::env::var("REDIS_URL").expect("run the tests under scripts/with-services");
    Redis::connect(&url, 2).await.unwrap().isolated(&CreationId::new().to_string())
}

/// A pool on which `size` statements really run at once.
pub(crate) async fn wide(options: PgConnectOptions, size: u32) -> PgPool {
    PgPoolOptions::new().max_connections(size).connect_with(options).await.unwrap()
}

pub(crate) async fn person(pg: &PgPool, userid: &str) -> UserId {
    users::upsert_login(pg, &"pve.lan:8006".parse().unwrap(), userid, NOW).await.unwrap().id
}

pub(crate) fn new_node(name: &str) -> NewNode {
    NewNode {
        details: NodeDetails {
            name: name.into(),
            address: "192.168.1.10:8006".parse().unwrap(),
            certificate: Some(berth_domain::Fingerprint::new([3; 32])),
            token_id: "root@pam!berth".parse().unwrap(),
            pve_node_name: "pve".into(),
            cluster: "homelab".into(),
            pve_version: "9.2.11".into(),
            ssh: Some(SshAccess {
                host: "192.168.1.10".parse().unwrap(),
                port: 22,
                user: "root".into(),
                method: SshMethod::Key,
                host_key: "SHA256:abc".into(),
            }),
        },
        token_secret: Secret::from("PLANTED-token"),
        ssh_secret: Some(SshSecret {
            secret: Secret::from("PLANTED-key"),
            passphrase: Some(Secret::from("PLANTED-passphrase")),
        }),
    }
}

pub(crate) async fn node(pg: &PgPool, user: UserId, name: &str) -> NodeId {
    let mut conn = pg.acquire().await.unwrap();
    nodes::insert(&mut conn, user, &new_node(name), &keyring(), NOW).await.unwrap().id
}

pub(crate) fn new_creation(node_id: NodeId, vmid: u32) -> NewCreation {
    let spec = CreationSpec {
        vmid: Vmid::new(vmid).unwrap(),
        hostname: format!("ct{vmid}"),
        os_template: "local:vztmpl/debian-12.tar.zst".into(),
        cores: 1,
        memory: 512,
        swap: 512,
        storage: "local-lvm".into(),
        disk: 8,
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
        ssh_public_keys: vec![],
        tags: vec![],
        container_template: Some(Origin { id: None, name: "nginx".into(), title: "Web server".into() }),
        packages: vec![],
        installers: Vec::new(),
        scripts: vec![],
        files: vec![],
    };
    let step = |kind, name: &str| NewStep { kind, name: name.into() };
    let steps = vec![step(StepKind::Packages, "apt"), step(StepKind::Script, "10-install.sh")];
    NewCreation { node_id, spec, steps }
}

pub(crate) async fn creation(pg: &PgPool, user: UserId, node: NodeId, vmid: u32) -> CreationId {
    let mut conn = pg.acquire().await.unwrap();
    creations::insert(&mut conn, user, &new_creation(node, vmid), NOW).await.unwrap().unwrap()
}

/// A person with a node and a queued creation.
pub(crate) async fn queued(pg: &PgPool) -> (UserId, CreationId) {
    let user = person(pg, "root@pam").await;
    let node = node(pg, user, "home").await;
    (user, creation(pg, user, node, 100).await)
}

/// The same, held by `owner`.
pub(crate) async fn held_by(pg: &PgPool, owner: &str) -> (UserId, CreationId) {
    let (user, id) = queued(pg).await;
    creations::claim(pg, id, owner, LEASE).await.unwrap().unwrap();
    (user, id)
}

/// Tries until it works, for at most ten seconds.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(mut attempt: impl FnMut() -> F) -> T {
    let tries = async {
        loop {
            if let Some(value) = attempt().await {
                return value;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), tries).await.expect("it did not come about in 10 s")
}

/// A Redis of a test's own, which may be emptied and killed.
pub(crate) struct PrivateRedis {
    directory: tempfile::TempDir,
    server: Child,
}

impl PrivateRedis {
    pub(crate) async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let server = serve(&directory.path().to_path_buf());
        let redis = Self { directory, server };
        eventually(|| async { redis.connect().await.ok() }).await.close().await;
        redis
    }

    fn url(&self) -> String {
        format!("redis+unix://{}/redis.sock", self.directory.path().display())
    }

    pub(crate) async fn connect(&self) -> berth_store::Result<Redis> {
        Redis::connect(&self.url(), 2).await
    }

    pub(crate) fn run(&self, command: &[&str]) -> String {
        let socket = self.directory.path().join("redis.sock");
        let output = Command::new("redis-cli").arg("-s").arg(socket).args(command).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub(crate) fn kill(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }

    pub(crate) fn start_again(&mut self) {
        self.server = serve(&self.directory.path().to_path_buf());
    }
}

impl Drop for PrivateRedis {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn serve(directory: &PathBuf) -> Child {
    Command::new("redis-server")
        .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket", "redis.sock", "--dir"])
        .arg(directory)
        .current_dir(directory)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}
