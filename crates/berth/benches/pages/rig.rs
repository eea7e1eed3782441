//! An application with somebody who is logged in.

use berth_testkit::simulator::ROOT_PASSWORD;
use berth_testkit::{Browser, Owner, Process, TestApp};

use crate::load::Target;

pub(crate) struct Rig {
    // Dropped first: nothing may run in the application's directory when that goes.
    pub(crate) web: Process,
    pub(crate) app: TestApp,
    pub(crate) owner: Owner,
    base: String,
    cookie: String,
}

impl Rig {
    /// With simulated hosts that are started with these options.
    pub(crate) async fn new(simulator: &[&str]) -> Self {
        let app = TestApp::start_with(simulator).await;
        let owner = app.owner().await;
        let (web, base) = app.web_with(&[("BERTH_LOG", "warn".into())]).await;
        let mut browser = Browser::new(&base);
        let page = browser.get("/").await;
        let (host, port) = (app.simulator.api.ip().to_string(), app.simulator.api.port().to_string());
        let form = page.form("/login").set("host", host).set("port", port).set("user", "root");
        let page = browser.submit(&form.set("realm", "pam").set("password", ROOT_PASSWORD)).await;
        let trusting = page.form("/login").tick("trust").set("password", ROOT_PASSWORD);
        let page = browser.submit(&trusting).await;
        assert_eq!((page.path.as_str(), page.status), ("/", 200));
        let cookie = format!("berth_session={}", browser.sessions.last().unwrap());
        Self { web, app, owner, base, cookie }
    }

    /// These paths, in turn.
    pub(crate) fn target(&self, paths: Vec<String>) -> Target {
        Target { base: self.base.clone(), cookie: self.cookie.clone(), paths }
    }
}
