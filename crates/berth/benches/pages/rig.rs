//! An application with somebody who is logged in.

use std::time::Duration;

use berth_domain::discovery::{Service, ServiceKind, ServiceState};
use berth_domain::{NodeId, Vmid};
use berth_store::containers::{self, Adopted, Found};
use berth_store::throttle;
use berth_testkit::simulator::ROOT_PASSWORD;
use berth_testkit::{Browser, Owner, Process, TestApp, wait_until};

use crate::load::{self, Target};

/// Longer than anything takes before it is measured.
const READY: Duration = Duration::from_mins(2);
/// The first container of a simulated host.
const FIRST: u32 = 101;

pub(crate) struct Rig {
    // Dropped first: nothing may run in the application's directory when that goes.
    pub(crate) web: Process,
    pub(crate) app: TestApp,
    pub(crate) owner: Owner,
    pub(crate) browser: Browser,
}

impl Rig {
    /// With simulated hosts that are started with these options; the first is a node.
    pub(crate) async fn new(simulator: &[&str]) -> Self {
        let app = TestApp::start_with(simulator).await;
        let owner = app.owner().await;
        // As it runs when nothing is configured.
        let (web, base) = app.web_with(&[("BERTH_LOG", "info".into())]).await;
        let mut browser = Browser::new(&base);
        let page = browser.get("/").await;
        let (host, port) = (app.simulator.api.ip().to_string(), app.simulator.api.port().to_string());
        let form = page.form("/login").set("host", host).set("port", port).set("user", "root");
        let page = browser.submit(&form.set("realm", "pam").set("password", ROOT_PASSWORD)).await;
        let trusting = page.form("/login").tick("trust").set("password", ROOT_PASSWORD);
        let page = browser.submit(&trusting).await;
        assert_eq!((page.path.as_str(), page.status), ("/", 200));
        Self { web, app, owner, browser }
    }

    /// With so many hosts of their own, all of them nodes, and so many containers on each: the first `managed` of them are managed, and Berth
    /// has been inside.
    pub(crate) async fn of_nodes(nodes: usize, containers: u32, managed: u32, running: u32) -> Self {
        let options = [("--nodes", nodes.to_string()), ("--containers", containers.to_string())];
        let options = [&options[..], &[("--running", running.to_string())]].concat();
        let options: Vec<&str> = options.iter().flat_map(|(name, value)| [*name, value.as_str()]).collect();
        let rig = Self::new(&options).await;
        for host in 0..nodes {
            // Nobody adds so many in a minute by hand.
            let who = rig.owner.user.to_string();
            throttle::reset(&rig.app.ctx.redis, "node-test", &who).await.unwrap();
            let node = match host {
                0 => rig.owner.node,
                _ => rig.app.add_node(rig.owner.user, host, &format!("rack-{host}")).await,
            };
            rig.manage(node, managed).await;
        }
        let all = nodes * usize::try_from(containers).unwrap();
        let count = format!("<strong>{all}</strong> in all");
        rig.until("/", "all nodes have answered", |page| page.contains(&count)).await;
        rig
    }

    async fn manage(&self, node: NodeId, count: u32) {
        let (ctx, now) = (&self.app.ctx, self.app.ctx.clock.now());
        for vmid in FIRST..FIRST + count {
            let mut conn = ctx.pg.acquire().await.unwrap();
            let hostname = format!("app-{vmid}");
            let known = (Vmid::new(vmid).unwrap(), hostname.as_str());
            let adopted = containers::adopt(&mut conn, self.owner.user, node, known, now).await.unwrap();
            let Some(Adopted::New(id)) = adopted else { panic!("{vmid} is managed already") };
            let services =
                ["nginx", "postgresql", "prometheus-node-exporter"].map(|name| service(name, vmid));
            let address = format!("10.77.{}.{}", vmid / 200, vmid % 200);
            let found = Found { address: Some(&address), services: &services, credentials: &[] };
            assert!(containers::set_discovery(&mut *conn, self.owner.user, id, &found, now).await.unwrap());
        }
    }

    /// Waits until a page is as wanted.
    pub(crate) async fn until(&self, path: &str, what: &str, wanted: impl Fn(&str) -> bool) {
        let target = self.target(vec![path.into()]);
        let client = berth_testkit::browser::http();
        wait_until(READY, what, async || {
            let (_, page) = load::once(&client, &target, 0).await;
            wanted(&String::from_utf8_lossy(&page)).then_some(())
        })
        .await;
    }

    /// These paths, in turn.
    pub(crate) fn target(&self, paths: Vec<String>) -> Target {
        let cookie = format!("berth_session={}", self.browser.sessions.last().unwrap());
        Target { base: self.browser.base().to_owned(), headers: vec![("cookie", cookie)], paths }
    }

    pub(crate) fn health(&self) -> Target {
        self.target(vec!["/healthz".into()])
    }
}

fn service(name: &str, vmid: u32) -> Service {
    Service {
        name: name.into(),
        kind: ServiceKind::Systemd,
        state: ServiceState::Running,
        description: format!("{name} of {vmid}"),
        ports: vec![if name == "nginx" { 80 } else { 9100 }],
        system: false,
    }
}
