//! The whole path through the pages.

use berth_testkit::simulator::{ROOT_PASSWORD, TOKEN_ID, TOKEN_SECRET};
use berth_testkit::{Browser, TestApp};

/// Logs in through the form, trusting the certificate that is shown.
pub(crate) async fn log_in(app: &TestApp, browser: &mut Browser) {
    let page = browser.get("/").await;
    assert!(page.path.starts_with("/login"), "{}", page.path);
    let filled = |form: berth_testkit::form::Form| form.set("password", ROOT_PASSWORD);
    let form = page.form("/login").set("host", app.simulator.api.ip().to_string());
    let form = form.set("port", app.simulator.api.port().to_string()).set("user", "root").set("realm", "pam");
    let page = browser.submit(&filled(form)).await;
    assert!(page.html.contains("Trust this certificate"), "{}", page.html);
    let page = browser.submit(&filled(page.form("/login").tick("trust"))).await;
    assert_eq!((page.path.as_str(), page.status), ("/", 200));
}

/// Adds the simulated host through the form, trusting its certificate and its host key.
pub(crate) async fn add_node(app: &TestApp, browser: &mut Browser) {
    let secrets = |form: berth_testkit::form::Form| form.set("token_secret", TOKEN_SECRET).set("ssh_password", ROOT_PASSWORD);
    let page = browser.get("/settings/nodes/new").await;
    let (api, ssh) = (app.simulator.api, app.simulator.ssh);
    let form = page.form("/settings/nodes").set("name", "attic").set("host", api.ip().to_string());
    let form = form.set("port", api.port().to_string()).set("token_id", TOKEN_ID).choose("ssh_auth", "password");
    let form = form.set("ssh_port", ssh.port().to_string()).set("ssh_user", "root");
    let mut page = browser.submit(&secrets(form)).await;
    while page.path == "/settings/nodes" && page.status != 200 {
        let form = page.form("/settings/nodes").tick("trusted_certificate").tick("trusted_host_key");
        page = browser.submit(&secrets(form)).await;
    }
    assert!(page.html.contains("attic"), "{}", page.html);
}
