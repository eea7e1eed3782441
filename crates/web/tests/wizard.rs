//! The wizard over HTTP: nothing typed is lost, and whatever is wrong is said where it can be mended. Run under `scripts/with-services`.

#![allow(clippy::unwrap_used, reason = "a helper that fails here fails the test")]

use berth_domain::os_template::DownloadState;
use berth_operations::creation::CreationForm;
use berth_operations::{drafts, os_templates};
use berth_testkit::form::Form;
use berth_testkit::simulator::ROOT_PASSWORD;
use berth_testkit::{Browser, DEADLINE, Page, TestApp, wait_until};
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

#[tokio::test]
async fn an_os_template_is_downloaded_once_and_its_failure_says_what_to_do() {
    let app = TestApp::start_as_shipped().await;
    let owner = app.owner().await;
    let (_web, mut browser) = app.web().await;
    log_in(&app, &mut browser).await;
    let page = configure(&mut browser).await;
    let typed = page.form(&page.path).set("hostname", "web-01").press("go", "download");
    let list = browser.submit(&typed).await;
    assert!(list.path.ends_with("/os-templates"), "{}", list.path);
    let found = browser.get(&format!("{}?q=trixie+debian", list.path)).await;
    let offered = text(&found, ".appliance");
    assert!(offered.contains("debian-13-standard") && !offered.contains("alpine"), "{offered}");
    let refused = browser.submit(&found.form(&list.path)).await;
    assert_eq!(refused.status, 422, "nothing was chosen: {:?}", errors(&refused));

    // Two drafts, and one of them twice: one download. The recorded host has no way out.
    app.simulator
        .faults(json!([{ "kind": "slow-task", "seconds": 5, "task": "download", "count": 1 }]))
        .await;
    let file = "debian-13-standard_13.6-1_amd64.tar.zst";
    let id = |page: &Page| page.path.split('/').nth(3).unwrap().parse().unwrap();
    let (first, other) = (id(&page), id(&configure(&mut browser).await));
    let ask = |draft| os_templates::download(&app.ctx, owner.user, draft, (owner.node, "local", file));
    let (a, b, c) = tokio::join!(ask(first), ask(first), ask(other));
    assert_eq!(
        [a.unwrap(), b.unwrap(), c.unwrap()],
        [const { "local:vztmpl/debian-13-standard_13.6-1_amd64.tar.zst" }; 3]
    );
    assert_eq!(app.simulator.requests("POST /nodes/pve/aplinfo").await, 1);
    let (host, now) = ("pve.lan:8006".parse().unwrap(), app.ctx.clock.now());
    let stranger = berth_store::users::upsert_login(&app.ctx.pg, &host, "eve@pve", now).await.unwrap().id;
    assert!(os_templates::progress(&app.ctx, stranger, first).await.unwrap().is_none());
    let ended = wait_until(DEADLINE, "the download ends", async || {
        let found = os_templates::progress(&app.ctx, owner.user, first).await.unwrap().unwrap();
        (found.download.state != DownloadState::Running).then_some(found.download)
    })
    .await;
    assert_eq!(ended.state, DownloadState::Failed);
    assert!(ended.error.unwrap().contains("unable to resolve host address"));

    // Asked for again by the page, it is begun again and said where it is chosen.
    let form = found.form(&list.path).choose("file", file).set("storage", "local");
    let page = browser.submit(&form).await;
    assert!(page.path.ends_with("/configure"), "{}", page.path);
    assert_eq!(page.form(&page.path).value("hostname"), Some("web-01"));
    wait_until(DEADLINE, "the page tells of the failure", async || {
        let told = text(&browser.get(&page.path).await, "#download .notice-error");
        (told.contains("could not be downloaded") && told.contains("DNS works")).then_some(())
    })
    .await;
    assert_eq!(app.simulator.requests("POST /nodes/pve/aplinfo").await, 2);
}

#[tokio::test]
async fn another_one_like_any_container_and_what_was_chosen_last() {
    let app = TestApp::start_as_shipped().await;
    let owner = app.owner().await;
    let (_web, mut browser) = app.web().await;
    log_in(&app, &mut browser).await;
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ me";
    let page = configure(&mut browser).await;
    let pasted = format!(
        "{key}\n-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n-----END OPENSSH PRIVATE KEY-----"
    );
    let typed = page
        .form(&page.path)
        .set("hostname", "db-1")
        .set("memory", "333")
        .set("bridge", "vmbr1")
        .set("ssh_public_keys", pasted)
        .choose("ipv4_method", "static")
        .set("ipv4_address", "10.77.1.5/24")
        .set("ipv4_gateway", "10.77.1.1")
        .press("go", "next-vmid");
    let page = browser.submit(&typed).await;
    assert_eq!(page.status, 422);
    assert!(errors(&page)[0].starts_with("line 2: this was a private key"), "{:?}", errors(&page));
    assert!(!page.html.contains("b3BlbnNzaC1rZXktdjE"));
    assert!(!app.database.text().await.contains("b3BlbnNzaC1rZXktdjE"), "nor is it kept");
    let form = page.form(&page.path);
    assert_eq!(form.value("ssh_public_keys").map(str::trim), Some(key));
    let page = browser.submit(&form.press("go", "next-vmid")).await;
    // Packages and scripts as the template has them: straight to the review.
    let review = browser.submit(&page.form(&page.path).press("go", "review")).await;
    assert!(review.path.ends_with("/review"), "{}: {:?}", review.path, errors(&review));
    let creation = browser.submit(&review.form(&review.path)).await;
    let id = creation.path.strip_prefix("/creations/").unwrap().to_owned();

    // The same again, but for what must differ.
    let again = browser.get(&format!("/containers/new?like_creation={id}")).await;
    let form = again.form(&again.path);
    for (field, value) in [
        ("hostname", ""),
        ("vmid", ""),
        ("memory", "333"),
        ("bridge", "vmbr1"),
        ("ipv4_method", "static"),
        ("ipv4_address", ""),
        ("ipv4_gateway", "10.77.1.1"),
    ] {
        assert_eq!(form.value(field), Some(value), "{field}");
    }
    assert!(again.html.contains("placeholder=\"db-2\""));
    // A new one begins with what was chosen last, but not with all of it.
    let fresh = configure(&mut browser).await.form("/containers/new");
    let shown = ["bridge", "memory", "ipv4_method"].map(|field| fresh.value(field).unwrap().to_owned());
    assert_eq!(shown, ["vmbr1", "512", "dhcp"]);
    assert_eq!(fresh.value("ssh_public_keys").map(str::trim), Some(key));
    // And one like a container that Berth has never seen, from what Proxmox says of it.
    let page = browser.get(&format!("/containers/new?node={}&like_vmid={TAKEN}", owner.node)).await;
    let form = page.form(&page.path);
    assert_eq!((form.value("vmid"), form.value("storage")), (Some(""), Some("local-ct")));
    for like in [
        format!("like_creation={}", berth_domain::CreationId::new()),
        format!("node={}&like_vmid=999", owner.node),
    ] {
        assert_eq!(browser.get(&format!("/containers/new?{like}")).await.status, 404, "{like}");
    }
}
