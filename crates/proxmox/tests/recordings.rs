//! Every recorded exchange of every endpoint the client calls, errors included, goes through the real client over real HTTPS.
//!
//! `recordings/` holds exchanges of a real Proxmox VE 9.2 host. What the client makes of each of them stands in
//! `snapshots/`; that a failure becomes the right kind of [`Error`] is written out in [`expected_failure`].

#![allow(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "helpers of tests, which clippy does not know as such"
)]

mod support;

use std::collections::BTreeMap;
use std::fmt::{Debug, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex};

use berth_domain::Vmid;
use berth_proxmox::cluster::ResourceKind;
use berth_proxmox::lxc::{ConfigChange, CreateContainer, DeleteOptions, Timeframe};
use berth_proxmox::tasks::TaskFilter;
use berth_proxmox::{Client, Error, PropertyString, SecondFactor, Upid};
use serde::Deserialize;
use support::https::{HttpsServer, Reaction};

#[derive(Clone, Deserialize)]
struct Recording {
    name: String,
    request: Asked,
    response: Answered,
}

#[derive(Clone, Deserialize)]
struct Asked {
    method: String,
    path: String,
    form: Option<serde_json::Value>,
}

#[derive(Clone, Deserialize)]
struct Answered {
    status: u16,
    reason: String,
    headers: BTreeMap<String, String>,
    body_raw: String,
}

impl Recording {
    fn parameter(&self, name: &str) -> Option<String> {
        let value = self.request.form.as_ref()?.get(name)?;
        Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    }

    fn reaction(&self) -> Reaction {
        let Answered { status, reason, headers, body_raw } = self.response.clone();
        Reaction::Answer { status, reason, headers: headers.into_iter().collect(), body: body_raw }
    }
}

fn recordings() -> Vec<Recording> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()).collect()
}

/// Exchanges that were asked in a way our typed calls cannot ask; their answers are still read.
const ASKED_OTHERWISE: &[&str] = &[
    "invalid-vmid-path-400",
    "task-upid-unencoded",
    "task-malformed-upid-400",
    "trailing-slash",
    "plain-http-on-8006",
];

fn brief(value: &impl Debug) -> String {
    let text = format!("{value:?}");
    if text.chars().count() <= 900 {
        text
    } else {
        format!("{}… ({} characters)", text.chars().take(900).collect::<String>(), text.chars().count())
    }
}

fn list<T: Debug>(items: &[T]) -> String {
    let shown: Vec<String> = items.iter().take(3).map(brief).collect();
    format!("{} of {}: {}", shown.len(), items.len(), shown.join("\n    "))
}

fn container(vmid: Vmid) -> CreateContainer {
    CreateContainer {
        vmid,
        ostemplate: "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst".into(),
        hostname: "app102".into(),
        storage: "local-ct".into(),
        disk_gib: 2,
        cores: Some(1),
        memory_mib: 512,
        swap_mib: 256,
        unprivileged: true,
        features: "nesting=1".parse().unwrap(),
        nets: vec![
            "name=eth0,bridge=vmbr0,ip=10.77.0.102/24,gw=10.77.0.1".parse::<PropertyString>().unwrap(),
        ],
        nameserver: None,
        searchdomain: None,
        onboot: false,
        password: Some("testpass".into()),
        ssh_public_keys: Vec::new(),
        description: Some("created by rig".into()),
        tags: vec!["community-script".into(), "rig".into()],
        options: Vec::new(),
    }
}

fn decoded(segment: &str) -> String {
    percent_encoding::percent_decode_str(segment).decode_utf8().unwrap().into_owned()
}

/// Asks by the typed call that this exchange belongs to.
async fn ask(client: &Client, recording: &Recording) -> Result<String, Error> {
    let path = recording.request.path.split('?').next().unwrap().trim_start_matches("http://host:8006");
    let segments: Vec<String> = path.trim_matches('/').split('/').skip(2).map(decoded).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let known_upid: Upid =
        "UPID:pve:000009D3:00005416:6B00E3C3:vzcreate:102:root@pam!dash2:".parse().unwrap();
    let vmid = |text: &str| {
        text.parse().ok().and_then(|number| Vmid::new(number).ok()).unwrap_or(Vmid::new(101).unwrap())
    };
    match (recording.request.method.as_str(), &segments[..]) {
        ("GET", ["version"]) => client.version().await.map(|it| brief(&it)),
        ("POST", ["access", "ticket"]) => log_in(client, recording).await,
        ("GET", ["access", "domains"]) => client.realms().await.map(|it| list(&it)),
        ("GET", ["access", "permissions"]) => {
            let permissions = client.permissions(recording.parameter("path").as_deref()).await?;
            Ok(format!("{} privileges, empty: {}", permissions.anywhere().len(), permissions.is_empty()))
        }
        ("GET", ["nodes"]) => client.nodes().await.map(|it| list(&it)),
        ("GET", ["nodes", node, "status"]) => client.node_status(node).await.map(|it| brief(&it)),
        ("GET", ["cluster", "status"]) => client.cluster_status().await.map(|it| brief(&it)),
        ("GET", ["cluster", "resources"]) => {
            let kind = recording.parameter("type").map(|kind| match kind.as_str() {
                "vm" => ResourceKind::Vm,
                "storage" => ResourceKind::Storage,
                _ => ResourceKind::Node,
            });
            client.resources(kind).await.map(|it| list(&it))
        }
        ("GET", ["cluster", "nextid"]) => match recording.parameter("vmid") {
            Some(number) => client.vmid_state(vmid(&number)).await.map(|it| brief(&it)),
            None => client.next_vmid().await.map(|it| brief(&it)),
        },
        ("GET", ["nodes", node, "storage"]) => {
            client.storages(node, recording.parameter("content").as_deref()).await.map(|it| list(&it))
        }
        ("GET", ["nodes", node, "storage", storage, "content"]) => {
            client.volumes(node, storage, recording.parameter("content").as_deref()).await.map(|it| list(&it))
        }
        ("GET", ["nodes", node, "aplinfo"]) => client.appliances(node).await.map(|it| list(&it)),
        ("POST", ["nodes", node, "aplinfo"]) => {
            let (storage, file) = (recording.parameter("storage"), recording.parameter("template"));
            client.download_appliance(node, &storage.unwrap(), &file.unwrap()).await.map(|it| brief(&it))
        }
        ("GET", ["nodes", node, "network"]) => client.bridges(node).await.map(|it| list(&it)),
        (method, ["nodes", node, "lxc", rest @ ..]) => {
            ask_container(client, recording, method, node, rest, vmid).await
        }
        ("GET", ["nodes", node, "tasks"]) => {
            let filter = TaskFilter {
                vmid: recording.parameter("vmid").map(|number| vmid(&number)),
                running: recording.parameter("source").as_deref() == Some("active"),
                all: false,
                errors: recording.parameter("errors").is_some(),
                limit: recording.parameter("limit").map(|limit| limit.parse().unwrap()),
            };
            client.tasks(node, filter).await.map(|it| list(&it))
        }
        ("GET", ["nodes", _, "tasks", upid, "status"]) => {
            client.task_status(&upid.parse().unwrap_or(known_upid)).await.map(|it| brief(&it))
        }
        ("GET", ["nodes", _, "tasks", upid, "log"]) => {
            let (start, limit) = (recording.parameter("start"), recording.parameter("limit"));
            let first = start.map_or(1, |start| start.parse::<u64>().unwrap() + 1);
            let limit = limit.map_or(50, |limit| limit.parse().unwrap());
            client.task_log(&upid.parse().unwrap_or(known_upid), first, limit).await.map(|it| list(&it))
        }
        ("DELETE", ["nodes", _, "tasks", upid]) => {
            client.stop_task(&upid.parse().unwrap()).await.map(|()| "done".into())
        }
        other => panic!("no typed call for {other:?}"),
    }
}

async fn ask_container(
    client: &Client,
    recording: &Recording,
    method: &str,
    node: &str,
    rest: &[&str],
    vmid: impl Fn(&str) -> Vmid,
) -> Result<String, Error> {
    let seconds = recording.parameter("timeout").map_or(60, |timeout| timeout.parse().unwrap());
    match (method, rest) {
        ("GET", []) => client.containers(node).await.map(|it| list(&it)),
        ("POST", []) => {
            let wanted = container(vmid(&recording.parameter("vmid").unwrap_or_default()));
            client.create_container(node, &wanted).await.map(|it| brief(&it))
        }
        ("DELETE", [id]) => {
            let flag = |name: &str| recording.parameter(name).as_deref() == Some("1");
            let options = DeleteOptions { purge: flag("purge"), force: flag("force") };
            client.delete_container(node, vmid(id), options).await.map(|it| brief(&it))
        }
        ("GET", [id, "config"]) => {
            let config = client.container_config(node, vmid(id)).await?;
            let known = (
                config.hostname(),
                config.memory_mib(),
                config.description(),
                config.tags(),
                config.nets().len(),
            );
            Ok(format!("{known:?} {}", brief(&config)))
        }
        ("PUT", [id, "config"]) => client
            .change_container(node, vmid(id), &ConfigChange::new().set("memory", 512))
            .await
            .map(|()| "done".into()),
        ("GET", [id, "status", "current"]) => {
            client.container_status(node, vmid(id)).await.map(|it| brief(&it))
        }
        ("GET", [id, "interfaces"]) => client.container_interfaces(node, vmid(id)).await.map(|it| list(&it)),
        ("GET", [id, "rrddata"]) => {
            let timeframe = match recording.parameter("timeframe").as_deref() {
                Some("day") => Timeframe::Day,
                Some("week") => Timeframe::Week,
                Some("month") => Timeframe::Month,
                Some("year") => Timeframe::Year,
                _ => Timeframe::Hour,
            };
            let points = client.container_history(node, vmid(id), timeframe).await?;
            Ok(format!("{} points, the last {:?}", points.len(), points.last()))
        }
        ("POST", [id, "status", "start"]) => {
            client.start_container(node, vmid(id)).await.map(|it| brief(&it))
        }
        ("POST", [id, "status", "stop"]) => client.stop_container(node, vmid(id)).await.map(|it| brief(&it)),
        ("POST", [id, "status", "shutdown"]) => {
            client.shutdown_container(node, vmid(id), seconds, false).await.map(|it| brief(&it))
        }
        ("POST", [id, "status", "reboot"]) => {
            client.reboot_container(node, vmid(id), seconds).await.map(|it| brief(&it))
        }
        other => panic!("no typed call for {other:?}"),
    }
}

async fn log_in(client: &Client, recording: &Recording) -> Result<String, Error> {
    let userid = recording.parameter("username").unwrap_or_else(|| "root@pam".into());
    let password = recording.parameter("password").unwrap_or_default().into();
    match recording.parameter("tfa-challenge") {
        Some(challenge) => client
            .login_second_factor(&userid, &challenge.into(), &SecondFactor::Totp, &password)
            .await
            .map(|it| brief(&it)),
        None => client.login(&userid, &password).await.map(|it| brief(&it)),
    }
}

fn variant(error: &Error) -> String {
    format!("{error:?}").split([' ', '(', '{']).next().unwrap().to_owned()
}

/// What a recorded failure must become, by status; those that Proxmox hides in a 500 or 400 by name.
fn expected_failure(recording: &Recording) -> &'static str {
    match (recording.name.as_str(), recording.response.status) {
        ("task-unknown-upid", _) => "NotFound",
        ("plain-http-on-8006", _) => "NotProxmox",
        ("lxc-delete-while-locked", _) => "Locked",
        ("create-existing-vmid-500" | "lxc-create-existing-500", _) => "AlreadyExists",
        ("lxc-start-already-running" | "lxc-delete-running" | "lxc-stop-already-stopped", _) => "WrongState",
        (name, 500) if name.contains("unknown-container") || name.contains("config-after") => "NotFound",
        (
            "lxc-status-after-delete"
            | "delete-after-killed-create"
            | "put-without-content-type"
            | "storage-content-unknown-storage-500",
            _,
        ) => "NotFound",
        (_, 400) => "Rejected",
        (_, 401) => "Unauthorized",
        (_, 403) => "Forbidden",
        (_, 595) => "MemberUnreachable",
        _ => "HostError",
    }
}

#[tokio::test]
async fn every_recorded_exchange_is_understood() {
    let current: Arc<Mutex<Option<Recording>>> = Arc::default();
    let shown = current.clone();
    let server =
        HttpsServer::start(move |_| shown.lock().unwrap().as_ref().expect("a recording is set").reaction())
            .await;
    let (client, mut report) = (server.client(), String::new());
    let all = recordings();
    assert!(all.len() > 200, "only {} recordings", all.len());
    for recording in &all {
        *current.lock().unwrap() = Some(recording.clone());
        let answer = ask(&client, recording).await;
        let request = server.requests().pop().unwrap();
        assert_eq!(request.method, recording.request.method, "{}", recording.name);
        if !ASKED_OTHERWISE.contains(&recording.name.as_str()) {
            assert_eq!(
                request.path(),
                recording.request.path.split('?').next().unwrap(),
                "{}",
                recording.name
            );
        }
        let is_question = matches!(recording.name.as_str(), "cluster-nextid-taken-400");
        if recording.response.status == 200 || is_question {
            let text = answer.unwrap_or_else(|error| panic!("{}: {error}", recording.name));
            writeln!(report, "{}\n    {text}", recording.name).unwrap();
        } else {
            let error = answer.expect_err(&recording.name);
            assert_eq!(variant(&error), expected_failure(recording), "{}: {error}", recording.name);
            assert!(
                error.to_string().contains(&server.host.to_string()),
                "{}: {error} names no host",
                recording.name
            );
            let error = error.to_string().replace(&server.host.to_string(), "HOST");
            writeln!(report, "{}\n    {} {error}", recording.name, expected_failure(recording)).unwrap();
        }
    }
    insta::assert_snapshot!("understood", report);
}
