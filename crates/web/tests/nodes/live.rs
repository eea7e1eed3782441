//! The test as a stream: rows as they are known, and its end when nobody watches any more.

use std::net::TcpListener;
use std::time::Duration;

use berth_testkit::{Browser, TestApp};
use serde_json::Value;
use tokio::io::AsyncReadExt as _;

use super::{assert_no_secret, filled, log_in, text, texts};

fn check(data: &str) -> String {
    let html = scraper::Html::parse_fragment(data);
    let row = scraper::Selector::parse("li[data-check]").unwrap();
    html.select(&row).next().unwrap().attr("data-check").unwrap().to_owned()
}

#[tokio::test]
async fn rows_come_before_the_end_and_the_form_comes_with_it() {
    let app = TestApp::start().await;
    let (_web, mut browser) = app.web().await;
    log_in(&app, &mut browser).await;
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = &app.simulator.nodes[0];
    let form =
        filled(&mut browser, host).await.set("ssh_port", silent.local_addr().unwrap().port().to_string());
    let form = form.press("trusted_certificate", &host.certificate_sha256);
    let began = std::time::Instant::now();
    let mut api = None;
    let (status, events) = browser
        .watch(&form, |name, data| {
            if name == "row" && check(data) == "node" {
                api = Some(began.elapsed());
            }
            false
        })
        .await;
    assert_eq!(status, 200);
    // SSH takes its 5 s; the API was through before.
    assert!(api.unwrap() < Duration::from_secs(5) && began.elapsed() < Duration::from_secs(10), "{api:?}");
    let rows: Vec<String> =
        events.iter().filter(|(name, _)| name == "row").map(|(_, data)| check(data)).collect();
    assert_eq!(rows[..4], ["certificate", "token", "privileges", "node"]);
    assert_eq!(rows.len(), 8, "{rows:?}");
    let (name, data) = events.last().unwrap();
    let done: Value = serde_json::from_str(data).unwrap();
    let html = done["html"].as_str().unwrap();
    assert_eq!(name, "done");
    assert!(text(html, "#f-ssh_port-error").contains("no answer within 5 s"), "{html}");
    assert_eq!(texts(html, "form#node-form").len(), 1);
    assert_no_secret(html);
}

#[tokio::test]
async fn what_passes_is_saved_and_says_where_to_go() {
    let app = TestApp::start().await;
    let (_web, mut browser) = app.web().await;
    log_in(&app, &mut browser).await;
    let host = &app.simulator.nodes[0];
    let form = filled(&mut browser, host).await;
    let form = form.press("trusted_certificate", &host.certificate_sha256);
    let form = form.press("trusted_host_key", &host.host_key_sha256);
    let (_, events) = browser.watch(&form, |_, _| false).await;
    assert_eq!(events.last().unwrap(), &("done".to_owned(), r#"{"go":"/settings/nodes"}"#.to_owned()));
    let list = browser.get("/settings/nodes").await;
    assert!(text(&list.html, "body").contains("Added attic."), "{}", list.html);
}

#[tokio::test]
async fn a_browser_that_hangs_up_ends_the_test() {
    let app = TestApp::start().await;
    let (_web, mut browser) = app.web().await;
    log_in(&app, &mut browser).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let form = filled(&mut browser, &app.simulator.nodes[0]).await.set("ssh_port", port);
    let (_, events) = browser.watch(&form, |name, _| name == "row").await;
    assert_eq!(events.len(), 1);
    let (mut socket, _) = listener.accept().await.unwrap();
    // By itself the test would wait 5 s for this server's first word.
    let mut said = Vec::new();
    let end = tokio::time::timeout(Duration::from_secs(4), socket.read_to_end(&mut said)).await;
    end.expect("the test goes on without anybody watching").unwrap();
}

#[tokio::test]
async fn nobody_gets_a_stream() {
    let app = TestApp::start().await;
    let (_web, mut browser) = app.web().await;
    log_in(&app, &mut browser).await;
    let form = filled(&mut browser, &app.simulator.nodes[0]).await;
    let base = browser.base().to_owned();
    let (status, events) = Browser::new(&base).watch(&form, |_, _| false).await;
    assert_eq!((status, events.iter().filter(|(name, _)| !name.is_empty()).count()), (401, 0));
}
