//! The wizard over HTTP: nothing typed is lost, and whatever is wrong is said where it can be mended. Run under `scripts/with-services`.

#![allow(clippy::unwrap_used, reason = "a helper that fails here fails the test")]

use berth_operations::creation::CreationForm;
use berth_operations::drafts;
use berth_testkit::form::Form;
use berth_testkit::simulator::ROOT_PASSWORD;
use berth_testkit::{Browser, Page, TestApp};
use scraper::{Html, Selector};
use serde_json::json;

/// The number of a guest that the simulated host starts with.
const TAKEN: &str = "101";

#[tokio::test]
async fn what_is_wrong_is_said_beside_its_field_and_stays() {
    let app = TestApp::start_as_shipped().await;
    app.owner().await;
    let (_web, mut browser) = app.web().await;
    log_in(&app, &mut browser).await;
    let page = configure(&mut browser).await;

    let typed = page
        .form(&page.path)
        .set("hostname", "<b>web")
        .set("vmid", TAKEN)
        .set("memory", "8")
        .untick("unprivileged")
        .tick("keyctl");
    let page = browser.submit(&typed).await;
    assert_eq!((page.status, errors(&page).len()), (422, 3), "{:?}", errors(&page));
    assert!(text(&page, "[role=alert]").contains("keyctl"), "the box has a message too");
    let form = page.form(&page.path);
    for field in ["hostname", "vmid", "memory", "keyctl", "unprivileged"] {
        assert_eq!(form.value(field), typed.value(field), "{field}");
    }
    // The draft has it all as well.
    assert_eq!(browser.get(&page.path).await.form(&page.path), form);

    let page = browser.submit(&form.press("go", "docker")).await;
    let form = page.form(&page.path);
    for box_of_docker in ["unprivileged", "nesting", "keyctl", "fuse"] {
        assert_eq!(form.value(box_of_docker), Some("on"), "{box_of_docker}");
    }
    assert!(text(&page, "#vmid-check").contains("Taken by"), "{}", text(&page, "#vmid-check"));

    // Only the host knows for sure, so that the last step may lead back.
    let path = page.path.clone();
    let page = browser.submit(&form.set("hostname", "web-01").set("memory", "999999")).await;
    assert!(page.path.ends_with("/packages"), "{}: {:?}", page.path, errors(&page));
    let review = path.replace("/configure", "/review");
    let page = browser.get(&review).await;
    assert!(text(&page, ".notice-warning").contains("999999 MiB"), "{}", text(&page, ".notice-warning"));
    let page = browser.submit(&page.form(&review)).await;
    assert_eq!(page.status, 422);
    assert!(errors(&page)[0].contains("101 is taken"), "{:?}", errors(&page));
    let page = browser.submit(&page.form(&review).press("go", "next-vmid")).await;
    assert!(text(&page, "#vmid-check").contains("Available"), "{}", text(&page, "#vmid-check"));
}

#[tokio::test]
async fn a_node_that_does_not_answer_costs_nothing_that_was_typed() {
    let app = TestApp::start_as_shipped().await;
    app.owner().await;
    let (_web, mut browser) = app.web().await;
    log_in(&app, &mut browser).await;
    let page = configure(&mut browser).await;
    let form = page.form(&page.path).set("hostname", "web-01").press("go", "next-vmid");
    let page = browser.submit(&form).await;
    let form = page.form(&page.path);
    browser.submit(&form).await;

    app.simulator.faults(json!([{ "kind": "status", "status": 595 }])).await;
    let silent = browser.get(&page.path).await;
    assert!(text(&silent, "h2").contains("attic does not answer"), "{}", text(&silent, "main"));
    assert_eq!(silent.link(&page.path).as_deref(), Some(page.path.as_str()), "a way to try again");
    let review = page.path.replace("/configure", "/review");
    let last = browser.get(&review).await.form(&review);
    let refused = browser.submit(&last).await;
    assert_eq!((refused.status, refused.path.as_str()), (502, review.as_str()));
    assert!(text(&refused, ".notice-warning").contains("attic"), "{}", refused.html);

    app.simulator.faults(json!([])).await;
    assert_eq!(without_version(browser.get(&page.path).await.form(&page.path)), without_version(form));
    let creation = browser.submit(&last).await;
    assert!(creation.path.starts_with("/creations/"), "{}: {}", creation.path, text(&creation, "main"));
    let again = browser.submit(&last).await;
    assert_eq!(again.path, creation.path, "submitted twice, it is the same creation");
    assert_eq!(browser.get(&page.path).await.path, creation.path, "what was the draft leads there too");
}

#[tokio::test]
async fn packages_scripts_and_drafts_are_as_they_were_left() {
    let app = TestApp::start_as_shipped().await;
    let owner = app.owner().await;
    let (_web, mut browser) = app.web().await;
    log_in(&app, &mut browser).await;
    let page = configure(&mut browser).await;
    let (path, base) = (page.path.clone(), page.path.replace("/configure", ""));
    browser.submit(&page.form(&path).set("hostname", "web-01").press("go", "back")).await;

    let packages = browser.get(&format!("{base}/packages")).await;
    let typed = packages.form(&packages.path).untick("packages").set("extra_packages", "htop; reboot");
    let page = browser.submit(&typed).await;
    assert_eq!(page.status, 422);
    assert!(errors(&page)[0].contains("htop; reboot"), "{:?}", errors(&page));
    assert_eq!(
        (page.form(&base).value("packages"), page.form(&base).value("extra_packages")),
        (None, Some("htop; reboot"))
    );

    let scripts = browser.get(&format!("{base}/scripts")).await;
    let page = browser.submit(&scripts.form(&scripts.path).press("move", "down:10-status-password.sh")).await;
    assert_eq!(page.form(&base).value("order"), Some("20-start.sh"));

    // Another visit offers to go on, but never with somebody else's.
    let host = app.simulator.api.to_string().parse().unwrap();
    let now = app.ctx.clock.now();
    let stranger = berth_store::users::upsert_login(&app.ctx.pg, &host, "eve@pve", now).await.unwrap();
    let mut theirs = drafts::start(&app.ctx, stranger.id, CreationForm::default()).await.unwrap();
    drafts::save(&app.ctx, stranger.id, &mut theirs).await.unwrap();
    let page = browser.get("/containers/new").await;
    assert_eq!(page.link(&base), Some(path));
    assert_eq!(page.link(&format!("/containers/new/{}", theirs.id)), None);
    for step in ["template", "configure", "packages", "scripts", "review", "vmid?vmid=100"] {
        assert_eq!(browser.get(&format!("/containers/new/{}/{step}", theirs.id)).await.status, 404, "{step}");
    }
    browser.submit(&page.form(&format!("{base}/discard"))).await;
    assert_eq!(browser.get(&format!("{base}/template")).await.status, 410);
    assert!(drafts::list(&app.ctx, owner.user).await.unwrap().is_empty());
}

/// A new draft of the nginx recipe, at its second step.
async fn configure(browser: &mut Browser) -> Page {
    let page = browser.get("/containers/new?template=nginx").await;
    assert!(page.path.ends_with("/configure"), "{}", page.path);
    page
}

/// The draft has grown older since, with the same in it.
fn without_version(form: Form) -> Form {
    form.set("version", "")
}

async fn log_in(app: &TestApp, browser: &mut Browser) {
    let page = browser.get("/").await;
    let form = page.form("/login").set("host", app.simulator.api.ip().to_string());
    let form = form.set("port", app.simulator.api.port().to_string()).set("user", "root").set("realm", "pam");
    let page = browser.submit(&form.set("password", ROOT_PASSWORD)).await;
    let page = browser.submit(&page.form("/login").tick("trust").set("password", ROOT_PASSWORD)).await;
    assert_eq!((page.path.as_str(), page.status), ("/", 200));
}

fn texts(page: &Page, selector: &str) -> Vec<String> {
    let html = Html::parse_document(&page.html);
    let selector = Selector::parse(selector).unwrap();
    html.select(&selector).map(|element| element.text().collect::<Vec<_>>().join(" ")).collect()
}

fn text(page: &Page, selector: &str) -> String {
    texts(page, selector).join(" | ")
}

fn errors(page: &Page) -> Vec<String> {
    texts(page, ".field-error span")
}
