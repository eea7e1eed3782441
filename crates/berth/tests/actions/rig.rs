//! A home lab whose containers are all adopted, somebody logged in, and a worker.

use berth_domain::ContainerId;
use berth_domain::action::{Action, ActionKind, ActionState};
use berth_operations::{actions, containers};
use berth_testkit::form::Form;
use berth_testkit::simulator::ROOT_PASSWORD;
use berth_testkit::{Browser, DEADLINE, Owner, Page, Process, TestApp, wait_until};
use serde_json::Value;

/// What people may ask of a container by a button.
pub(crate) const KINDS: [ActionKind; 5] =
    [ActionKind::Start, ActionKind::Shutdown, ActionKind::Stop, ActionKind::Restart, ActionKind::Delete];

pub(crate) struct Rig {
    pub(crate) browser: Browser,
    pub(crate) worker: Process,
    pub(crate) owner: Owner,
    _web: Process,
    // Dropped last.
    pub(crate) app: TestApp,
}

impl Rig {
    /// A host started with these options, whose containers are not managed.
    pub(crate) async fn unmanaged(simulator: &[&str]) -> Self {
        let app = TestApp::start_with(simulator).await;
        let owner = app.owner().await;
        let (web, mut browser) = app.web().await;
        log_in(&app, &mut browser).await;
        let worker = app.worker().await;
        Self { browser, worker, owner, _web: web, app }
    }

    /// A home lab with so many containers, all adopted through the page.
    pub(crate) async fn start(containers: usize) -> Self {
        let mut rig = Self::unmanaged(&["--containers", &containers.to_string()]).await;
        let page = rig.browser.get(&format!("/containers/adopt?node={}", rig.owner.node)).await;
        let page = rig.browser.submit(&page.form("/containers/adopt")).await;
        assert_eq!((page.path.as_str(), page.status), ("/", 200), "{}", page.html);
        let managed = rig.managed().await;
        assert_eq!(managed.len(), containers);
        for (_, id) in managed {
            let ended = rig.ended(id).await;
            assert_eq!(ended.state, ActionState::Done, "{:?}", ended.error);
        }
        rig
    }

    /// The managed containers by VMID.
    pub(crate) async fn managed(&self) -> Vec<(u32, ContainerId)> {
        let rows: Vec<(i32, sqlx::types::Uuid)> =
            sqlx::query_as("select vmid, id from containers where gone_at is null order by vmid")
                .fetch_all(&self.app.ctx.pg)
                .await
                .unwrap();
        rows.into_iter().map(|(vmid, id)| (u32::try_from(vmid).unwrap(), id.into())).collect()
    }

    /// The container with this VMID, and what it runs as.
    pub(crate) async fn container(&self, vmid: u32) -> ContainerId {
        self.managed().await.into_iter().find(|(found, _)| *found == vmid).expect("it is managed").1
    }

    /// Sends what a button of the page sends, whether or not the page shows it now.
    pub(crate) async fn ask(&mut self, id: ContainerId, kind: ActionKind) -> Page {
        let hostname = containers::find(&self.app.ctx, self.owner.user, id).await;
        let hostname = hostname.map(|found| found.container.hostname).unwrap_or_default();
        self.post(&format!("/containers/{id}/{kind}"), &[("hostname", &hostname)]).await
    }

    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let input = |(name, value): &(&str, &str)| format!(r#"<input name="{name}" value="{value}">"#);
        let inputs = fields.iter().map(input).collect::<Vec<_>>().concat();
        let html = format!(r#"<form method="post" action="{path}">{inputs}</form>"#);
        self.browser.submit(&Form::of(&html, path).unwrap()).await
    }

    /// Waits until nothing is under way on a container any more, and answers what was.
    pub(crate) async fn ended(&self, id: ContainerId) -> Action {
        wait_until(DEADLINE, "the action ends", async || {
            let action = actions::last(&self.app.ctx, self.owner.user, id).await.unwrap();
            action.filter(|action| !action.state.is_live())
        })
        .await
    }

    /// What was sent to the host about a container and is no mere question.
    pub(crate) async fn sent(&self, vmid: u32) -> Vec<String> {
        let about = format!("/lxc/{vmid}");
        let is_write = |call: &&Value| {
            let what = call["what"].as_str().unwrap();
            call["kind"] == "api" && !what.starts_with("GET") && what.contains(&about)
        };
        let calls = self.app.simulator.calls().await;
        calls.iter().filter(is_write).map(|call| call["what"].as_str().unwrap().to_owned()).collect()
    }

    /// What a command on the host prints.
    pub(crate) async fn host(&self, command: &str) -> String {
        self.app.simulator.root_shell(0, command).await
    }

    /// Whether a container runs, as the host says.
    pub(crate) async fn runs(&self, vmid: u32) -> bool {
        self.host(&format!("pct status {vmid}")).await.contains("running")
    }
}

/// Logs in through the form, trusting the certificate that is shown.
async fn log_in(app: &TestApp, browser: &mut Browser) {
    let page = browser.get("/").await;
    let filled = |form: Form| form.set("password", ROOT_PASSWORD);
    let form = page.form("/login").set("host", app.simulator.api.ip().to_string());
    let form = form.set("port", app.simulator.api.port().to_string()).set("user", "root").set("realm", "pam");
    let page = browser.submit(&filled(form)).await;
    let page = browser.submit(&filled(page.form("/login").tick("trust"))).await;
    assert_eq!((page.path.as_str(), page.status), ("/", 200), "{}", page.html);
}
