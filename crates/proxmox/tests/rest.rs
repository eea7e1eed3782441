//! The REST client against a server that misbehaves.

#![allow(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "helpers of tests, which clippy does not know as such"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use berth_domain::{Fingerprint, HostPort, Vmid};
use berth_proxmox::lxc::{ConfigChange, CreateContainer, DeleteOptions};
use berth_proxmox::tasks::TaskLogLine;
use berth_proxmox::{
    Auth, Client, Deadlines, Error, LoginOutcome, PropertyString, SecondFactor, TaskOutcome, Trust, Upid,
    probe_certificate,
};
use support::SOON;
use support::https::{HttpsServer, Reaction, Request, token};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const VERSION: &str = r#"{"version":"9.2.11","release":"9.2","repoid":"14a22df3d2f2d0f4"}"#;

fn vmid() -> Vmid {
    Vmid::new(101).unwrap()
}

fn upid() -> Upid {
    "UPID:pve:000009D3:00005416:6B00E3C3:vzcreate:102:root@pam!dash2:".parse().unwrap()
}

fn short() -> Deadlines {
    Deadlines { connect: SOON, read: Duration::from_millis(300), write: Duration::from_millis(300) }
}

async fn closed_port() -> HostPort {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    HostPort::new("127.0.0.1".parse().unwrap(), listener.local_addr().unwrap().port())
}

/// Answers the first requests with these, and all later ones with the last.
fn script(reactions: Vec<fn() -> Reaction>) -> impl Fn(&Request) -> Reaction + Send + Sync + 'static {
    let next = AtomicUsize::new(0);
    move |_| reactions[next.fetch_add(1, Ordering::SeqCst).min(reactions.len() - 1)]()
}

#[tokio::test]
async fn a_certificate_is_shown_before_anything_is_sent() {
    let server = HttpsServer::start(|_| Reaction::data(VERSION)).await;
    let shown = probe_certificate(&server.host, SOON).await.unwrap();
    assert_eq!((shown.fingerprint, shown.publicly_trusted), (server.fingerprint, false));
    assert_eq!(shown.names, ["pve.test", "127.0.0.1"]);
    assert!(
        shown.subject.contains("rcgen")
            && shown.issuer.contains("rcgen")
            && shown.not_before < shown.not_after,
        "{shown:?}"
    );
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn only_the_pinned_certificate_is_spoken_to() {
    let server = HttpsServer::start(|_| Reaction::data(VERSION)).await;
    assert_eq!(server.client().version().await.unwrap().version, "9.2.11");
    let other = Fingerprint::new([7; 32]);
    let client = Client::new(server.host.clone(), Trust::Pinned(other), token()).unwrap();
    for error in
        [client.version().await.unwrap_err(), client.stop_container("pve", vmid()).await.unwrap_err()]
    {
        assert!(
            matches!(error, Error::CertificateChanged { expected, found, .. } if expected == other && found == server.fingerprint)
        );
    }
    let client = Client::new(server.host.clone(), Trust::PublicRoots, token()).unwrap();
    let error = client.version().await.unwrap_err();
    assert!(
        matches!(error, Error::CertificateUntrusted { found, .. } if found == server.fingerprint),
        "{error}"
    );
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn nobody_there_is_unreachable_and_nothing_was_sent() {
    let host = closed_port().await;
    let client = Client::new(host.clone(), Trust::PublicRoots, token()).unwrap();
    for error in
        [client.version().await.unwrap_err(), client.start_container("pve", vmid()).await.unwrap_err()]
    {
        assert!(
            matches!(error, Error::Unreachable { .. }) && error.to_string().contains(&host.to_string()),
            "{error}"
        );
    }
    assert!(matches!(probe_certificate(&host, SOON).await, Err(Error::Unreachable { .. })));
}

#[tokio::test]
async fn a_server_without_tls_is_no_proxmox() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = HostPort::new("127.0.0.1".parse().unwrap(), listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let _ = socket.write_all(b"SSH-2.0-OpenSSH_9.2\r\n").await;
            let _ = socket.read(&mut [0; 1024]).await;
        }
    });
    assert!(matches!(probe_certificate(&host, SOON).await, Err(Error::NotProxmox { .. })));
    let client = Client::new(host, Trust::PublicRoots, token()).unwrap();
    let error = client.version().await.unwrap_err();
    assert!(matches!(error, Error::NotProxmox { .. }), "{error}");
}

#[tokio::test]
async fn a_read_is_repeated_and_a_write_never() {
    let server = HttpsServer::start(script(vec![
        || Reaction::json(595, "No route to host", ""),
        || Reaction::HangUp,
        || Reaction::data(VERSION),
    ]))
    .await;
    assert_eq!(server.client().version().await.unwrap().release, "9.2");
    assert_eq!(server.requests().len(), 3);

    let server = HttpsServer::start(|_| Reaction::json(595, "No route to host", "")).await;
    assert!(
        matches!(server.client().version().await, Err(Error::MemberUnreachable { message, .. }) if message == "No route to host")
    );
    assert_eq!(server.requests().len(), 3);
    let write = server.client().start_container("pve2", vmid()).await;
    assert!(matches!(write, Err(Error::MemberUnreachable { .. })), "{write:?}");
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_may_have_been_done() {
    let reactions: [fn() -> Reaction; 4] = [
        || Reaction::HangUp,
        || Reaction::Silence,
        || Reaction::json(596, "Connection timed out", ""),
        || Reaction::data("42"),
    ];
    for reaction in reactions {
        let server = HttpsServer::start(move |_| reaction()).await;
        let client = server.client_at(server.host.clone(), short());
        let error = client.start_container("pve", vmid()).await.unwrap_err();
        let named = matches!(&error, Error::MaybeSent { request, .. } if request == "POST /nodes/pve/lxc/101/status/start");
        assert!(named && error.to_string().contains(&server.host.to_string()), "{error}");
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_silent_host_ends_at_the_deadline() {
    let server = HttpsServer::start(|_| Reaction::Silence).await;
    let client = server.client().within(Duration::from_millis(200));
    assert!(
        matches!(client.version().await, Err(Error::Timeout { after, .. }) if after <= Duration::from_millis(200))
    );
    let login = client.login("root@pam", &"x".into()).await;
    assert!(matches!(login, Err(Error::Timeout { .. })), "{login:?}");
}

#[tokio::test]
async fn what_is_no_proxmox_answer_is_said_so() {
    let html = || Reaction::Answer {
        status: 200,
        reason: "OK".into(),
        headers: vec![("Content-Type".into(), "text/html".into())],
        body: "<h1>It works!</h1>".into(),
    };
    let redirect = || Reaction::Answer {
        status: 302,
        reason: "Found".into(),
        headers: vec![("Location".into(), "/elsewhere".into())],
        body: String::new(),
    };
    let reactions: [fn() -> Reaction; 4] =
        [html, redirect, || Reaction::json(200, "OK", "not json"), || Reaction::data(r#"{"x":1}"#)];
    for reaction in reactions {
        let server = HttpsServer::start(move |_| reaction()).await;
        let error = server.client().version().await.unwrap_err();
        assert!(matches!(error, Error::NotProxmox { .. }), "{error}");
        assert_eq!(server.requests().len(), 1);
    }
}

#[tokio::test]
async fn an_answer_beyond_the_limit_is_not_read() {
    let server = HttpsServer::start(|_| Reaction::data(&format!("{:?}", "x".repeat(100_000)))).await;
    let error = server.client().max_response(50_000).version().await.unwrap_err();
    assert!(matches!(&error, Error::NotProxmox { cause, .. } if cause.contains("50000 bytes")), "{error}");
}

#[tokio::test]
async fn credentials_travel_in_headers_and_bodies_only() {
    let server = HttpsServer::start(|request| match request.method.as_str() {
        "POST" if request.path().ends_with("ticket") => Reaction::data(
            r#"{"username":"root@pam","ticket":"PVE:root@pam:6B00E36B::FAKE+/=","CSRFPreventionToken":"6B00E36B:FAKE"}"#,
        ),
        _ => Reaction::data("null"),
    })
    .await;
    let client = server.client();
    let outcome = client.login("root@pam", &"p&=+ %ü\u{20ac}".into()).await.unwrap();
    let LoginOutcome::Ticket(ticket) = outcome else { panic!("{outcome:?}") };
    let change = ConfigChange::new().set("memory", 512).delete("tags");
    client.authenticated(Auth::Ticket(ticket)).change_container("pve", vmid(), &change).await.unwrap();
    client.change_container("pve", vmid(), &change).await.unwrap();
    let [login, by_ticket, by_token] = &server.requests()[..] else { panic!("three requests") };
    assert_eq!(
        login.parameters(),
        [("username".into(), "root@pam".into()), ("password".to_owned(), "p&=+ %ü€".to_owned())]
    );
    assert_eq!((login.header("authorization"), login.target.contains('?')), (None, false));
    assert_eq!(
        by_ticket.header("cookie"),
        Some("PVEAuthCookie=PVE%3Aroot%40pam%3A6B00E36B%3A%3AFAKE%2B%2F%3D")
    );
    assert_eq!(by_ticket.header("csrfpreventiontoken"), Some("6B00E36B:FAKE"));
    assert_eq!(
        by_ticket.parameters(),
        [("memory".into(), "512".into()), ("delete".to_owned(), "tags".to_owned())]
    );
    assert_eq!(
        by_token.header("authorization"),
        Some("PVEAPIToken=root@pam!dash=aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee")
    );
    assert!(!format!("{client:?}").contains("aaaaaaaa"));
}

#[tokio::test]
async fn a_second_factor_finishes_a_login() {
    let server = HttpsServer::start(|request| {
        if request.parameters().iter().any(|(name, _)| name == "tfa-challenge") {
            return Reaction::data(r#"{"username":"alice@pve","ticket":"PVE:alice@pve:1::FAKE","CSRFPreventionToken":"1:FAKE"}"#);
        }
        Reaction::data(r#"{"username":"alice@pve","NeedTFA":1,"ticket":"PVE:!tfa!{\"totp\"%3Atrue}:1::FAKE","CSRFPreventionToken":"1:F"}"#)
    })
    .await;
    let client = server.client();
    let outcome = client.login("alice@pve", &"alice-Passw0rd".into()).await.unwrap();
    let LoginOutcome::NeedsSecondFactor { challenge, kinds } = outcome else { panic!("{outcome:?}") };
    assert_eq!(kinds, [SecondFactor::Totp]);
    let ticket = client
        .login_second_factor("alice@pve", &challenge, &SecondFactor::Totp, &" 123456 ".into())
        .await
        .unwrap();
    assert_eq!(ticket.userid, "alice@pve");
    let parameters = server.requests()[1].parameters();
    assert!(parameters.contains(&("password".into(), "totp:123456".into())), "{parameters:?}");
    assert!(
        parameters.contains(&("tfa-challenge".into(), "PVE:!tfa!{\"totp\"%3Atrue}:1::FAKE".into())),
        "{parameters:?}"
    );
    let key = client.login_second_factor("alice@pve", &challenge, &SecondFactor::WebAuthn, &"x".into()).await;
    assert!(matches!(key, Err(Error::Invalid(_))) && server.requests().len() == 2);
}

/// Passes bytes on and counts the TLS records of application data from client to server.
async fn relay(server: HostPort, records: Arc<AtomicUsize>) -> HostPort {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = HostPort::new("127.0.0.1".parse().unwrap(), listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        let (client, _) = listener.accept().await.unwrap();
        let upstream = TcpStream::connect(("127.0.0.1", server.port)).await.unwrap();
        let (mut from_client, mut to_client) = client.into_split();
        let (mut from_server, mut to_server) = upstream.into_split();
        tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
        let mut header = [0; 5];
        while from_client.read_exact(&mut header).await.is_ok() {
            let mut record = vec![0; usize::from(u16::from_be_bytes([header[3], header[4]]))];
            from_client.read_exact(&mut record).await.unwrap();
            records.fetch_add(usize::from(header[0] == 23), Ordering::SeqCst);
            to_server.write_all(&[&header[..], &record].concat()).await.unwrap();
        }
    });
    host
}

#[tokio::test]
async fn a_login_leaves_in_one_piece() {
    let server =
        HttpsServer::start(|_| Reaction::json(401, "authentication failure", r#"{"data":null}"#)).await;
    let records = Arc::new(AtomicUsize::new(0));
    let host = relay(server.host.clone(), records.clone()).await;
    let login =
        server.client_at(host, Deadlines::default()).login("root@pam", &"x".repeat(2000).into()).await;
    assert!(matches!(login, Err(Error::Unauthorized { .. })), "{login:?}");
    // One is the client's end of the TLS 1.3 handshake.
    assert_eq!(records.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_creation_sends_what_was_recorded() {
    let server = HttpsServer::start(|_| Reaction::data(&format!("{:?}", upid().as_str()))).await;
    let container = CreateContainer {
        vmid: Vmid::new(102).unwrap(),
        ostemplate: "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst".into(),
        hostname: "app102".into(),
        storage: "local-ct".into(),
        disk_gib: 2,
        cores: Some(1),
        memory_mib: 512,
        swap_mib: 256,
        unprivileged: true,
        features: PropertyString::new().with("nesting", 1).unwrap(),
        nets: vec!["name=eth0,bridge=vmbr0,ip=10.77.0.102/24,gw=10.77.0.1".parse().unwrap()],
        nameserver: None,
        searchdomain: None,
        onboot: false,
        password: Some("testpass".into()),
        ssh_public_keys: Vec::new(),
        description: Some("created by rig".into()),
        tags: vec!["rig".into(), "community-script".into()],
        options: Vec::new(),
    };
    assert_eq!(server.client().create_container("pve", &container).await.unwrap(), upid());
    let recording = include_str!("recordings/115-lxc-create.json");
    let recording: serde_json::Value = serde_json::from_str(recording).unwrap();
    let text = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let mut expected: Vec<_> = recording["request"]["form"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (name.clone(), text(value)))
        .collect();
    let mut sent = server.requests()[0].parameters();
    // Not to start it is the default.
    expected.retain(|(name, _)| name != "start");
    expected.sort();
    sent.sort();
    assert_eq!(sent, expected);
    assert!(!format!("{container:?}").contains("testpass"));
    let odd = CreateContainer { storage: "local,size=900G".into(), ..container };
    assert!(matches!(server.client().create_container("pve", &odd).await, Err(Error::Invalid(_))));
}

#[tokio::test]
async fn a_path_cannot_be_escaped_from() {
    let server = HttpsServer::start(|_| Reaction::data("[]")).await;
    for node in ["..", ".", ""] {
        assert!(matches!(server.client().containers(node).await, Err(Error::Invalid(_))), "{node:?}");
    }
    assert!(server.client().containers("a/../b?c#d").await.unwrap().is_empty());
    server
        .client()
        .delete_container("pve", vmid(), DeleteOptions { purge: true, force: false })
        .await
        .unwrap_err();
    let targets: Vec<_> = server.requests().into_iter().map(|request| request.target).collect();
    assert_eq!(targets, ["/api2/json/nodes/a%2F..%2Fb%3Fc%23d/lxc", "/api2/json/nodes/pve/lxc/101?purge=1"]);
}

/// A task whose state is asked `looks` times before it ends so.
fn task(
    looks: usize,
    exitstatus: &'static str,
    lines: usize,
) -> impl Fn(&Request) -> Reaction + Send + Sync + 'static {
    let (asked, upid) = (AtomicUsize::new(0), upid());
    move |request| {
        if request.path().ends_with("/status") {
            return match asked.fetch_add(1, Ordering::SeqCst) {
                1 => {
                    Reaction::json(500, "got timeout", r#"{"data":null,"message":"CT is locked (create)\n"}"#)
                }
                2 => Reaction::json(502, "Bad Gateway", ""),
                look if look < looks => Reaction::data(&format!(r#"{{"upid":"{upid}","status":"running"}}"#)),
                _ => Reaction::data(&format!(
                    r#"{{"upid":"{upid}","status":"stopped","exitstatus":"{exitstatus}"}}"#
                )),
            };
        }
        let parameter = |name: &str| {
            request.parameters().into_iter().find(|(key, _)| key == name).unwrap().1.parse::<usize>().unwrap()
        };
        let written = if asked.load(Ordering::SeqCst) < looks { 0 } else { lines };
        if written == 0 {
            return Reaction::data(r#"[{"n":1,"t":"no content"}]"#);
        }
        let shown = (parameter("start")..written.min(parameter("start") + parameter("limit")))
            .map(|line| format!(r#"{{"n":{},"t":"line {}"}}"#, line + 1, line + 1));
        Reaction::data(&format!("[{}]", shown.collect::<Vec<_>>().join(",")))
    }
}

#[tokio::test]
async fn a_task_is_waited_for_and_its_log_comes_once_and_in_order() {
    let server = HttpsServer::start(task(4, "WARNINGS: 1", 1203)).await;
    let mut log = Vec::new();
    let outcome = server
        .client()
        .wait_task(&upid(), SOON, 1, |line| log.push((line.n, line.text().to_owned())))
        .await
        .unwrap();
    assert_eq!(outcome, TaskOutcome::Warnings(1));
    assert_eq!(log, (1..=1203).map(|number| (number, format!("line {number}"))).collect::<Vec<_>>());

    let server = HttpsServer::start(task(0, "OK", 30)).await;
    let mut log = Vec::new();
    assert_eq!(
        server.client().wait_task(&upid(), SOON, 28, |line| log.push(line.n)).await.unwrap(),
        TaskOutcome::Ok
    );
    assert_eq!(log, [28, 29, 30]);
}

/// Line numbers that repeat, jump or overflow, each line endless.
#[tokio::test]
async fn a_log_made_up_without_end_is_left() {
    for number in ["1", "18446744073709551615", "START"] {
        let ended = format!(r#"{{"upid":"{}","status":"stopped","exitstatus":"OK"}}"#, upid());
        let server = HttpsServer::start(move |request| {
            if request.path().ends_with("/status") {
                return Reaction::data(&ended);
            }
            let start: u64 =
                request.parameters().into_iter().find(|(key, _)| key == "start").unwrap().1.parse().unwrap();
            let line = |offset: u64| {
                let number = if number == "START" { (start + offset).to_string() } else { number.to_owned() };
                format!(
                    r#"{{"n":{number},"t":"{}"}}"#,
                    if offset == 1 { "ü".repeat(5000) } else { String::new() }
                )
            };
            Reaction::data(&format!("[{}]", (1..=500).map(line).collect::<Vec<_>>().join(",")))
        })
        .await;
        let (mut lines, mut longest) = (0, 0);
        let count = |line: &TaskLogLine| {
            lines += 1;
            longest = longest.max(line.text().len());
        };
        assert_eq!(server.client().wait_task(&upid(), SOON, 1, count).await.unwrap(), TaskOutcome::Ok);
        assert!(lines <= 10_000 && longest <= 4096, "{number}: {lines} lines of up to {longest} bytes");
    }
}

#[tokio::test]
async fn a_host_cannot_fill_the_log_with_its_errors() {
    let long = "ü".repeat(50_000);
    let bodies = [
        (500, format!(r#"{{"message":"{long}"}}"#)),
        (400, format!(r#"{{"message":"no","errors":{{"{long}":"{long}"}}}}"#)),
        (200, format!(r#"{{"data":"{long}"}}"#)),
    ];
    for (status, body) in bodies {
        let server = HttpsServer::start(move |_| Reaction::json(status, "x", &body)).await;
        let error = server.client().version().await.unwrap_err().to_string();
        assert!(error.len() < 5000, "{status}: {} bytes", error.len());
    }
}

#[tokio::test]
async fn a_failed_task_brings_the_end_of_its_log() {
    let server = HttpsServer::start(task(0, "unable to create CT 102", 50)).await;
    match server.client().wait_task(&upid(), SOON, 1, |_| {}).await.unwrap_err() {
        Error::TaskFailed { exitstatus, log_tail, upid: failed, .. } => {
            assert_eq!((exitstatus.as_str(), failed), ("unable to create CT 102", upid()));
            assert_eq!((log_tail.len(), log_tail[19].as_str()), (20, "line 50"));
        }
        error => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_task_that_goes_on_is_not_a_failed_one() {
    let server = HttpsServer::start(task(usize::MAX, "OK", 0)).await;
    let waited = server.client().wait_task(&upid(), Duration::from_millis(600), 1, |_| {}).await;
    assert!(matches!(waited, Err(Error::TaskRunning { .. })), "{waited:?}");
}
