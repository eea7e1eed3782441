//! Ways to log in over SSH, and servers that are slow, silent or strict.

#![allow(clippy::unwrap_used)]

mod cli_support;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use berth_simulator::calls::CallKind;
use berth_simulator::simulator::{Options, Simulator};
use berth_simulator::ssh::HostKeyKind;
use cli_support::{Anyone, Rig, exec, start};
use russh::client::{AuthResult, Config, Handle};
use russh::keys::{HashAlg, PrivateKeyWithHashAlg, decode_secret_key};
use russh::{MethodKind, MethodSet};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

/// Nothing that is to be answered takes so long.
const SILENCE: Duration = Duration::from_millis(700);

fn address(rig: &Rig) -> SocketAddr {
    rig.simulator.ready.nodes[0].ssh
}

async fn open(rig: &Rig) -> Handle<Anyone> {
    russh::client::connect(Arc::new(Config::default()), address(rig), Anyone::default()).await.unwrap()
}

fn plant(rig: &Rig, faults: Value) {
    rig.simulator.host().faults().plant(serde_json::from_value(faults).unwrap());
}

/// What a client with a key of this kind gets when the key is authorized.
async fn logs_in_with(rig: &Rig, kind: &str, bits: &str, hashes: &[Option<HashAlg>]) {
    let make = format!(
        "rm -f /tmp/k /tmp/k.pub; ssh-keygen -q -t {kind} -b {bits} -N '' -f /tmp/k && \
         cat /tmp/k.pub >> /root/.ssh/authorized_keys && cat /tmp/k"
    );
    let key = Arc::new(decode_secret_key(&rig.run(&make).await.out(), None).unwrap());
    for hash in hashes {
        let mut session = open(rig).await;
        let with = PrivateKeyWithHashAlg::new(Arc::clone(&key), *hash);
        let answer = session.authenticate_publickey("root", with).await.unwrap();
        assert!(answer.success(), "{kind} {bits} {hash:?}: {answer:?}");
    }
}

#[tokio::test]
async fn keys_of_all_kinds_log_in() {
    let rig = start().await;
    logs_in_with(&rig, "ed25519", "256", &[None]).await;
    for bits in ["256", "384", "521"] {
        logs_in_with(&rig, "ecdsa", bits, &[None]).await;
    }
    let sha2 = [Some(HashAlg::Sha256), Some(HashAlg::Sha512)];
    logs_in_with(&rig, "rsa", "2048", &sha2).await;
    logs_in_with(&rig, "rsa", "4096", &sha2[1..]).await;
}

#[tokio::test]
async fn with_prohibit_password_root_is_offered_keys_only_and_others_still_both() {
    let rig = start().await;
    plant(&rig, json!([{ "kind": "prohibit-password" }]));
    let keys = MethodSet::from([MethodKind::PublicKey].as_slice());
    let both = MethodSet::from([MethodKind::PublicKey, MethodKind::Password].as_slice());
    let offered = |answer| match answer {
        AuthResult::Failure { remaining_methods, .. } => remaining_methods,
        AuthResult::Success => panic!("let in"),
    };
    assert_eq!(offered(open(&rig).await.authenticate_none("root").await.unwrap()), keys);
    assert_eq!(offered(open(&rig).await.authenticate_none("other").await.unwrap()), both);
    let answer = open(&rig).await.authenticate_password("root", "FAKE-Passw0rd").await.unwrap();
    assert_eq!(offered(answer), keys);
    plant(&rig, json!([]));
    assert!(open(&rig).await.authenticate_password("root", "FAKE-Passw0rd").await.unwrap().success());
}

#[tokio::test]
async fn a_server_falls_silent_before_its_banner_or_after_the_login() {
    let rig = start().await;
    plant(&rig, json!([{ "kind": "ssh-hang", "stage": "banner", "count": 1 }]));
    let mut stream = tokio::net::TcpStream::connect(address(&rig)).await.unwrap();
    let mut banner = [0; 4];
    assert!(tokio::time::timeout(SILENCE, stream.read_exact(&mut banner)).await.is_err());
    let mut stream = tokio::net::TcpStream::connect(address(&rig)).await.unwrap();
    stream.read_exact(&mut banner).await.unwrap();
    assert_eq!(&banner, b"SSH-");

    plant(&rig, json!([{ "kind": "ssh-hang", "count": 1 }]));
    let session = rig.connect().await;
    assert!(tokio::time::timeout(SILENCE, session.channel_open_session()).await.is_err());
    assert_eq!(rig.run("echo back").await.out(), "back\n");
}

#[tokio::test]
async fn a_slow_server_lets_every_step_wait() {
    let rig = start().await;
    plant(&rig, json!([{ "kind": "slow-ssh", "ms": 200 }]));
    let began = Instant::now();
    assert_eq!(rig.run("echo late").await.out(), "late\n");
    // The banner, the attempt to log in, the command.
    assert!(began.elapsed() >= Duration::from_millis(600));
}

#[tokio::test]
async fn a_host_may_show_an_rsa_key() {
    let directory = tempfile::tempdir().unwrap();
    let options =
        Options { host_keys: vec![HostKeyKind::Rsa], speed: 20.0, ..Options::recorded(directory.path()) };
    let rig = Rig { simulator: Simulator::start(options).await.unwrap(), directory };
    assert_eq!(rig.host_key().await, rig.simulator.ready.nodes[0].host_key_sha256);
    let session = rig.connect().await;
    let shown = exec(&session, "ssh-keygen -l -f /etc/ssh/ssh_host_rsa_key.pub", b"", false).await.out();
    assert!(shown.starts_with(&format!("3072 {} ", rig.simulator.ready.nodes[0].host_key_sha256)), "{shown}");
}

#[tokio::test]
async fn a_key_that_was_refused_is_in_the_log_by_its_fingerprint() {
    let rig = start().await;
    let key = rig.run("ssh-keygen -q -t ed25519 -N '' -f /tmp/k && cat /tmp/k").await.out();
    let key = Arc::new(decode_secret_key(&key, None).unwrap());
    let fingerprint = key.public_key().fingerprint(HashAlg::Sha256).to_string();
    let with = PrivateKeyWithHashAlg::new(key, None);
    assert!(!open(&rig).await.authenticate_publickey("root", with).await.unwrap().success());
    let calls = rig.simulator.host().calls().list();
    let attempt = calls.iter().rfind(|call| call.kind == CallKind::SshAttempt).unwrap();
    assert_eq!((attempt.what.as_str(), attempt.accepted), ("publickey", Some(false)));
    assert_eq!(attempt.secret, Some(fingerprint));
}
