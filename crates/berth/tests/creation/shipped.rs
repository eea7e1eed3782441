//! The container templates that ship with Berth, each found by its folder being there: what they need of Debian is simulated here, and
//! real in `make test-templates`.

use std::path::Path;

use berth_domain::CreationId;
use berth_domain::creation::ProgressEvent;
use berth_domain::discovery::{Service, ServiceState};
use berth_operations::creation::CreationForm;
use berth_operations::{container_templates, containers, creation, drafts};
use berth_testkit::{Owner, TestApp};

const FIRST_VMID: u32 = 300;

/// What a container template's `test.bash` says of it.
struct Expected {
    ports: Vec<u16>,
    /// `service/KEY`, sorted.
    credentials: Vec<String>,
}

impl Expected {
    fn of(folder: &Path) -> Self {
        let path = folder.join("test.bash");
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let words = |key: &str| -> Vec<String> {
            let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
            let line = line.unwrap_or_else(|| panic!("{} says nothing of {key}", path.display()));
            line.trim_matches('"').split_whitespace().map(str::to_owned).collect()
        };
        let ports = words("PORTS").iter().map(|port| port.parse().unwrap()).collect();
        Self { ports, credentials: words("CREDENTIALS") }
    }
}

#[tokio::test]
async fn each_becomes_ready_with_its_services_and_credentials_and_runs_twice_without_a_trace() {
    let app = TestApp::start_as_shipped().await;
    let owner = app.owner().await;
    let report = container_templates::discover(&app.ctx).await.unwrap();
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    assert!(report.added.len() >= 11, "only {:?}", report.added);
    let _worker = app.worker().await;
    let mut creations = Vec::new();
    for (vmid, name) in (FIRST_VMID..).zip(&report.added) {
        creations.push((name, vmid, submit(&app, owner, name, vmid).await));
    }
    for (name, vmid, id) in creations {
        app.ready(owner, id).await;
        let expected = Expected::of(&app.templates().join(name));
        check_services(&app, owner, name, id, &expected).await;
        check_credentials(&app, name, vmid, id, &expected).await;
        run_again(&app, name, vmid).await;
    }
}

async fn submit(app: &TestApp, owner: Owner, name: &str, vmid: u32) -> CreationId {
    let template = container_templates::outline_of(&app.ctx, owner.user, name).await.unwrap();
    let form = CreationForm {
        node: owner.node.to_string(),
        hostname: format!("{name}-{vmid}"),
        vmid: vmid.to_string(),
        os_template: "local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst".into(),
        storage: "local-ct".into(),
        bridge: "vmbr0".into(),
        ..CreationForm::from_container_template(&template)
    };
    let draft = drafts::start(&app.ctx, owner.user, form).await.unwrap();
    creation::submit(&app.ctx, owner.user, draft.id).await.unwrap()
}

async fn check_services(app: &TestApp, owner: Owner, name: &str, id: CreationId, expected: &Expected) {
    let container = app.creation(owner, id).await.container_id.unwrap();
    let services = containers::brief(&app.ctx, owner.user, container).await.unwrap().container.services;
    for port in &expected.ports {
        let serves =
            |service: &&Service| service.ports.contains(port) && service.state == ServiceState::Running;
        assert!(
            services.iter().any(|service| serves(&service)),
            "{name} has no service on {port}: {services:#?}"
        );
    }
}

/// They are in the container, their names are in the log, and the log does not tell a value.
async fn check_credentials(app: &TestApp, name: &str, vmid: u32, id: CreationId, expected: &Expected) {
    let script = "cd /etc/berth/credentials 2>/dev/null || exit 0; grep -H . * | sed 's|:|/|'";
    let saved = app.simulator.shell(vmid, script).await;
    let saved: Vec<(&str, &str)> = saved.lines().filter_map(|line| line.split_once('=')).collect();
    let mut names: Vec<&str> = saved.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    assert_eq!(names, expected.credentials, "the credentials of {name}");
    let lines: Vec<String> = app.events(id).await.into_iter().filter_map(|(_, event)| line(event)).collect();
    for (credential, value) in saved {
        let (service, key) = credential.split_once('/').unwrap();
        let told = |line: &String| {
            line.starts_with(&format!("Saved credentials of {service}: ")) && line.contains(key)
        };
        assert!(lines.iter().any(told), "{name} does not tell of {credential}: {lines:#?}");
        if key.ends_with("PASSWORD") {
            assert!(value.len() >= 16, "{credential} is too short");
            assert!(!lines.iter().any(|line| line.contains(value)), "{name} tells {credential}");
        }
    }
}

fn line(event: ProgressEvent) -> Option<String> {
    if let ProgressEvent::Line { text, .. } = event { Some(text) } else { None }
}

/// Files and scripts a second time, by Berth's own scripts: nothing that a person owns changes, and nothing is restarted.
async fn run_again(app: &TestApp, name: &str, vmid: u32) {
    let state = "cd / && find etc srv home root opt usr/local var/www -printf '%y %m %U:%G %l %p\\n' 2>/dev/null | sort
        find etc srv home root opt usr/local var/www -type f 2>/dev/null | sort | xargs sha256sum
        systemctl list-units --type=service --state=running --no-legend --plain | cut -d' ' -f1 | sort |
            xargs systemctl show --property=Id,InvocationID";
    let before = app.simulator.shell(vmid, state).await;
    let again =
        "cd /var/lib/berth/runs/*/0 && rm -rf started finished pid ../applied steps/*/started steps/*/exit
        sh ./apply.sh && sh ./run.sh && tail -n 5 steps/*/log && ! grep -hv '^0 ' steps/*/exit";
    app.simulator.shell(vmid, again).await;
    let after = app.simulator.shell(vmid, state).await;
    let changed: Vec<&str> = after.lines().filter(|line| !before.contains(line)).collect();
    assert!(changed.is_empty() && before.len() == after.len(), "{name}, the second time: {changed:#?}");
}
