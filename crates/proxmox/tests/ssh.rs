//! SSH and `pct` against a server that runs a real shell.

#![allow(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "helpers of tests, which clippy does not know as such"
)]

mod support;

use std::time::Duration;

use berth_domain::Vmid;
use berth_proxmox::error::KeyProblem;
use berth_proxmox::lxc::RunState;
use berth_proxmox::ssh::{ExecEvent, Exit, Limits, Output, Stdin, check_private_key, probe_host_key};
use berth_proxmox::{Command, Error, HostKey, Pct, SshConnection, SshCredential, SshTarget};
use bytes::Bytes;
use russh::MethodKind;
use russh::keys::ssh_key::LineEnding;
use russh::keys::{Algorithm, EcdsaCurve, PrivateKey};
use support::SOON;
use support::ssh::{Options, SshServer};
use tokio::io::AsyncReadExt as _;

fn vmid(number: u32) -> Vmid {
    Vmid::new(number).unwrap()
}

fn random(algorithm: Algorithm) -> PrivateKey {
    PrivateKey::random(&mut russh::keys::key::safe_rng(), algorithm).unwrap()
}

fn sh(script: &str) -> Command {
    Command::new("sh").args(["-c", script])
}

async fn log_in_with(
    server: &SshServer,
    pem: &str,
    passphrase: Option<&str>,
) -> Result<SshConnection, Error> {
    let mut target = server.target("root");
    target.credential = SshCredential::Key { pem: pem.into(), passphrase: passphrase.map(Into::into) };
    SshConnection::connect(&target, SOON).await
}

#[tokio::test]
async fn the_host_key_is_shown_without_a_login_and_compared_before_one() {
    let server = SshServer::start(Options::default()).await;
    let shown = probe_host_key(&server.host, SOON).await.unwrap();
    assert_eq!((&shown, shown.algorithm()), (&server.host_key, Some("ssh-ed25519")));
    assert!(shown.fingerprint().starts_with("SHA256:"));

    let other: HostKey = random(Algorithm::Ed25519).public_key().to_openssh().unwrap().parse().unwrap();
    let mut target = server.target("root");
    target.host_key = other.clone();
    match SshConnection::connect(&target, SOON).await.unwrap_err() {
        Error::HostKeyChanged { expected, found, .. } => assert_eq!((*expected, *found), (other, shown)),
        error => panic!("{error}"),
    }
    assert_eq!(*server.attempts.lock().unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn other_kinds_of_host_keys_are_pinned_too() {
    let ecdsa = Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 };
    let server = SshServer::start(Options { key: ecdsa, ..Options::default() }).await;
    assert_eq!(
        server.connect().await.run(&sh("echo hi"), Stdin::Empty, Limits::within(SOON)).await.unwrap().stdout,
        b"hi\n"
    );
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_key_say_what_to_check() {
    let server = SshServer::start(Options::default()).await;
    let mut target = server.target("root");
    target.credential = SshCredential::Password("planted-wrong".into());
    let error = SshConnection::connect(&target, SOON).await.unwrap_err();
    assert!(
        matches!(&error, Error::SshAuth { user, cause, .. } if user == "root" && cause.contains("wrong user or password")),
        "{error}"
    );
    assert!(!format!("{error} {error:?} {target:?}").contains("planted"));

    let key = random(Algorithm::Ed25519).to_openssh(LineEnding::LF).unwrap();
    let error = log_in_with(&server, &key, None).await.unwrap_err();
    assert!(matches!(&error, Error::SshAuth { cause, .. } if cause.contains("authorized_keys")), "{error}");

    let server =
        SshServer::start(Options { methods: vec![MethodKind::PublicKey], ..Options::default() }).await;
    let error =
        SshConnection::connect(&SshTarget { credential: target.credential, ..server.target("root") }, SOON)
            .await
            .unwrap_err();
    assert!(matches!(&error, Error::SshAuth { cause, .. } if cause.contains("by key only")), "{error}");
}

#[tokio::test]
async fn keys_of_every_kind_log_in() {
    let ed25519 = random(Algorithm::Ed25519);
    let ecdsa = random(Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 });
    let public = |key: &PrivateKey| key.public_key().to_openssh().unwrap();
    let files = [include_str!("keys/rsa.pub"), include_str!("keys/ecdsa.pub")].map(str::to_owned);
    let authorized = [public(&ed25519), public(&ecdsa)].into_iter().chain(files).collect();
    let server = SshServer::start(Options { authorized, ..Options::default() }).await;
    let keys = [
        ("ed25519", ed25519.to_openssh(LineEnding::LF).unwrap().to_string(), None),
        ("ed25519 from Windows", ed25519.to_openssh(LineEnding::CRLF).unwrap().to_string(), None),
        ("ecdsa", ecdsa.to_openssh(LineEnding::LF).unwrap().to_string(), None),
        ("ecdsa pkcs8", include_str!("keys/ecdsa-pkcs8.pem").to_owned(), None),
        (
            "rsa openssh, encrypted",
            include_str!("keys/rsa-openssh-encrypted").to_owned(),
            Some("correct horse"),
        ),
        ("rsa pkcs1", include_str!("keys/rsa-pkcs1.pem").to_owned(), None),
        (
            "rsa pkcs8, encrypted",
            include_str!("keys/rsa-pkcs8-encrypted.pem").to_owned(),
            Some("correct horse"),
        ),
    ];
    for (name, pem, passphrase) in keys {
        log_in_with(&server, &pem, passphrase).await.unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn unusable_keys_say_why() {
    let openssh = include_str!("keys/rsa-openssh-encrypted");
    let pkcs8 = include_str!("keys/rsa-pkcs8-encrypted.pem");
    assert_eq!(check(include_str!("keys/rsa.pub"), None), Err(KeyProblem::Public));
    for encrypted in [openssh, pkcs8] {
        assert_eq!(check(encrypted, None), Err(KeyProblem::PassphraseMissing));
        assert_eq!(check(encrypted, Some("")), Err(KeyProblem::PassphraseMissing));
        assert_eq!(check(encrypted, Some("wrong")), Err(KeyProblem::PassphraseWrong));
        assert_eq!(check(encrypted, Some("correct horse")), Ok(()));
    }
    for text in ["", "hello", "-----BEGIN OPENSSH PRIVATE KEY-----\n", &openssh[..openssh.len() / 2]] {
        assert_eq!(check(text, None), Err(KeyProblem::Unreadable), "{text:?}");
    }
}

fn check(pem: &str, passphrase: Option<&str>) -> Result<(), KeyProblem> {
    check_private_key(&pem.into(), passphrase.map(Into::into).as_ref())
}

#[test]
fn a_key_is_read_however_it_was_pasted() {
    let phrase = Some("correct horse");
    for (name, file, phrase) in [
        ("sec1", include_str!("keys/ecdsa-sec1.pem"), None),
        ("pkcs1, encrypted", include_str!("keys/rsa-pkcs1-encrypted.pem"), phrase),
        ("pkcs8", include_str!("keys/ecdsa-pkcs8.pem"), None),
        ("pkcs8, encrypted", include_str!("keys/rsa-pkcs8-encrypted.pem"), phrase),
        ("openssh, encrypted", include_str!("keys/rsa-openssh-encrypted"), phrase),
        ("PuTTY", include_str!("keys/ed25519.ppk"), None),
    ] {
        let indented = format!("    {}", file.replace('\n', "  \n    "));
        let indented = if name == "PuTTY" { file.to_owned() } else { indented };
        for text in
            [file.to_owned(), file.replace('\n', "\r\n"), format!("\r\n\n {}", file.trim_end()), indented]
        {
            assert_eq!(check(&text, phrase), Ok(()), "{name}: {text:?}");
            if phrase.is_none() {
                assert_eq!(check(&text, Some("needless")), Ok(()), "{name}");
            }
        }
    }
    let of_old = include_str!("keys/ecdsa-sec1-encrypted.pem");
    let des = include_str!("keys/rsa-pkcs1-encrypted.pem").replace("AES-128-CBC", "DES-EDE3-CBC");
    for text in [of_old, &des] {
        assert_eq!(check(text, Some("correct horse")), Err(KeyProblem::Old));
    }
    let putty = include_str!("keys/ed25519.ppk");
    assert_eq!(check(&putty[..putty.len() / 2], None), Err(KeyProblem::Putty));
}

#[tokio::test]
async fn outputs_stay_apart_and_exit_codes_come_through() {
    let server = SshServer::start(Options::default()).await;
    let connection = server.connect().await;
    for code in [0, 1, 7, 127, 255] {
        let output = connection
            .run(&sh(&format!("echo out; echo err >&2; exit {code}")), Stdin::Empty, Limits::within(SOON))
            .await
            .unwrap();
        assert_eq!(
            (output.exit, &output.stdout[..], &output.stderr[..]),
            (Exit::Code(code), &b"out\n"[..], &b"err\n"[..])
        );
    }
    assert_eq!(connection.commands(), 5);
}

#[tokio::test]
async fn big_binary_input_comes_back_unchanged() {
    let server = SshServer::start(Options::default()).await;
    let connection = server.connect().await;
    let bytes: Vec<u8> = (0..6_000_000_u32)
        .map(|number| (number.wrapping_mul(2_654_435_761) >> 13).to_le_bytes()[0])
        .collect();
    let limits = Limits { deadline: SOON, max_output: 10 << 20 };
    let output =
        connection.run(&Command::new("cat"), Stdin::Bytes(bytes.clone().into()), limits).await.unwrap();
    assert!(output.stdout == bytes && !output.truncated);

    let reader = Stdin::Reader(Box::new(tokio::io::repeat(7).take(3_000_000)));
    let output = connection.run(&Command::new("wc").arg("-c"), reader, limits).await.unwrap();
    assert_eq!(output.stdout_text().trim(), "3000000");
}

#[tokio::test]
async fn output_beyond_the_limit_is_dropped_and_said_so() {
    let server = SshServer::start(Options::default()).await;
    let limits = Limits { deadline: SOON, max_output: 1000 };
    let output = server.connect().await.run(&sh("seq 1 100000"), Stdin::Empty, limits).await.unwrap();
    assert!(output.truncated && output.stdout.len() == 1000 && output.exit.success());
}

#[tokio::test]
async fn a_command_that_does_not_read_its_input_ends_well() {
    let server = SshServer::start(Options::default()).await;
    let stdin = Stdin::Reader(Box::new(tokio::io::repeat(7)));
    let output = server.connect().await.run(&sh("exit 3"), stdin, Limits::within(SOON)).await.unwrap();
    assert_eq!(output.exit, Exit::Code(3));
}

#[tokio::test]
async fn many_commands_share_a_connection() {
    let server = SshServer::start(Options::default()).await;
    let connection = server.connect().await;
    let mut slow = connection
        .exec(&Command::new("cat"), Stdin::Reader(Box::new(tokio::io::empty().chain(Pending))))
        .await
        .unwrap();
    for number in 0..20 {
        let output = connection
            .run(&Command::new("echo").arg(number), Stdin::Empty, Limits::within(SOON))
            .await
            .unwrap();
        assert_eq!(output.stdout_text().trim(), number.to_string());
    }
    assert_eq!(server.attempts.lock().unwrap().len(), 1);
    assert!(tokio::time::timeout(Duration::from_millis(50), slow.next()).await.is_err());
}

struct Pending;

impl tokio::io::AsyncRead for Pending {
    fn poll_read(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        _: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Pending
    }
}

#[tokio::test]
async fn a_connection_cut_in_mid_stream_is_told_from_an_end() {
    let server = SshServer::start(Options::default()).await;
    let connection = server.connect().await;
    let mut stream = connection.exec(&sh("echo first; exec sleep 60"), Stdin::Empty).await.unwrap();
    assert_eq!(stream.next().await.unwrap(), Some(ExecEvent::Stdout(Bytes::from_static(b"first\n"))));
    server.cut();
    let error = tokio::time::timeout(SOON, stream.next()).await.unwrap().unwrap_err();
    assert!(matches!(error, Error::SshDropped { .. }), "{error}");
    assert_eq!(stream.next().await.unwrap(), None);
    let error = connection.exec(&sh("true"), Stdin::Empty).await.err().unwrap();
    assert!(matches!(error, Error::SshDropped { .. }) && connection.is_closed(), "{error}");
}

#[tokio::test]
async fn nothing_there_and_no_ssh_there_are_unreachable() {
    let server = SshServer::start(Options::default()).await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut target = server.target("root");
    target.host.port = closed.local_addr().unwrap().port();
    drop(closed);
    let error = SshConnection::connect(&target, SOON).await.unwrap_err();
    assert!(
        matches!(&error, Error::SshUnreachable { .. })
            && error.to_string().contains(&target.host.to_string()),
        "{error}"
    );

    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    target.host.port = silent.local_addr().unwrap().port();
    let error = SshConnection::connect(&target, Duration::from_millis(200)).await.unwrap_err();
    assert!(matches!(&error, Error::SshUnreachable { cause, .. } if cause.contains("no answer")), "{error}");
    let error = probe_host_key(&target.host, Duration::from_millis(200)).await.unwrap_err();
    assert!(matches!(error, Error::SshUnreachable { .. }), "{error}");
}

#[tokio::test]
async fn a_command_past_its_deadline_is_given_up() {
    let server = SshServer::start(Options::default()).await;
    let error = server
        .connect()
        .await
        .run(&Command::new("sleep").arg(60), Stdin::Empty, Limits::within(Duration::from_millis(200)))
        .await;
    assert!(matches!(error, Err(Error::CommandTimeout { .. })));
}

async fn in_container(pct: &Pct, number: u32, script: &str) -> Result<Output, Error> {
    pct.run(vmid(number), &["sh", "-c", script], Stdin::Empty, Limits::within(SOON)).await
}

#[tokio::test]
async fn pct_tells_its_own_failures_from_the_programs() {
    let server = SshServer::start(Options::default()).await;
    let pct = Pct::new(server.connect().await);
    for code in [0, 2, 126, 127, 137, 255] {
        let script = format!("printf out; printf err >&2; exit {code}");
        let output = in_container(&pct, 101, &script).await.unwrap();
        assert_eq!(
            (output.exit, &output.stdout[..], &output.stderr[..]),
            (Exit::Code(code), &b"out"[..], &b"err"[..])
        );
    }
    assert!(
        matches!(in_container(&pct, 999, "true").await, Err(Error::NoSuchContainer { vmid, .. }) if vmid.get() == 999)
    );
    assert!(matches!(in_container(&pct, 104, "true").await, Err(Error::NotRunning { .. })));
    assert!(matches!(in_container(&pct, 106, "kill -9 $PPID").await, Err(Error::Interrupted { .. })));
    let missing = pct.run(vmid(101), &["nosuchprogram"], Stdin::Empty, Limits::within(SOON)).await;
    assert!(matches!(missing, Err(Error::CommandNotFound { program, .. }) if program == "nosuchprogram"));
    assert_eq!(pct.calls(), 10);
}

#[tokio::test]
async fn binary_input_and_odd_arguments_reach_a_container_unchanged() {
    let server = SshServer::start(Options::default()).await;
    let pct = Pct::new(server.connect().await);
    let bytes: Vec<u8> =
        (0..500_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 11).to_le_bytes()[0]).collect();
    let output =
        pct.run(vmid(101), &["cat"], Stdin::Bytes(bytes.clone().into()), Limits::within(SOON)).await.unwrap();
    assert!(output.stdout == bytes && output.stderr.is_empty());
    let odd = ["a b", "$(id)", "'", "\"", "", "--", "\n", "*;|", "ü"];
    let argv: Vec<&str> = ["printf", "%s|"].into_iter().chain(odd).collect();
    let output = pct.run(vmid(101), &argv, Stdin::Empty, Limits::within(SOON)).await.unwrap();
    assert_eq!(output.stdout_text(), odd.map(|word| format!("{word}|")).concat());
}

#[tokio::test]
async fn a_program_is_tried_again_until_the_container_is_up_and_runs_once() {
    let server = SshServer::start(Options::default()).await;
    let pct = Pct::new(server.connect().await);
    let count = server.folder.path().join("count");
    let script = format!("echo ran >>'{}'; exit 5", count.display());
    let output = pct.run_when_up(vmid(105), &["sh", "-c", &script], Limits::within(SOON)).await.unwrap();
    assert_eq!(output.exit, Exit::Code(5));
    assert_eq!(std::fs::read_to_string(count).unwrap(), "ran\n");
    assert_eq!(pct.calls(), 3);
}

#[tokio::test]
async fn list_status_and_set_read_what_pct_says() {
    let server = SshServer::start(Options::default()).await;
    let pct = Pct::new(server.connect().await);
    let listed = pct.list().await.unwrap();
    assert_eq!(listed.iter().map(|entry| entry.vmid.get()).collect::<Vec<_>>(), [101, 104]);
    assert_eq!(pct.status(vmid(101)).await.unwrap(), RunState::Running);
    assert!(matches!(pct.status(vmid(999)).await, Err(Error::NoSuchContainer { .. })));
    pct.set(vmid(101), &[("features", "keyctl=1,nesting=1"), ("description", "two\nlines; $x")])
        .await
        .unwrap();
    let log = std::fs::read_to_string(server.folder.path().join("pct.log")).unwrap();
    assert!(log.contains("set 101 --features keyctl=1,nesting=1 --description two\nlines; $x\n"), "{log}");
    let refused = pct.set(vmid(101), &[("memory", "lots")]).await;
    assert!(matches!(refused, Err(Error::Rejected { fields, .. }) if fields["memory"].contains("integer")));
    assert!(
        matches!(pct.set(vmid(101), &[("hostname", "locked")]).await, Err(Error::Locked { lock, .. }) if lock == "backup")
    );
}

#[tokio::test]
async fn other_users_go_by_sudo() {
    let server = SshServer::start(Options::default()).await;
    let admin = SshConnection::connect(&server.target("admin"), SOON).await.unwrap();
    assert_eq!(Pct::new(admin).list().await.unwrap().len(), 2);
    let guest = SshConnection::connect(&server.target("guest"), SOON).await.unwrap();
    let refused = Pct::new(guest).list().await;
    assert!(matches!(&refused, Err(Error::SudoRefused { user, .. }) if user == "guest"), "{refused:?}");
}
