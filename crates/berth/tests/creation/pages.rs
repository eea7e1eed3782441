//! The whole path through the pages.

use berth_testkit::form::Form;
use berth_testkit::simulator::{ROOT_PASSWORD, TOKEN_ID, TOKEN_SECRET};
use berth_testkit::{Browser, Page, TestApp};

const VMID: u32 = 240;

#[tokio::test]
async fn from_the_login_to_a_service_that_answers() {
    let app = TestApp::start_as_shipped().await;
    let (_web, mut browser) = app.web().await;
    let _worker = app.worker().await;
    log_in(&app, &mut browser).await;
    add_node(&app, &mut browser).await;
    let creation = create(&mut browser, "nginx", "web240", VMID).await;

    // Followed from the start to the end, left in the middle, and joined again from there.
    let stream = format!("{creation}/events");
    let mut events = browser.events(&stream, 0, |event| event.kind == "line").await;
    let seen = events.last().unwrap().id;
    events.extend(
        browser
            .events(&stream, seen, |event| ["complete", "error", "cancelled"].contains(&event.kind.as_str()))
            .await,
    );
    let ids: Vec<i64> = events.iter().map(|event| event.id).collect();
    assert_eq!(
        ids,
        (1..=i64::try_from(ids.len()).unwrap()).collect::<Vec<_>>(),
        "every event once, in order"
    );
    assert_eq!(events.last().unwrap().kind, "complete", "{:#?}", events.last());
    let phases: Vec<_> = events
        .iter()
        .filter(|event| event.kind == "phase")
        .map(|event| event.data["phase"].as_str().unwrap())
        .collect();
    for phase in ["creating", "starting", "deploying", "syncing", "finalizing"] {
        assert!(phases.contains(&phase), "{phases:?}");
    }

    // The creation's page leads to the container's, and that to what it serves.
    let page = browser.get(&creation).await;
    let href = page.link("/containers/").expect("the page of a finished creation leads to the container");
    let page = browser.get(&href).await;
    assert!(page.html.contains("web240") && page.html.contains("nginx"), "{}", page.html);
    let service = page.link("http://").expect("the container's page links what it serves");
    assert!(service.starts_with("http://10.77.0."), "{service}");
    assert!(browser.get("/").await.link("http://").is_some(), "so does the list");
    let unit = app.simulator.shell(VMID, "systemctl is-active nginx && cat /var/www/html/index.html").await;
    assert!(unit.starts_with("active") && unit.contains("It works"), "{unit}");
    assert!(app.simulator.pct_calls(VMID).await <= 11, "10 for the creation, one for the line above");
}

/// The five steps of the wizard; answers the address of the creation's page.
pub(crate) async fn create(browser: &mut Browser, template: &str, hostname: &str, vmid: u32) -> String {
    let page = browser.get("/containers/new").await;
    let recipe = Form::labelled(&page.html, template).expect("the container template is offered");
    let mut page = browser.submit(&page.form(&page.path).choose("container_template", &recipe)).await;
    assert!(page.path.ends_with("/configure"), "{}", page.path);
    let form = page.form(&page.path);
    assert_eq!(form.value("memory"), Some("512"), "the container template's defaults are filled in");
    page = browser.submit(&form.set("hostname", hostname).set("vmid", vmid.to_string())).await;
    for step in ["/packages", "/scripts", "/review"] {
        assert!(page.path.ends_with(step), "{} instead of {step}: {}", page.path, page.html);
        page = browser.submit(&page.form(&page.path)).await;
    }
    assert!(page.path.starts_with("/creations/"), "{}: {}", page.path, page.html);
    page.path
}

/// Logs in through the form, trusting the certificate that is shown.
pub(crate) async fn log_in(app: &TestApp, browser: &mut Browser) {
    let page = log_in_as(app, browser, ("root", "pam"), ROOT_PASSWORD).await;
    assert_eq!((page.path.as_str(), page.status), ("/", 200));
}

/// The same for anybody; answers where that leads.
pub(crate) async fn log_in_as(
    app: &TestApp,
    browser: &mut Browser,
    who: (&str, &str),
    password: &str,
) -> Page {
    let page = browser.get("/").await;
    assert!(page.path.starts_with("/login"), "{}", page.path);
    let filled = |form: Form| form.set("password", password);
    let form = page.form("/login").set("host", app.simulator.api.ip().to_string());
    let form = form.set("port", app.simulator.api.port().to_string()).set("user", who.0).set("realm", who.1);
    let page = browser.submit(&filled(form)).await;
    assert!(page.html.contains("Trust this certificate"), "{}", page.html);
    browser.submit(&filled(page.form("/login").tick("trust"))).await
}

/// Adds the simulated host through the form, trusting its certificate and its host key.
pub(crate) async fn add_node(app: &TestApp, browser: &mut Browser) {
    let secrets = |form: Form| form.set("token_secret", TOKEN_SECRET).set("ssh_password", ROOT_PASSWORD);
    let page = browser.get("/settings/nodes/new").await;
    let (api, ssh) = (app.simulator.api, app.simulator.ssh);
    let form = page.form("/settings/nodes").set("name", "attic").set("host", api.ip().to_string());
    let form =
        form.set("port", api.port().to_string()).set("token_id", TOKEN_ID).choose("ssh_auth", "password");
    let form = form.set("ssh_port", ssh.port().to_string()).set("ssh_user", "root");
    let mut page = browser.submit(&secrets(form)).await;
    while page.path == "/settings/nodes" && page.status != 200 {
        let form = page.form("/settings/nodes").tick("trusted_certificate").tick("trusted_host_key");
        page = browser.submit(&secrets(form)).await;
    }
    assert!(page.html.contains("attic"), "{}", page.html);
}
