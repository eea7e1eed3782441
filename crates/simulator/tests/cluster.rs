//! A cluster of three: each member at an address of its own, one set of accounts, one space of container ids.

#![allow(clippy::unwrap_used)]

mod support;

use std::path::Path;
use std::time::{Duration, Instant};

use berth_simulator::faults::Planted;
use berth_simulator::seed::{ROOT_PASSWORD, TOKEN_SECRET};
use berth_simulator::simulator::{Options, Simulator};
use serde_json::{Value, json};
use support::{Answer, Client, escape, form};

struct Cluster {
    simulator: Simulator,
    members: Vec<Client>,
}

impl Cluster {
    async fn start(data: &Path) -> Self {
        let options =
            Options { nodes: 3, cluster: true, containers: 1, speed: 50.0, ..Options::recorded(data) };
        let simulator = Simulator::start(options).await.unwrap();
        let client = |index: usize| Client::new(simulator.ready.nodes[index].api, &data.join("cluster"));
        let members = (0..3).map(client).collect();
        Self { simulator, members }
    }

    async fn ask(&self, member: usize, method: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let token = format!("PVEAPIToken=root@pam!dash={TOKEN_SECRET}");
        self.ask_as(member, ("Authorization", token), method, path, fields).await
    }

    async fn ask_as(
        &self,
        member: usize,
        who: (&str, String),
        method: &str,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Answer {
        let fields: Vec<(String, String)> =
            fields.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let kind = ("Content-Type", "application/x-www-form-urlencoded".to_owned());
        let path = format!("/api2/json{path}");
        self.members[member].send(method, &path, &[who, kind], form(&fields).as_bytes()).await.unwrap()
    }

    async fn data(&self, member: usize, path: &str) -> Value {
        self.ask(member, "GET", path, &[]).await.json()["data"].clone()
    }

    fn plant(&self, faults: Value) {
        let faults: Vec<Planted> = serde_json::from_value(faults).unwrap();
        self.simulator.host().faults().plant(faults);
    }
}

fn find<'a>(list: &'a Value, key: &str, value: &str) -> &'a Value {
    list.as_array().unwrap().iter().find(|entry| entry[key] == value).unwrap()
}

#[tokio::test]
async fn members_are_where_the_cluster_says_on_the_same_ports() {
    let data = tempfile::tempdir().unwrap();
    let cluster = Cluster::start(data.path()).await;
    let status = cluster.data(0, "/cluster/status").await;
    assert_eq!(find(&status, "type", "cluster")["nodes"], 3);
    for (index, node) in cluster.simulator.ready.nodes.iter().enumerate() {
        let entry = find(&status, "name", &node.node);
        assert_eq!(entry["ip"], format!("127.0.0.{}", index + 1));
        assert_eq!(entry["ip"], node.api.ip().to_string());
        assert_eq!(entry["ip"], node.ssh.ip().to_string());
        assert_eq!(node.api.port(), cluster.simulator.ready.nodes[0].api.port());
        assert_eq!(node.ssh.port(), cluster.simulator.ready.nodes[0].ssh.port());
        let own = cluster.data(index, "/cluster/status").await;
        let local: Vec<&Value> = own.as_array().unwrap().iter().filter(|entry| entry["local"] == 1).collect();
        assert_eq!(local.len(), 1);
        assert_eq!(local[0]["name"], node.node);
    }
}

#[tokio::test]
async fn one_authority_signs_each_members_own_certificate_and_they_tell_the_truth() {
    let data = tempfile::tempdir().unwrap();
    let cluster = Cluster::start(data.path()).await;
    let (mut roots, mut shown) = (Vec::new(), Vec::new());
    for (index, node) in cluster.simulator.ready.nodes.iter().enumerate() {
        // The client accepts nothing but what the cluster's authority has signed.
        let fingerprint = cluster.members[index].shown().await.unwrap();
        assert_eq!(fingerprint, node.certificate_sha256);
        // Each member tells about all of them.
        for asked in 0..3 {
            let path = format!("/nodes/{}/certificates/info", node.node);
            let info = cluster.data(asked, &path).await;
            let own = find(&info, "filename", "pve-ssl.pem");
            assert_eq!(own["fingerprint"], fingerprint);
            assert_eq!(own["issuer"], find(&info, "filename", "pve-root-ca.pem")["subject"]);
            assert!(own["subject"].as_str().unwrap().ends_with(&format!("/CN={}.home.arpa", node.node)));
            assert!(own["san"].as_array().unwrap().contains(&json!(node.api.ip().to_string())));
            roots.push(find(&info, "filename", "pve-root-ca.pem")["fingerprint"].clone());
            let nodes = cluster.data(asked, "/nodes").await;
            assert_eq!(find(&nodes, "node", &node.node)["ssl_fingerprint"], fingerprint);
        }
        shown.push(fingerprint);
    }
    roots.dedup();
    shown.dedup();
    assert_eq!((roots.len(), shown.len()), (1, 3));
}

#[tokio::test]
async fn accounts_are_shared_and_survive_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let cluster = Cluster::start(data.path()).await;
    let made = cluster.ask(1, "POST", "/access/users/root@pam/token/shared", &[("privsep", "0")]).await;
    let secret = made.json()["data"]["value"].as_str().unwrap().to_owned();
    let token = ("Authorization", format!("PVEAPIToken=root@pam!shared={secret}"));
    assert_eq!(cluster.ask_as(2, token.clone(), "GET", "/version", &[]).await.status, 200);
    let root = [("username", "root@pam"), ("password", ROOT_PASSWORD)];
    let login = cluster.ask_as(0, ("X-Nobody", String::new()), "POST", "/access/ticket", &root).await.json();
    let ticket = login["data"]["ticket"].as_str().unwrap();
    let cookie = ("Cookie", format!("PVEAuthCookie={}", escape(ticket)));
    assert_eq!(cluster.ask_as(2, cookie, "GET", "/version", &[]).await.status, 200);
    let fields = [("path", "/"), ("users", "alice@pve"), ("roles", "PVEAuditor")];
    assert_eq!(cluster.ask(2, "PUT", "/access/acl", &fields).await.status, 200);
    let before = cluster.simulator.ready.nodes.clone();
    drop(cluster);

    let cluster = Cluster::start(data.path()).await;
    assert_eq!(cluster.ask_as(0, token, "GET", "/version", &[]).await.status, 200);
    let granted = cluster.data(0, "/access/permissions?userid=alice%40pve&path=%2F").await;
    assert_eq!(granted["/"]["Sys.Audit"], 1);
    for (old, new) in before.iter().zip(&cluster.simulator.ready.nodes) {
        assert_eq!(
            (&old.certificate_sha256, &old.host_key_sha256),
            (&new.certificate_sha256, &new.host_key_sha256)
        );
    }
}

#[tokio::test]
async fn any_member_answers_for_the_others_and_ids_are_unique() {
    let data = tempfile::tempdir().unwrap();
    let cluster = Cluster::start(data.path()).await;
    assert_eq!(find(&cluster.data(0, "/nodes/pve2/lxc").await, "name", "pihole")["vmid"], 201);
    let fields = [
        ("vmid", "300"),
        ("ostemplate", "local:vztmpl/debian-12-standard_12.12-1_amd64.tar.zst"),
        ("rootfs", "local-ct:1"),
        ("features", "nesting=1"),
        ("unprivileged", "1"),
    ];
    let made = cluster.ask(0, "POST", "/nodes/pve3/lxc", &fields).await;
    let upid = made.json()["data"].as_str().unwrap().to_owned();
    assert!(upid.starts_with("UPID:pve3:"), "{upid}");
    assert_eq!(cluster.simulator.hosts[2].wait(&upid).await.unwrap().status.as_deref(), Some("OK"));
    assert_eq!(cluster.ask(0, "GET", "/nodes/pve3/lxc/300/config", &[]).await.status, 200);

    let again = cluster.ask(1, "POST", "/nodes/pve2/lxc", &fields).await;
    assert_eq!(again.status, 500);
    assert!(again.reason.contains("CT 300 already exists on node 'pve3'"), "{}", again.reason);
    assert_eq!(cluster.ask(1, "GET", "/cluster/nextid?vmid=300", &[]).await.status, 400);
    let guests = cluster.data(1, "/cluster/resources?type=vm").await;
    assert_eq!(find(&guests, "id", "lxc/300")["node"], "pve3");
}

#[tokio::test]
async fn one_member_can_be_switched_off_and_on() {
    let data = tempfile::tempdir().unwrap();
    let cluster = Cluster::start(data.path()).await;
    cluster.plant(json!([{ "kind": "off", "node": "pve2" }]));
    refuses(&cluster.members[1], true).await;
    let ssh = cluster.simulator.ready.nodes[1].ssh;
    assert!(tokio::net::TcpStream::connect(ssh).await.is_err());

    let status = cluster.data(0, "/cluster/status").await;
    assert_eq!(
        (&find(&status, "name", "pve2")["online"], &find(&status, "name", "pve3")["online"]),
        (&json!(0), &json!(1))
    );
    assert_eq!(find(&status, "type", "cluster")["quorate"], 1);
    assert_eq!(find(&cluster.data(0, "/nodes").await, "node", "pve2")["status"], "offline");
    let guests = cluster.data(0, "/cluster/resources?type=vm").await;
    assert_eq!(find(&guests, "id", "lxc/201")["status"], "unknown");
    let proxied = cluster.ask(0, "GET", "/nodes/pve2/status", &[]).await;
    assert_eq!((proxied.status, proxied.reason.as_str(), proxied.body.len()), (595, "No route to host", 0));
    assert_eq!(cluster.ask(0, "GET", "/nodes/pve3/status", &[]).await.status, 200);

    cluster.plant(json!([]));
    refuses(&cluster.members[1], false).await;
    assert_eq!(cluster.ask(0, "GET", "/nodes/pve2/status", &[]).await.status, 200);
}

#[tokio::test]
async fn a_fault_of_one_member_leaves_the_others_alone() {
    let data = tempfile::tempdir().unwrap();
    let cluster = Cluster::start(data.path()).await;
    let before = cluster.members[1].shown().await.unwrap();
    cluster.plant(json!([
        { "kind": "changed-certificate", "node": "pve2" },
        { "kind": "status", "status": 596, "node": "pve3", "path": "^/version" },
    ]));
    let changed = cluster.members[1].shown().await.unwrap();
    assert_ne!(changed, before);
    let nodes = cluster.data(0, "/nodes").await;
    assert_eq!(find(&nodes, "node", "pve2")["ssl_fingerprint"], changed);
    assert_eq!(
        cluster.members[0].shown().await.unwrap(),
        cluster.simulator.ready.nodes[0].certificate_sha256
    );
    assert_eq!(cluster.ask(2, "GET", "/version", &[]).await.status, 596);
    assert_eq!(cluster.ask(0, "GET", "/version", &[]).await.status, 200);
    cluster.plant(json!([]));
    assert_eq!(cluster.members[1].shown().await.unwrap(), before);
}

/// Waits until it refuses connections, or takes them again.
async fn refuses(member: &Client, wanted: bool) {
    let begun = Instant::now();
    while member.shown().await.is_err() != wanted {
        assert!(begun.elapsed() < Duration::from_secs(20), "still not: refuses = {wanted}");
        tokio::task::yield_now().await;
    }
}
