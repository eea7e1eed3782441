//! Editing: empty secrets stay, and what has changed on the host is asked.

use berth_testkit::TestApp;
use serde_json::json;

use super::{assert_no_secret, log_in, text, texts};

#[tokio::test]
async fn a_node_is_edited_with_its_secrets_left_empty() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let (_web, mut browser) = app.web().await;
    log_in(&app, &mut browser).await;
    let path = format!("/settings/nodes/{}/edit", owner.node);
    let form = browser.get(&path).await.form(&path);
    assert_eq!((form.value("name"), form.value("token_secret")), (Some("attic"), Some("")));
    assert_eq!((form.value("ssh_auth"), form.value("ssh_password")), (Some("password"), Some("")));

    let tested = browser.submit(&form.clone().set("name", "loft").press("go", "test")).await;
    assert_eq!((tested.status, texts(&tested.html, ".check-passed").len()), (200, 8), "{}", tested.html);
    assert!(text(&tested.html, "[role=status]").contains("Everything passed."));
    assert_eq!(browser.get(&path).await.form(&path).value("name"), Some("attic"), "that was only a test");
    let saved = browser.submit(&form.clone().set("name", "loft")).await;
    assert_eq!(saved.path, "/settings/nodes", "{}", text(&saved.html, "main"));
    assert_eq!(browser.get(&path).await.form(&path).value("name"), Some("loft"));

    // Two tabs: the one that saves last wins.
    let other = browser.submit(&form.set("name", "cellar")).await;
    assert_eq!(other.path, "/settings/nodes");
    assert_eq!(browser.get(&path).await.form(&path).value("name"), Some("cellar"));
    assert_no_secret(&browser.seen);
    assert_no_secret(&app.logs());
}

#[tokio::test]
async fn what_has_changed_stands_beside_what_was_trusted() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let (_web, mut browser) = app.web().await;
    log_in(&app, &mut browser).await;
    let host = &app.simulator.nodes[0];
    let path = format!("/settings/nodes/{}/edit", owner.node);
    app.simulator.faults(json!([{ "kind": "changed-certificate" }, { "kind": "changed-host-key" }])).await;
    let form = browser.get(&path).await.form(&path).set("name", "loft");
    app.simulator.forget_calls().await;
    let asked = browser.submit(&form).await;
    assert_eq!(asked.status, 422);
    for (heading, before) in [
        ("The certificate has changed", &host.certificate_sha256),
        ("The SSH host key has changed", &host.host_key_sha256),
    ] {
        assert!(texts(&asked.html, "h3").contains(&heading.to_owned()), "{heading}");
        assert!(text(&asked.html, "dd").contains(before.as_str()), "{before}");
    }
    assert_eq!(app.simulator.tokens_received().await, Vec::<String>::new());
    assert_eq!(app.simulator.ssh_attempts().await, []);

    // The name alone can be saved; with the new ones confirmed the stored secrets do.
    let renamed = browser.submit(&asked.form(&path).press("go", "rename")).await;
    assert!(text(&renamed.html, "body").contains("Renamed to loft"), "{}", renamed.html);
    let page = browser.submit(&form.set("name", "cellar")).await;
    let saved = browser.submit(&page.form(&path).tick("trusted_certificate").tick("trusted_host_key")).await;
    assert_eq!(saved.path, "/settings/nodes", "{}", text(&saved.html, "main"));
    assert_no_secret(&browser.seen);
}
