//! The first page: what it tells, and how often.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use berth_operations::Settings;
use berth_operations::context::LoginHosts;

use crate::rig::{ROOT, Rig};

#[tokio::test]
async fn the_twenty_wrong_logins_of_one_account_end_at_the_tenth() {
    let rig = Rig::new().await;
    // The certificate is trusted, and the host claimed.
    rig.logged_in(ROOT).await;
    rig.app.redis.flush_all().await;
    let mut visitor = rig.visitor();
    let form = rig.filled(&mut visitor, "", ("root", "wrong", "pam")).await;
    for attempt in 1..=20 {
        // Whatever anybody writes here, the address is that of the connection.
        visitor.headers = vec![("x-forwarded-for", format!("203.0.113.{attempt}"))];
        let page = visitor.submit(&form).await;
        if attempt <= 10 {
            assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "{attempt}");
            assert!(page.text(".notice-error").contains("That did not work"), "{}", page.html);
        } else {
            assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS, "{attempt}");
            let wait: u64 = page.headers["retry-after"].to_str().unwrap().parse().unwrap();
            assert!((1..=300).contains(&wait), "{wait}");
        }
    }
    let asked = rig.app.simulator.requests("POST /access/ticket").await;
    // With the one that claimed it.
    assert_eq!(asked, 11, "nothing is sent to the host beyond the limit");
    // From elsewhere: the right password of that account does not help, another account is as free as before.
    visitor.from = "198.51.100.7".parse().unwrap();
    let form = rig.filled(&mut visitor, "", ROOT).await;
    assert_eq!(visitor.submit(&form).await.status, StatusCode::TOO_MANY_REQUESTS);
    let page = visitor
        .submit(&form.set("user", "alice").set("password", "alice-Passw0rd").set("realm", "pve"))
        .await;
    assert_eq!(page.location, "/login/second-factor");
}

/// Wrong passwords, unknown users and realms, a host that may not and one that nobody listens for: one answer, and none quicker than
/// it has to be.
#[tokio::test]
async fn a_refusal_tells_nothing_by_its_text_or_its_time() {
    let least = Duration::from_millis(900);
    let rig = Rig::with(Settings { login_refusal: least, login_attempts: 100, ..Settings::default() }).await;
    rig.logged_in(ROOT).await;
    let mut visitor = rig.visitor();
    let form = rig.filled(&mut visitor, "", ROOT).await;
    let mut texts = Vec::new();
    for form in [
        form.clone().set("password", "wrong"),
        form.clone().set("user", "nobody"),
        form.clone().set("realm", "nowhere"),
        form.clone().set("host", "127.0.0.1:1"),
        form.clone().set("host", "nowhere.invalid:8006"),
    ] {
        let began = Instant::now();
        let page = visitor.submit(&form).await;
        assert!(began.elapsed() >= least, "{:?} for {:?}", began.elapsed(), form.fields());
        assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
        texts.push(page.text(".notice"));
    }
    texts.dedup();
    assert_eq!(texts.len(), 1, "{texts:?}");
}

#[tokio::test]
async fn next_survives_the_certificate() {
    let rig = Rig::new().await;
    let mut root = rig.visitor();
    let page = rig.password(&mut root, "?next=%2Fsettings%2Fnodes%3Fx%3D1", ROOT).await;
    assert_eq!(page.location, "/settings/nodes?x=1");
    for evil in ["//evil.example", "https://evil.example/", "/\\evil.example"] {
        let form = rig.filled(&mut rig.visitor(), "", ROOT).await.set("next", evil);
        assert_eq!(rig.visitor().submit(&form).await.location, "/", "{evil}");
    }
}

#[tokio::test]
async fn a_login_through_htmx_leaves_the_page() {
    let rig = Rig::new().await;
    rig.logged_in(ROOT).await;
    let mut visitor = rig.visitor();
    let form = rig.filled(&mut visitor, "?next=%2Fsettings", ROOT).await;
    visitor.headers.push(("hx-request", "true".into()));
    assert_eq!(visitor.submit(&form).await.headers["hx-redirect"], "/settings");
}

#[tokio::test]
async fn the_impostor_of_a_claimed_host_is_not_even_asked() {
    let rig = Rig::new().await;
    rig.logged_in(ROOT).await;
    let before = rig.app.simulator.requests("POST /access/ticket").await;
    let mut visitor = rig.visitor();
    // The claimed address, with another certificate than the one stored.
    let address = rig.app.simulator.api.to_string().parse().unwrap();
    let other = berth_domain::Fingerprint::new([9; 32]);
    let now = rig.ctx.clock.now();
    assert!(
        berth_store::login_hosts::set_fingerprint(&rig.ctx.pg, &address, Some(other), now).await.unwrap()
    );
    let form = rig.filled(&mut visitor, "", ROOT).await;
    let page = visitor.submit(&form).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    let text = page.text(".notice-error");
    assert!(
        text.contains(&other.to_string()) && text.contains(&format!("accept-certificate {address} ")),
        "{text}"
    );
    assert_eq!(rig.app.simulator.requests("POST /access/ticket").await, before);
}

#[tokio::test]
async fn the_realms_come_from_the_host_before_its_certificate_is_trusted() {
    let settings =
        Settings { login_hosts: LoginHosts::Any, login_refusal: Duration::ZERO, ..Settings::default() };
    let rig = Rig::with(settings).await;
    let host = rig.app.simulator.api;
    let mut visitor = rig.visitor();
    let path = format!("/login/realms?host={}&port={}&realm=pve&realm_default=pam", host.ip(), host.port());
    let page = visitor.get(&path).await;
    assert_eq!(rig.app.simulator.requests("GET /access/domains").await, 1);
    assert_eq!(page.count("option"), 2);
    assert!(page.html.contains("value=\"pve\" selected"), "{}", page.html);
    // Without scripts, by a button; the password does not come back.
    let form = rig.filled(&mut visitor, "?next=%2Fsettings", ROOT).await;
    let page = visitor.submit(&form.press("go", "realms")).await;
    assert_eq!(page.status, StatusCode::OK);
    let form = page.form("/login");
    assert_eq!((form.value("host"), form.value("next")), (Some("127.0.0.1"), Some("/settings")));
    assert!(!page.html.contains(ROOT.1));
    assert!(rig.app.simulator.requests("GET /access/domains").await > 1);
    assert_eq!(rig.app.simulator.requests("POST /access/ticket").await, 0);
}
