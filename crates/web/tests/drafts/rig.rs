//! Somebody at the wizard, and requests that no browser makes one after the other.

use berth_domain::{DraftId, UserId};
use berth_operations::creation::CreationForm;
use berth_testkit::form::Form;
use berth_testkit::simulator::ROOT_PASSWORD;
use berth_testkit::{Browser, Owner, Page, Process, TemplateFolder, TestApp};
use futures::future::join_all;
use scraper::{Html, Selector};
use serde_json::json;

pub(crate) struct Rig {
    // Dropped first: nothing may run in the application's directory when that goes.
    web: Process,
    pub(crate) app: TestApp,
    pub(crate) owner: Owner,
    pub(crate) browser: Browser,
}

/// What was answered, without following it.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: String,
    pub(crate) html: String,
}

impl Rig {
    /// `root@pam`, logged in, with a node.
    pub(crate) async fn new() -> Self {
        Self::of(TestApp::start().await).await
    }

    pub(crate) async fn of(app: TestApp) -> Self {
        let owner = app.owner().await;
        let (web, mut browser) = app.web().await;
        log_in(&app, &mut browser, "root", "pam", ROOT_PASSWORD).await;
        Self { web, app, owner, browser }
    }

    /// Somebody else at a browser, with another node of the cluster.
    pub(crate) async fn neighbour(&self) -> (Owner, Browser) {
        let (user, password) = ("alice", "alice-Passw0rd");
        self.app
            .simulator
            .user("alice@pve", json!({ "password": password, "roles": ["Administrator"] }))
            .await;
        let owner = self.app.owner_of("alice@pve", 1).await;
        let mut browser = Browser::new(self.browser.base());
        log_in(&self.app, &mut browser, user, "pve", password).await;
        (owner, browser)
    }

    /// A form that a host takes, of the recipe `web`.
    pub(crate) async fn form(&self, vmid: u32) -> CreationForm {
        self.app.creation_form(self.owner, &folder(), vmid).await
    }

    /// A draft of it, opened anew.
    pub(crate) async fn draft(&self, owner: Owner, form: &CreationForm) -> DraftId {
        let form = CreationForm { node: owner.node.to_string(), ..form.clone() };
        let form = serde_json::to_value(form).unwrap();
        let now = self.app.ctx.clock.now();
        berth_store::drafts::insert(&self.app.ctx.pg, owner.user, &form, false, now).await.unwrap().id
    }

    pub(crate) async fn creations(&self, user: UserId) -> Vec<String> {
        let found = berth_store::creations::list_recent(&self.app.ctx.pg, user, 10).await.unwrap();
        found.into_iter().map(|creation| creation.id.to_string()).collect()
    }

    pub(crate) async fn count(&self, table: &str) -> i64 {
        let query = format!("select count(*) from {table}");
        sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_one(&self.app.ctx.pg).await.unwrap()
    }

    /// The creations that were ever put in the queue.
    pub(crate) fn queued(&self) -> Vec<String> {
        let writes = self.app.redis.writes();
        let begin = r#"{"creation_id":""#;
        let mut found: Vec<String> = writes
            .match_indices(begin)
            .map(|(at, _)| writes[at + begin.len()..].chars().take(36).collect())
            .collect();
        found.sort();
        found.dedup();
        found
    }

    pub(crate) fn log(&self) -> String {
        self.web.log()
    }
}

pub(crate) fn folder() -> TemplateFolder {
    TemplateFolder::new("web").script("10-a.sh", "#!/bin/sh\n# Does it.\ntrue\n")
}

/// Sends forms all at once, each from the browser that is given with it.
pub(crate) async fn at_once(forms: &[(&Browser, Form)]) -> Vec<Answer> {
    let http = berth_testkit::browser::http();
    let sent = forms.iter().map(|(browser, form)| {
        let http = http.clone();
        async move {
            let request = http.post(format!("{}{}", browser.base(), form.action)).form(form.fields());
            let cookie = format!("berth_session={}", browser.sessions.last().unwrap());
            let request = request.header("sec-fetch-site", "same-origin").header("cookie", cookie);
            let response = request.timeout(berth_testkit::DEADLINE).send().await.unwrap();
            let location = response.headers().get("location").map(|to| to.to_str().unwrap().to_owned());
            Answer {
                status: response.status().as_u16(),
                location: location.unwrap_or_default(),
                html: response.text().await.unwrap(),
            }
        }
    });
    join_all(sent).await
}

async fn log_in(app: &TestApp, browser: &mut Browser, user: &str, realm: &str, password: &str) {
    // Not the dashboard: whoever looks at that has their nodes asked.
    let page = browser.get("/settings").await;
    let form = page.form("/login").set("user", user).set("realm", realm).set("password", password);
    let claimed = form.value("host").is_none_or(|host| !host.is_empty());
    let form = if claimed {
        form
    } else {
        form.set("host", app.simulator.api.ip().to_string()).set("port", app.simulator.api.port().to_string())
    };
    let mut page = browser.submit(&form).await;
    if page.html.contains("trust") && page.path != "/settings" {
        page = browser.submit(&page.form("/login").tick("trust").set("password", password)).await;
    }
    assert_eq!((page.path.as_str(), page.status), ("/settings", 200), "{}", text(&page.html, "main"));
}

/// A step of a draft.
pub(crate) fn step(draft: DraftId, step: &str) -> String {
    format!("/containers/new/{draft}/{step}")
}

pub(crate) fn texts(html: &str, selector: &str) -> Vec<String> {
    let html = Html::parse_document(html);
    let selector = Selector::parse(selector).unwrap();
    html.select(&selector).map(|element| element.text().collect::<Vec<_>>().join(" ")).collect()
}

pub(crate) fn text(html: &str, selector: &str) -> String {
    texts(html, selector).join(" | ")
}

pub(crate) fn errors(page: &Page) -> Vec<String> {
    texts(&page.html, ".field-error span")
}
