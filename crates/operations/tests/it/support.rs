//! A context of a test's own.

use std::net::SocketAddr;
use std::sync::Arc;

use berth_domain::creation::{CreationSpec, CreationState, Features, NetworkSpec};
use berth_domain::network::{Ipv4, Ipv6};
use berth_domain::{Clock, CreationId, Fingerprint, NodeId, Secret, UserId, Vmid};
use berth_operations::queue::{self, Queue};
use berth_operations::{Context, Settings};
use berth_store::creations::NewCreation;
use berth_store::crypto::Key;
use berth_store::nodes::{self, NewNode, NodeDetails};
use berth_store::{Keyring, PgPool, Redis, users};
use time::OffsetDateTime;
use time::macros::datetime;

pub(crate) const NOW: OffsetDateTime = datetime!(2030-01-02 03:04:05 UTC);

pub(crate) async fn context(pg: PgPool, settings: Settings) -> Context {
    let url = std::env::var("REDIS_URL").expect("run the tests under scripts/with-services");
    let redis = Redis::connect(&url, 2).await.unwrap().isolated(&CreationId::new().to_string());
    Context {
        pg,
        redis,
        keyring: Arc::new(Keyring::new(&Key::new([7; 32]), &[])),
        clock: Clock::from_fn(|| NOW),
        queue: Queue::new(queue::connect(&url).await.unwrap()),
        settings: Arc::new(settings),
    }
}

pub(crate) async fn person(ctx: &Context, userid: &str) -> UserId {
    users::upsert_login(&ctx.pg, &"pve.lan:8006".parse().unwrap(), userid, NOW).await.unwrap().id
}

/// A node that nobody answers for.
pub(crate) async fn node(ctx: &Context, user: UserId, name: &str) -> NodeId {
    node_at(ctx, user, name, "127.0.0.1:1".parse().unwrap(), Fingerprint::new([3; 32])).await
}

/// A node that is this machine.
pub(crate) async fn node_at(
    ctx: &Context,
    user: UserId,
    name: &str,
    address: SocketAddr,
    certificate: Fingerprint,
) -> NodeId {
    let new = NewNode {
        details: NodeDetails {
            name: name.into(),
            address: address.to_string().parse().unwrap(),
            certificate: Some(certificate),
            token_id: "root@pam!berth".parse().unwrap(),
            pve_node_name: "pve".into(),
            cluster: "host:pve".into(),
            pve_version: "9.2.11".into(),
            ssh: None,
        },
        token_secret: Secret::from("PLANTED-token"),
        ssh_secret: None,
    };
    let mut conn = ctx.pg.acquire().await.unwrap();
    nodes::insert(&mut conn, user, &new, &ctx.keyring, NOW).await.unwrap().id
}

/// The states of a user's creations.
pub(crate) async fn creations(ctx: &Context, user: UserId) -> Vec<CreationState> {
    let creations = berth_store::creations::list_recent(&ctx.pg, user, 10).await.unwrap();
    creations.into_iter().map(|creation| creation.state).collect()
}

/// A container without packages and scripts.
pub(crate) fn new_creation(node_id: NodeId) -> NewCreation {
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
    NewCreation { node_id, spec, steps: Vec::new() }
}
