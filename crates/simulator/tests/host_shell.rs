//! The host's shell: what Berth's pages show to paste there really has its effect.

#![allow(clippy::unwrap_used)]

mod cli_support;
mod support;

use std::net::SocketAddr;
use std::sync::Arc;

use berth_simulator::simulator::{Options, Simulator};
use cli_support::{Anyone, Outcome, Rig, exec, start, start_in};
use russh::client::{Config, Handle};
use russh::keys::{PrivateKey, PrivateKeyWithHashAlg, decode_secret_key};
use serde_json::json;
use support::Client;

const API: &str = "pveum role add Berth --privs \"Sys.Audit VM.Audit VM.Allocate Datastore.Audit\"\n\
    pveum user add berth@pve --comment \"Berth\"\n\
    pveum acl modify / --users berth@pve --roles Berth\n\
    pveum user token add berth@pve berth --privsep 0";
const SSH: &str = "mkdir -p -m 700 /root/.ssh\n\
    ssh-keygen -q -t ed25519 -N '' -C berth -f /root/.ssh/berth\n\
    cat /root/.ssh/berth.pub >> /root/.ssh/authorized_keys\n\
    cat /root/.ssh/berth";
const SUDO: &str = "adduser --disabled-password --gecos '' berth\n\
    echo 'berth ALL=(root) NOPASSWD: /usr/sbin/pct, /usr/bin/hostname' > /etc/sudoers.d/berth\n\
    chmod 440 /etc/sudoers.d/berth\n\
    visudo -c";

async fn open(address: SocketAddr) -> Handle<Anyone> {
    russh::client::connect(Arc::new(Config::default()), address, Anyone::default()).await.unwrap()
}

async fn by_key(address: SocketAddr, user: &str, key: &PrivateKey) -> Option<Handle<Anyone>> {
    let mut session = open(address).await;
    let key = PrivateKeyWithHashAlg::new(Arc::new(key.clone()), None);
    let accepted = session.authenticate_publickey(user, key).await.unwrap().success();
    accepted.then_some(session)
}

async fn by_password(address: SocketAddr, user: &str, password: &str) -> Option<Handle<Anyone>> {
    let mut session = open(address).await;
    let accepted = session.authenticate_password(user, password).await.unwrap().success();
    accepted.then_some(session)
}

fn address(rig: &Rig) -> SocketAddr {
    rig.simulator.ready.nodes[0].ssh
}

/// Runs it and expects it to succeed.
async fn done(rig: &Rig, command: &str) -> String {
    let outcome = rig.run(command).await;
    assert_eq!(outcome.code, Some(0), "{command}: {}{}", outcome.out(), outcome.err());
    outcome.out()
}

async fn token_opens(rig: &Rig, token: &str, path: &str) -> serde_json::Value {
    let client = Client::new(rig.simulator.ready.nodes[0].api, rig.simulator.host().directory());
    let header = ("Authorization", format!("PVEAPIToken={token}"));
    client.send("GET", &format!("/api2/json{path}"), &[header], b"").await.unwrap().json()["data"].clone()
}

fn secret(printed: &str) -> String {
    let line = printed.lines().find(|line| line.starts_with("│ value ")).unwrap();
    line.split('│').nth(2).unwrap().trim().to_owned()
}

#[tokio::test]
async fn the_token_that_pveum_makes_opens_the_api_with_what_it_was_granted() {
    let rig = start().await;
    let printed = done(&rig, API).await;
    assert!(printed.contains("│ full-tokenid │ berth@pve!berth "), "{printed}");
    let token = format!("berth@pve!berth={}", secret(&printed));
    let granted = token_opens(&rig, &token, "/access/permissions").await;
    assert_eq!(granted["/"], json!({"Datastore.Audit": 1, "Sys.Audit": 1, "VM.Allocate": 1, "VM.Audit": 1}));

    let again = rig.run("pveum role add Berth --privs Sys.Audit").await;
    assert_eq!(
        (again.code, again.err().trim()),
        (Some(255), "create role failed: role 'Berth' already exists")
    );
    let more =
        "pveum role add Berth --privs 'VM.PowerMgmt' || pveum role modify Berth --privs 'VM.PowerMgmt'";
    done(&rig, more).await;
    assert_eq!(token_opens(&rig, &token, "/access/permissions").await["/"], json!({"VM.PowerMgmt": 1}));
    let json = done(&rig, "pveum user token add berth@pve two --privsep 1 --output-format json").await;
    let two: serde_json::Value = serde_json::from_str(&json).unwrap();
    let two = format!("berth@pve!two={}", two["value"].as_str().unwrap());
    assert_eq!(token_opens(&rig, &two, "/access/permissions").await, json!({}));
    done(&rig, "pveum acl modify / --tokens 'berth@pve!two' --roles Berth").await;
    assert_eq!(token_opens(&rig, &two, "/access/permissions").await["/"], json!({"VM.PowerMgmt": 1}));
    assert!(done(&rig, "pveum user token list berth@pve").await.contains("│ two "));
    let permissions = done(&rig, "pveum user token permissions berth@pve two").await;
    assert!(permissions.contains("VM.PowerMgmt (*)"), "{permissions}");
    done(&rig, "pveum user token remove berth@pve two").await;
    assert_eq!(token_opens(&rig, &two, "/access/permissions").await, serde_json::Value::Null);
}

#[tokio::test]
async fn a_key_made_on_the_host_logs_in_also_after_a_restart() {
    let rig = start().await;
    let printed = done(&rig, SSH).await;
    let key = decode_secret_key(&printed, None).unwrap();
    assert!(by_key(address(&rig), "root", &key).await.is_some());
    let other =
        PrivateKey::random(&mut russh::keys::key::safe_rng(), russh::keys::Algorithm::Ed25519).unwrap();
    assert!(by_key(address(&rig), "root", &other).await.is_none());

    let Rig { simulator, directory } = rig;
    drop(simulator);
    let rig = start_in(directory).await;
    assert!(by_key(address(&rig), "root", &key).await.is_some());
    done(&rig, "rm /etc/pve/priv/authorized_keys").await;
    assert!(by_key(address(&rig), "root", &key).await.is_none());
}

#[tokio::test]
async fn a_user_may_do_by_sudo_what_sudoers_grants_and_no_more() {
    let rig = start().await;
    let refused = |outcome: &Outcome| {
        assert_eq!((outcome.code, outcome.err().trim()), (Some(1), "sudo: a password is required"));
    };
    done(&rig, "adduser --disabled-password --gecos '' plain").await;
    let checked = done(&rig, SUDO).await;
    assert!(checked.ends_with("/etc/sudoers: parsed OK\n/etc/sudoers.d/berth: parsed OK\n"), "{checked}");
    let printed = done(
        &rig,
        "ssh-keygen -q -t ed25519 -N '' -f /tmp/key && for user in berth plain; do \
         mkdir -m 700 /home/$user/.ssh; cat /tmp/key.pub > /home/$user/.ssh/authorized_keys; \
         chown -R $user: /home/$user/.ssh; done; cat /tmp/key",
    )
    .await;
    let key = decode_secret_key(&printed, None).unwrap();
    let berth = by_key(address(&rig), "berth", &key).await.unwrap();
    let plain = by_key(address(&rig), "plain", &key).await.unwrap();

    let bare = exec(&berth, "pct list", b"", false).await;
    assert_eq!(bare.code, Some(127), "/usr/sbin is not in a user's PATH");
    let bare = exec(&berth, "/usr/sbin/pct list", b"", false).await;
    assert_eq!((bare.code, bare.err().trim()), (Some(255), "please run as root"));
    let list = exec(&berth, "sudo -n -- pct list", b"", false).await;
    assert_eq!((list.code, list.err().as_str()), (Some(0), ""));
    assert!(list.out().contains("101"), "{}", list.out());
    assert_eq!(exec(&berth, "sudo -n hostname", b"", false).await.out().trim(), "pve");
    let inside = exec(&berth, "sudo -n -- pct exec 101 -- cat", b"through sudo", false).await;
    assert_eq!(inside.out(), "through sudo");
    refused(&exec(&berth, "sudo -n -- cat /etc/sudoers", b"", false).await);
    refused(&exec(&plain, "sudo -n -- pct list", b"", false).await);
    assert_eq!(
        exec(&berth, "echo ~ $USER $PWD", b"", false).await.out().trim(),
        "/home/berth berth /home/berth"
    );

    done(&rig, "rm /etc/sudoers.d/berth").await;
    refused(&exec(&berth, "sudo -n -- pct list", b"", false).await);
    done(&rig, "echo '%sudo ALL=NOPASSWD: ALL' > /etc/sudoers.d/group && adduser plain sudo").await;
    assert_eq!(exec(&plain, "sudo -n -- pct status 101", b"", false).await.out().trim(), "status: running");
}

#[tokio::test]
async fn visudo_tells_what_is_wrong_with_a_file() {
    let rig = start().await;
    let outcome = rig
        .run("echo 'berth ALL NOPASSWD pct' > /etc/sudoers.d/x; chmod 644 /etc/sudoers.d/x; visudo -c")
        .await;
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.err().contains("/etc/sudoers.d/x:1:1: syntax error"), "{}", outcome.err());
    assert!(outcome.err().contains("/etc/sudoers.d/x: bad permissions, should be mode 0440"));
}

#[tokio::test]
async fn passwords_set_on_the_host_open_ssh_and_the_realm_pam() {
    let rig = start().await;
    done(&rig, "adduser --disabled-password --gecos '' carol").await;
    assert!(by_password(address(&rig), "carol", "carols-Passw0rd").await.is_none());
    done(&rig, "echo 'carol:carols-Passw0rd' | chpasswd").await;
    assert!(by_password(address(&rig), "carol", "carols-Passw0rd").await.is_some());
    done(&rig, "printf 'new-Passw0rd\\nnew-Passw0rd\\n' | passwd root").await;
    assert!(by_password(address(&rig), "root", "FAKE-Passw0rd").await.is_none());

    let Rig { simulator, directory } = rig;
    drop(simulator);
    let rig = start_in(directory).await;
    assert!(by_password(address(&rig), "root", "new-Passw0rd").await.is_some());
    assert!(by_password(address(&rig), "carol", "carols-Passw0rd").await.is_some());
    assert!(by_password(address(&rig), "nobody-here", "carols-Passw0rd").await.is_none());
}

#[tokio::test]
async fn the_fingerprints_on_the_host_are_those_it_shows() {
    let rig = start().await;
    let certificate = "openssl x509 -noout -fingerprint -sha256 -in /etc/pve/local/pveproxy-ssl.pem 2>/dev/null || \
        openssl x509 -noout -fingerprint -sha256 -in /etc/pve/local/pve-ssl.pem";
    let keys = "for key in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -l -f \"$key\"; done";
    let node = rig.simulator.ready.nodes[0].clone();
    assert_eq!(
        done(&rig, certificate).await.trim(),
        format!("sha256 Fingerprint={}", node.certificate_sha256)
    );
    assert!(done(&rig, keys).await.contains(&node.host_key_sha256));

    let faults = json!([{ "kind": "changed-certificate" }, { "kind": "changed-host-key" }]);
    rig.simulator.host().faults().plant(serde_json::from_value(faults).unwrap());
    let shown = Client::new(node.api, rig.simulator.host().directory()).shown().await.unwrap();
    assert_ne!(shown, node.certificate_sha256);
    assert_eq!(done(&rig, certificate).await.trim(), format!("sha256 Fingerprint={shown}"));
    let key = rig.host_key().await;
    assert_ne!(key, node.host_key_sha256);
    assert!(done(&rig, keys).await.contains(&key));

    rig.simulator.host().faults().set(Vec::new());
    assert_eq!(rig.host_key().await, node.host_key_sha256);
    assert!(done(&rig, keys).await.contains(&node.host_key_sha256));
}

#[tokio::test]
async fn restarting_a_service_on_the_host_mends_what_hangs() {
    let rig = start().await;
    let faults = json!([{ "kind": "hang", "path": "^/version" }, { "kind": "status", "status": 500 }]);
    rig.simulator.host().faults().plant(serde_json::from_value(faults).unwrap());
    let status = done(&rig, "systemctl status pvedaemon pveproxy pve-cluster --no-pager").await;
    assert_eq!(status.matches("Active: active (running)").count(), 3, "{status}");
    done(&rig, "pvecm updatecerts && systemctl restart pvedaemon pveproxy").await;
    let left = rig.simulator.host().faults().list();
    assert_eq!(serde_json::to_value(&left).unwrap()[0]["kind"], "status");
    assert_eq!(left.len(), 1);
    let unknown = rig.run("systemctl restart nonsense").await;
    assert_eq!(unknown.code, Some(5), "{}", unknown.err());
}

#[tokio::test]
async fn members_of_a_cluster_share_roots_keys_but_not_their_host_keys() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { nodes: 3, cluster: true, speed: 20.0, ..Options::recorded(directory.path()) };
    let rig = Rig { simulator: Simulator::start(options).await.unwrap(), directory };
    let key = decode_secret_key(&done(&rig, SSH).await, None).unwrap();
    let nodes = rig.simulator.ready.nodes.clone();
    for node in &nodes {
        let session = by_key(node.ssh, "root", &key).await.unwrap();
        assert_eq!(exec(&session, "hostname", b"", false).await.out().trim(), node.node);
        let status = exec(&session, "pvecm status", b"", false).await.out();
        assert!(status.contains(&format!("{} (local)", node.ssh.ip())), "{status}");
    }
    assert_ne!(nodes[0].host_key_sha256, nodes[1].host_key_sha256);
    assert_ne!(nodes[1].host_key_sha256, nodes[2].host_key_sha256);
}
