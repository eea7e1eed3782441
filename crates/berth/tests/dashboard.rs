//! The dashboard with real hosts behind it: what it shows, when they are asked, and what it costs when they do not answer.

#![allow(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::time::{Duration, Instant};

use berth_domain::Vmid;
use berth_operations::containers::State;
use berth_operations::dashboard::{INTERVAL, Live};
use berth_testkit::simulator::ROOT_PASSWORD;
use berth_testkit::wait::{DEADLINE, wait_until};
use berth_testkit::{Browser, Owner, TestApp};
use serde_json::json;

const RESOURCES: &str = "GET /cluster/resources";

async fn state(live: &Live, owner: Owner, vmid: u32) -> Option<State> {
    let dashboard = live.dashboard(owner.user).await.unwrap();
    let row = dashboard.rows.iter().find(|row| row.vmid == Vmid::new(vmid).unwrap())?;
    Some(row.state.clone())
}

async fn log_in(app: &TestApp, browser: &mut Browser) {
    let page = browser.get("/").await;
    let (host, port) = (app.simulator.api.ip().to_string(), app.simulator.api.port().to_string());
    let form =
        page.form("/login").set("host", host).set("port", port).set("user", "root").set("realm", "pam");
    let page = browser.submit(&form.set("password", ROOT_PASSWORD)).await;
    let page = browser.submit(&page.form("/login").tick("trust").set("password", ROOT_PASSWORD)).await;
    assert_eq!((page.path.as_str(), page.status), ("/", 200));
}

#[tokio::test]
async fn a_change_on_the_host_is_told_and_shown() {
    let app = TestApp::start().await;
    app.owner().await;
    let (_web, mut browser) = app.web().await;
    log_in(&app, &mut browser).await;
    let mut stream = browser.stream("/dashboard/events").await;
    let running = wait_until(DEADLINE, "the container is shown", async || {
        stream.next("changed").await;
        let page = browser.get("/").await;
        page.html.contains("ct101").then_some(page)
    });
    let page = running.await;
    assert!(page.html.contains("state-running"), "{}", page.html);
    assert_eq!(browser.get("/?status=stopped").await.html.matches("data-item").count(), 0);
    app.simulator.root_shell(0, "pct stop 101").await;
    wait_until(DEADLINE, "it is shown as stopped", async || {
        stream.next("changed").await;
        let page = browser.get("/?status=stopped&view=table").await;
        (page.html.matches("data-item").count() == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_host_is_asked_once_per_interval_by_however_many_processes_and_only_while_somebody_looks() {
    let app = TestApp::start_with(&["--nodes", "2", "--containers", "1"]).await;
    let owner = app.owner().await;
    // Somebody else, whose host nobody looks at.
    let away = app.owner_of("alice@pve", 1).await;
    app.simulator.forget_calls().await;
    let begun = Instant::now();
    let processes =
        [Live::start(app.ctx.clone()).await.unwrap(), Live::start(app.ctx.clone()).await.unwrap()];
    let mut asked = 0;
    wait_until(DEADLINE, "the host is asked three times", async || {
        for live in &processes {
            live.dashboard(owner.user).await.unwrap();
        }
        asked = app.simulator.requests(RESOURCES).await;
        (asked >= 3).then_some(())
    })
    .await;
    let turns = begun.elapsed().as_secs_f64() / (INTERVAL.as_secs_f64() - 0.5);
    #[allow(clippy::cast_precision_loss, reason = "a handful")]
    let most = turns + 1.0;
    assert!(asked as f64 <= most, "{asked} times in {turns} intervals");
    // What one of them has heard, both show; and the other host was left alone.
    for live in &processes {
        assert_eq!(live.dashboard(owner.user).await.unwrap().rows.len(), 1);
    }
    let calls = app.simulator.calls().await;
    let elsewhere = app.simulator.nodes[1].name.as_str();
    assert!(calls.iter().all(|call| call["node"] != elsewhere), "{calls:#?}");
    let later = Live::start(app.ctx.clone()).await.unwrap();
    assert!(state(&later, away, 100).await.is_none());
}

#[tokio::test]
async fn a_host_that_hangs_costs_the_page_nothing_and_shows_what_was_last_seen() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let live = Live::start(app.ctx.clone()).await.unwrap();
    wait_until(DEADLINE, "it runs", async || {
        (state(&live, owner, 101).await == Some(State::Running)).then_some(())
    })
    .await;
    app.simulator.faults(json!([{"kind": "hang", "path": "^/cluster/resources"}])).await;
    let mut slowest = Duration::ZERO;
    let unknown = wait_until(DEADLINE, "its node does not answer", async || {
        let begun = Instant::now();
        let state = state(&live, owner, 101).await;
        slowest = slowest.max(begun.elapsed());
        match state {
            Some(State::Unknown(cause)) => Some(cause),
            _ => None,
        }
    });
    let cause = unknown.await;
    assert!(cause.contains("did not answer within"), "{cause}");
    // The call is given 5 s: a page that waited for it would have taken that long.
    assert!(slowest < Duration::from_secs(3), "{slowest:?}");
    let dashboard = live.dashboard(owner.user).await.unwrap();
    assert!(dashboard.rows[0].last_seen.is_some() && dashboard.nodes[0].trouble.is_some());
    app.simulator.faults(json!([])).await;
    wait_until(DEADLINE, "it runs again", async || {
        (state(&live, owner, 101).await == Some(State::Running)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_container_that_comes_and_goes_behind_our_back_follows() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let live = Live::start(app.ctx.clone()).await.unwrap();
    wait_until(DEADLINE, "it is listed", async || state(&live, owner, 101).await).await;
    app.simulator.root_shell(0, "pct stop 101 && pct destroy 101").await;
    wait_until(DEADLINE, "it is gone", async || state(&live, owner, 101).await.is_none().then_some(())).await;
}
