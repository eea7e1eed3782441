//! The second page of a login.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use berth_operations::login::{self, CodeForm, LoginForm, LoginOutcome, SecondOutcome};
use berth_testkit::second_factor::{ALICES_TOTP, next_totp, totp};
use serde_json::json;

use crate::rig::{ALICE_AT_PVE, Page, Rig, Visitor};

const PATH: &str = "/login/second-factor";

/// Alice at the second page.
async fn half(rig: &Rig, next: &str) -> Visitor {
    let mut visitor = rig.visitor();
    let page = rig.password(&mut visitor, next, ALICE_AT_PVE).await;
    let expected = format!("{PATH}{next}");
    assert_eq!(
        (page.status, page.location.as_str()),
        (StatusCode::SEE_OTHER, expected.as_str()),
        "{}",
        page.html
    );
    visitor
}

async fn code(visitor: &mut Visitor, code: &str) -> Page {
    visitor.post(PATH, &[("factor", "totp"), ("code", code)]).await
}

/// Alice gets recovery keys beside her authenticator app.
async fn recovery_keys(rig: &Rig) -> [&'static str; 2] {
    let keys = ["0a1b-2c3d-4e5f-6a7b", "1111-2222-3333-4444"];
    let account = json!({ "password": ALICE_AT_PVE.1, "totp": ALICES_TOTP, "recovery": keys });
    rig.app.simulator.user("alice@pve", account).await;
    keys
}

fn wrong() -> String {
    let right: u32 = totp(ALICES_TOTP).parse().unwrap();
    format!("{:06}", (right + 500_000) % 1_000_000)
}

fn is_start(page: &Page) -> bool {
    (page.status, page.location.as_str()) == (StatusCode::SEE_OTHER, "/login?ended=1")
}

#[tokio::test]
async fn a_right_code_logs_in_under_a_new_id_and_goes_on() {
    let rig = Rig::new().await;
    let mut alice = half(&rig, "?next=%2Fsettings%2Fnodes").await;
    let before = alice.clone();
    assert!(berth_store::login_hosts::list(&rig.ctx.pg).await.unwrap().is_empty(), "nothing is claimed yet");
    let page = alice.get(&format!("{PATH}?next=%2Fsettings%2Fnodes")).await;
    assert!(page.text("#login").contains("alice@pve"), "{}", page.text("#login"));
    assert_eq!(page.count("form a"), 0, "she has no other factor");
    let page = alice.submit(&page.form(PATH).set("code", format!(" {} ", totp(ALICES_TOTP)))).await;
    assert_eq!((page.status, page.location.as_str()), (StatusCode::SEE_OTHER, "/settings/nodes"));
    assert!(alice.is_logged_in().await);
    assert_ne!(alice.cookie, before.cookie);
    assert!(!before.clone().is_logged_in().await, "the session of the first step is gone");
    assert_eq!(berth_store::login_hosts::list(&rig.ctx.pg).await.unwrap().len(), 1);
    assert_eq!(alice.get(PATH).await.location, "/");
}

#[tokio::test]
async fn half_a_login_opens_nothing() {
    let rig = Rig::new().await;
    let mut alice = half(&rig, "").await;
    for path in ["/", "/settings", "/settings/sessions", "/containers/new"] {
        assert!(alice.get(path).await.location.starts_with("/login"), "{path}");
    }
    assert_eq!(alice.post("/logout", &[]).await.status, StatusCode::UNAUTHORIZED);
    alice.headers.push(("hx-request", "true".into()));
    assert_eq!(alice.get("/settings").await.status, StatusCode::UNAUTHORIZED);
    let id = berth_domain::CreationId::new();
    let stream = Request::get(format!("/creations/{id}/events")).header("accept", "text/event-stream");
    let answer = alice.open(stream.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_wrong_code_is_said_beside_its_field_and_may_be_mended() {
    let rig = Rig::new().await;
    let mut alice = half(&rig, "").await;
    let wrong = wrong();
    for typed in [wrong.as_str(), "", "12345", "abcdef", "１２３４５６"] {
        let page = code(&mut alice, typed).await;
        assert_eq!(
            (page.status, page.count(".field-error")),
            (StatusCode::UNPROCESSABLE_ENTITY, 1),
            "{typed}"
        );
        assert!(page.form(PATH).value("code").is_none_or(str::is_empty), "it is not sent back");
        assert!(!alice.is_logged_in().await);
    }
    let page = alice.post(PATH, &[("factor", "recovery"), ("code", "0000-0000-0000-0000")]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY, "she has no recovery keys: {}", page.html);
    assert_eq!(code(&mut alice, &totp(ALICES_TOTP)).await.location, "/");
    assert!(alice.is_logged_in().await);
}

#[tokio::test]
async fn a_finished_login_cannot_be_finished_again() {
    let rig = Rig::new().await;
    let mut alice = half(&rig, "").await;
    let mut thief = alice.clone();
    assert_eq!(code(&mut alice, &totp(ALICES_TOTP)).await.location, "/");
    assert!(is_start(&code(&mut thief, &totp(ALICES_TOTP)).await));
    assert!(!thief.is_logged_in().await);
    let page = thief.get("/login?ended=1").await;
    assert!(page.text(".notice").contains("That login has ended"), "{}", page.text(".notice"));
    assert!(alice.is_logged_in().await);

    // Even to whoever knows the id that was only in the session.
    let (ctx, client) = (&rig.ctx, alice.from);
    let typed = LoginForm {
        host: rig.app.simulator.api.to_string(),
        user: ALICE_AT_PVE.0.into(),
        password: ALICE_AT_PVE.1.into(),
        realm: ALICE_AT_PVE.2.into(),
        ..LoginForm::default()
    };
    let LoginOutcome::NeedsSecondFactor(id) = login::login(ctx, client, &typed).await.unwrap() else {
        panic!()
    };
    let form = CodeForm { factor: "totp".into(), code: next_totp(ALICES_TOTP).into() };
    let first = login::second_step(ctx, client, id, &form).await.unwrap();
    assert!(matches!(first, SecondOutcome::LoggedIn(_)), "{first:?}");
    let again = login::second_step(ctx, client, id, &form).await.unwrap();
    assert!(matches!(again, SecondOutcome::Ended), "{again:?}");
}

#[tokio::test]
async fn of_many_right_codes_at_once_one_logs_in() {
    let rig = Rig::new().await;
    let alice = half(&rig, "").await;
    let right = totp(ALICES_TOTP);
    let tries = (0..8).map(|_| {
        let (mut visitor, right) = (alice.clone(), right.clone());
        async move { code(&mut visitor, &right).await.location }
    });
    let went = futures::future::join_all(tries).await;
    assert_eq!(went.iter().filter(|location| *location == "/").count(), 1, "{went:?}");
}

#[tokio::test]
async fn it_waits_five_minutes_and_no_longer() {
    let rig = Rig::new().await;
    let mut alice = half(&rig, "").await;
    rig.later(4);
    assert_eq!(code(&mut alice, &wrong()).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    rig.later(1);
    let page = alice.get(&format!("{PATH}?next=%2Fsettings")).await;
    assert_eq!(page.location, "/login?ended=1&next=%2Fsettings");
    assert!(is_start(&code(&mut alice, &totp(ALICES_TOTP)).await));
    assert!(!alice.is_logged_in().await);
}

#[tokio::test]
async fn five_wrong_codes_end_it() {
    let rig = Rig::new().await;
    let mut alice = half(&rig, "").await;
    for _ in 0..4 {
        assert_eq!(code(&mut alice, &wrong()).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert!(is_start(&code(&mut alice, &wrong()).await));
    assert!(is_start(&code(&mut alice, &totp(ALICES_TOTP)).await));
    assert!(!alice.is_logged_in().await);
}

#[tokio::test]
async fn codes_count_as_attempts() {
    let rig = Rig::new().await;
    // Two for the certificate and the password.
    let mut alice = half(&rig, "").await;
    for _ in 0..4 {
        code(&mut alice, &wrong()).await;
    }
    let mut alice = half(&rig, "").await;
    for _ in 0..2 {
        assert_eq!(code(&mut alice, &wrong()).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    // The tenth was wrong, and from elsewhere it is still the same account.
    alice.from = "198.51.100.7".parse().unwrap();
    let page = code(&mut alice, &totp(ALICES_TOTP)).await;
    assert_eq!(page.status, StatusCode::TOO_MANY_REQUESTS, "{}", page.text("#login"));
    let wait: u64 = page.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=300).contains(&wait), "{wait}");
    assert!(!alice.is_logged_in().await);
}

#[tokio::test]
async fn a_recovery_key_works_once() {
    let rig = Rig::new().await;
    let keys = recovery_keys(&rig).await;
    let mut alice = half(&rig, "").await;
    let page = alice.get(PATH).await;
    let link = page.link("factor=recovery");
    let page = alice.get(&link).await;
    assert_eq!(page.form(PATH).value("factor"), Some("recovery"));
    assert_eq!(page.count("form a"), 1, "and back to the app");
    let key = keys[0].to_uppercase();
    assert_eq!(alice.submit(&page.form(PATH).set("code", &key)).await.location, "/");
    assert!(alice.is_logged_in().await);

    let mut again = half(&rig, "").await;
    let page = again.submit(&page.form(PATH).set("code", &key)).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.text(".field-error").contains("only once"), "{}", page.text(".field-error"));
    assert!(!page.html.contains(keys[0]) && !page.html.contains(&key));
    assert_eq!(again.submit(&page.form(PATH).set("code", keys[1])).await.location, "/");
}

#[tokio::test]
async fn nothing_of_proxmox_is_in_clear_in_redis() {
    let rig = Rig::new().await;
    let keys = recovery_keys(&rig).await;
    let mut alice = half(&rig, "").await;
    code(&mut alice, &wrong()).await;
    alice.post(PATH, &[("factor", "recovery"), ("code", keys[0])]).await;
    assert!(alice.is_logged_in().await);
    let writes = rig.app.redis.writes();
    assert!(writes.contains("berth:pending-login:"), "the test looks at the right thing");
    for secret in ["!tfa!", "PVE:", ALICE_AT_PVE.1, keys[0], ALICES_TOTP] {
        assert!(!writes.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn without_a_first_step_there_is_no_second() {
    let rig = Rig::new().await;
    let mut nobody = rig.visitor();
    assert_eq!(nobody.get(&format!("{PATH}?next=%2Fsettings")).await.location, "/login?next=%2Fsettings");
    assert!(is_start(&code(&mut nobody, &totp(ALICES_TOTP)).await));
    nobody.headers.push(("hx-request", "true".into()));
    assert_eq!(code(&mut nobody, "123456").await.headers["hx-redirect"], "/login?ended=1");
}

#[tokio::test]
async fn a_host_that_is_removed_meanwhile_logs_nobody_in() {
    let rig = Rig::new().await;
    let mut alice = half(&rig, "").await;
    let other = "pve.lan:8006".parse().unwrap();
    assert!(berth_store::login_hosts::claim(&rig.ctx.pg, &other, None, rig.ctx.clock.now()).await.unwrap());
    let page = code(&mut alice, &totp(ALICES_TOTP)).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.text(".notice-error").contains("That did not work"), "{}", page.html);
    assert!(!alice.is_logged_in().await);
    assert!(is_start(&code(&mut alice, &totp(ALICES_TOTP)).await));
}

#[tokio::test]
async fn whoever_has_only_a_security_key_is_told_what_to_do() {
    let rig = Rig::new().await;
    let dave = ("dave", "dave-Passw0rd", "pve");
    rig.app.simulator.user("dave@pve", json!({ "password": dave.1, "webauthn": true })).await;
    let mut visitor = rig.visitor();
    let page = rig.password(&mut visitor, "", dave).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    let text = page.text(".notice-warning");
    for part in ["only a security key", "Two Factor", "another account"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(page.form("/login").value("user"), Some(dave.0));
    assert!(!visitor.is_logged_in().await);
    assert!(is_start(&code(&mut visitor, "123456").await), "nothing waits for a code");
}

#[tokio::test]
async fn whoever_has_a_security_key_beside_others_is_offered_those() {
    let rig = Rig::new().await;
    let erin = ("erin", "erin-Passw0rd", "pve");
    let account = json!({ "password": erin.1, "webauthn": true, "totp": ALICES_TOTP, "recovery": ["0a1b-2c3d-4e5f-6a7b"] });
    rig.app.simulator.user("erin@pve", account).await;
    let mut visitor = rig.visitor();
    assert_eq!(rig.password(&mut visitor, "", erin).await.location, PATH);
    let page = visitor.get(PATH).await;
    assert!(page.text("#login").contains("also has a security key"), "{}", page.text("#login"));
    assert_eq!((page.form(PATH).value("factor"), page.count("form a")), (Some("totp"), 1));
    let page = visitor.submit(&page.form(PATH).set("code", totp(ALICES_TOTP))).await;
    assert_eq!(page.location, "/");
}
