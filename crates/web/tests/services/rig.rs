//! Somebody at a browser, with containers that Berth has adopted.

use berth_domain::discovery::{Credential, Service, ServiceKind, ServiceState};
use berth_domain::{ContainerId, CreationId};
use berth_operations::creation::{self, CreationForm};
use berth_operations::drafts;
use berth_store::containers::{self, Found};
use berth_testkit::simulator::ROOT_PASSWORD;
use berth_testkit::{Browser, DEADLINE, Owner, Page, Process, TemplateFolder, TestApp, wait_until};
use scraper::{Html, Selector};
use serde_json::Value;

/// A Debian container with systemd, and an Alpine one with OpenRC, both running.
pub(crate) const DEBIAN: u32 = 101;
pub(crate) const ALPINE: u32 = 102;

pub(crate) struct Rig {
    // Dropped first: nothing may run in the application's directory when that goes.
    pub(crate) web: Process,
    pub(crate) app: TestApp,
    pub(crate) owner: Owner,
    pub(crate) browser: Browser,
}

impl Rig {
    /// `root@pam`, logged in, with a node.
    pub(crate) async fn new() -> Self {
        let app = TestApp::start_with(&["--containers", "2"]).await;
        let owner = app.owner().await;
        let (web, mut browser) = app.web().await;
        let page = browser.get("/").await;
        let form = page.form("/login").set("user", "root").set("realm", "pam").set("password", ROOT_PASSWORD);
        let host = app.simulator.api;
        let form = form.set("host", host.ip().to_string()).set("port", host.port().to_string());
        let page = browser.submit(&form).await;
        let page = browser.submit(&page.form("/login").tick("trust").set("password", ROOT_PASSWORD)).await;
        assert_eq!((page.path.as_str(), page.status), ("/", 200), "{}", page.html);
        Self { web, app, owner, browser }
    }

    /// A container of the simulated host as one of Berth's.
    pub(crate) async fn adopt(&self, vmid: u32) -> ContainerId {
        let id = ContainerId::new();
        let adopt =
            "insert into containers (id, node_id, vmid, hostname, created_at) values ($1, $2, $3, $4, now())";
        sqlx::query(adopt)
            .bind(id.uuid())
            .bind(self.owner.node.uuid())
            .bind(i32::try_from(vmid).unwrap())
            .bind(format!("ct{vmid}"))
            .execute(&self.app.ctx.pg)
            .await
            .unwrap();
        // The line by which it is known again.
        let mark = format!("pct set {vmid} --description 'berth-container: {id}'");
        self.app.simulator.root_shell(0, &mark).await;
        self.app.simulator.forget_calls().await;
        id
    }

    /// A creation that nobody works on.
    pub(crate) async fn creation(&self, vmid: u32) -> CreationId {
        let form = self.app.creation_form(self.owner, &TemplateFolder::new("plain"), vmid).await;
        let os_template = "local:vztmpl/debian-12-standard_12.12-1_amd64.tar.zst".into();
        let form = CreationForm { os_template, ..form };
        let draft = drafts::start(&self.app.ctx, self.owner.user, form).await.unwrap();
        creation::submit(&self.app.ctx, self.owner.user, draft.id).await.unwrap()
    }

    /// What was found in it, as if it had been.
    pub(crate) async fn found(&self, id: ContainerId, services: &[Service], credentials: &[Credential]) {
        let inside = Found { address: Some("10.77.0.9"), services, credentials };
        let now = self.app.ctx.clock.now();
        assert!(
            containers::set_discovery(&self.app.ctx.pg, self.owner.user, id, &inside, now).await.unwrap()
        );
    }

    /// A Debian container whose unit `app` prints what this shell script prints; with its log's address.
    pub(crate) async fn printing(&self, script: &str) -> String {
        let id = self.adopt(DEBIAN).await;
        self.unit("app", script).await;
        self.found(id, &[service("app", ServiceKind::Systemd)], &[]).await;
        format!("/containers/{id}/services/app/log?kind=systemd")
    }

    /// Starts a unit in the Debian container.
    pub(crate) async fn unit(&self, name: &str, script: &str) {
        let path = format!("/etc/systemd/system/{name}.service");
        let unit = format!("[Service]\\nExecStart=/bin/sh /root/{name}.sh\\n");
        let start = format!(
            "cat >/root/{name}.sh <<'END'\n{script}\nEND\nprintf '{unit}' >{path}\nsystemctl daemon-reload; systemctl start {name}"
        );
        self.app.simulator.shell(DEBIAN, &start).await;
    }

    /// Waits until the page shows this.
    pub(crate) async fn until_shown(&mut self, path: &str, text: &str) -> Page {
        let browser = &mut self.browser;
        wait_until(DEADLINE, text, async || {
            let page = browser.get(path).await;
            page.html.contains(text).then_some(page)
        })
        .await
    }

    /// The session's cookie.
    pub(crate) fn cookie(&self) -> String {
        format!("berth_session={}", self.browser.sessions.last().unwrap())
    }

    /// Where the page of a log would have its new lines from, and after which.
    pub(crate) fn follows(page: &Page) -> (String, String) {
        let html = Html::parse_document(&page.html);
        let selector = Selector::parse("[data-follow]").unwrap();
        let section = html.select(&selector).next().unwrap_or_else(|| panic!("{}", page.html));
        (section.attr("data-follow").unwrap().into(), section.attr("data-after").unwrap().into())
    }

    /// Begins to follow a log.
    pub(crate) async fn follow(&self, url: &str, after: &str) -> Followed {
        let request = berth_testkit::browser::http().get(format!("{}{url}", self.browser.base()));
        let request = request.header("cookie", self.cookie()).header("accept", "text/event-stream");
        let response = request.header("last-event-id", after).send().await.unwrap();
        Followed { status: response.status().as_u16(), response, buffer: Vec::new(), last: after.into() }
    }
}

/// An answer that is followed; dropped, the connection is closed.
pub(crate) struct Followed {
    pub(crate) status: u16,
    response: reqwest::Response,
    buffer: Vec<u8>,
    /// The last event's id.
    pub(crate) last: String,
}

impl Followed {
    /// The next event: its name and data. `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            while let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\n\n") {
                let block: Vec<u8> = self.buffer.drain(..end + 2).collect();
                let block = String::from_utf8(block).unwrap();
                let field =
                    |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::trim_start);
                let Some(data) = field("data:") else { continue };
                if let Some(id) = field("id:") {
                    id.clone_into(&mut self.last);
                }
                let name = field("event:").unwrap_or_default().to_owned();
                return Some((name, serde_json::from_str(data).unwrap()));
            }
            let chunk = tokio::time::timeout(DEADLINE, self.response.chunk()).await;
            self.buffer.extend_from_slice(&chunk.expect("something comes").unwrap()?);
        }
    }

    /// The texts of its lines, until there are `count` of them.
    pub(crate) async fn lines(&mut self, count: usize) -> Vec<String> {
        let mut seen = Vec::new();
        while seen.len() < count {
            let (name, data) = self.next().await.unwrap_or_else(|| panic!("it ended after {seen:?}"));
            assert_eq!(name, "lines", "{data}");
            let lines = data["lines"].as_array().unwrap();
            seen.extend(lines.iter().map(|line| line["text"].as_str().unwrap().to_owned()));
        }
        seen
    }
}

pub(crate) fn service(name: &str, kind: ServiceKind) -> Service {
    Service {
        name: name.into(),
        kind,
        state: ServiceState::Running,
        description: String::new(),
        ports: Vec::new(),
        system: false,
    }
}

pub(crate) fn texts(html: &str, selector: &str) -> Vec<String> {
    let html = Html::parse_document(html);
    let selector = Selector::parse(selector).unwrap();
    let words = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    html.select(&selector).map(|element| words(element.text().collect::<Vec<_>>().join(" "))).collect()
}

/// The lines of a log's page, without when they were written.
pub(crate) fn lines(page: &Page) -> Vec<String> {
    let html = Html::parse_document(&page.html);
    let selector = Selector::parse(".log-line:not([data-log-empty])").unwrap();
    let when = Selector::parse("time").unwrap();
    let text = |line: scraper::ElementRef<'_>| {
        let at: String = line.select(&when).flat_map(|time| time.text()).collect();
        line.text().collect::<String>().replacen(&at, "", 1).trim().to_owned()
    };
    html.select(&selector).map(text).collect()
}
