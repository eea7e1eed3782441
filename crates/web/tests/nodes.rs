//! The form of a node over HTTP, as a page and live. Run under `scripts/with-services`.

#![allow(clippy::unwrap_used, reason = "a helper that fails here fails the test")]

#[path = "nodes/adding.rs"]
mod adding;
#[path = "nodes/editing.rs"]
mod editing;
#[path = "nodes/input.rs"]
mod input;
#[path = "nodes/live.rs"]
mod live;

use berth_testkit::form::Form;
use berth_testkit::simulator::{ROOT_PASSWORD, TOKEN_ID, TOKEN_SECRET};
use berth_testkit::{Browser, Page, SimulatedNode, TestApp};
use scraper::{Html, Selector};

async fn log_in(app: &TestApp, browser: &mut Browser) {
    let page = browser.get("/").await;
    let form = page.form("/login").set("host", app.simulator.api.ip().to_string());
    let form = form.set("port", app.simulator.api.port().to_string()).set("user", "root").set("realm", "pam");
    let page = browser.submit(&form.set("password", ROOT_PASSWORD)).await;
    let page = browser.submit(&page.form("/login").tick("trust").set("password", ROOT_PASSWORD)).await;
    assert_eq!((page.path.as_str(), page.status), ("/", 200));
}

/// The form for a new node, filled in for a login by password.
async fn filled(browser: &mut Browser, node: &SimulatedNode) -> Form {
    with_secrets(filled_by_key(browser, node).await.choose("ssh_auth", "password"))
}

/// The same for a login by private key, which is still to be pasted.
async fn filled_by_key(browser: &mut Browser, node: &SimulatedNode) -> Form {
    let form = browser.get("/settings/nodes/new").await.form("/settings/nodes");
    let form = form.set("name", "attic").set("host", node.api.ip().to_string());
    let form = form.set("port", node.api.port().to_string()).set("token_id", TOKEN_ID);
    form.set("ssh_port", node.ssh.port().to_string()).set("token_secret", TOKEN_SECRET)
}

fn with_secrets(form: Form) -> Form {
    form.set("token_secret", TOKEN_SECRET).set("ssh_password", ROOT_PASSWORD)
}

/// Confirms whatever is asked, as a person without scripts does: the secrets are typed again.
fn trusting(page: &Page, action: &str) -> Form {
    with_secrets(page.form(action).tick("trusted_certificate").tick("trusted_host_key"))
}

fn assert_no_secret(text: &str) {
    for secret in [TOKEN_SECRET, ROOT_PASSWORD] {
        assert!(!text.contains(secret), "{text}");
    }
}

fn texts(html: &str, selector: &str) -> Vec<String> {
    let html = Html::parse_document(html);
    let selector = Selector::parse(selector).unwrap();
    let text = |element: scraper::ElementRef<'_>| {
        element.text().flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
    };
    html.select(&selector).map(text).collect()
}

fn text(html: &str, selector: &str) -> String {
    texts(html, selector).join(" | ")
}
