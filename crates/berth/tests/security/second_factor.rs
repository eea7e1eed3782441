//! Somebody who knows the password of an account with a second factor, and has no code.

use berth_testkit::TestApp;

use crate::throttle::assert_waits;
use crate::visitor::{Answer, Visitor, certificate, login, users};

const CODE: &str = "/login/second-factor";

/// The first step as `alice@pve`, whose second factor is a TOTP; answers the session that waits for it.
async fn first_step(app: &TestApp, visitor: &Visitor, address: &str) -> Answer {
    let mut form = login(app.simulator.api, "alice", "alice-Passw0rd", certificate(&app.simulator));
    form.retain(|(name, _)| *name != "realm");
    form.push(("realm", "pve".into()));
    visitor.post("/login", &form, &[("x-forwarded-for", address)]).await
}

async fn guess(visitor: &Visitor, half: &str, address: &str) -> Answer {
    let cookie = format!("berth_session={half}");
    let form =
        vec![("factor", "totp".to_owned()), ("code", "000000".to_owned()), ("next", "/settings".to_owned())];
    visitor.post(CODE, &form, &[("cookie", &cookie), ("x-forwarded-for", address)]).await
}

#[tokio::test]
async fn half_a_login_opens_no_page_and_makes_no_account() {
    let app = TestApp::start().await;
    let (_web, base) = app.web_with(&[]).await;
    let visitor = Visitor::new(&base);
    let answer = first_step(&app, &visitor, "").await;
    assert_eq!(answer.status, 303, "{}", answer.body);
    assert!(answer.header("location").starts_with(CODE), "{}", answer.header("location"));
    let half = answer.session().unwrap();
    for path in ["/", "/settings", "/settings/nodes", "/containers/new", "/templates"] {
        let page = visitor.page(path, &half).await;
        assert_eq!(page.status, 303, "{path}");
        assert!(page.header("location").starts_with("/login"), "{path}");
    }
    assert_eq!(visitor.page(CODE, &half).await.status, 200, "it still waits");
    assert_eq!(guess(&visitor, &half, "").await.status, 422);
    assert!(!visitor.is_open(&half).await);
    assert_eq!(users(&app).await, Vec::<String>::new());
    let claimed: i64 =
        sqlx::query_scalar("select count(*) from login_hosts").fetch_one(&app.ctx.pg).await.unwrap();
    assert_eq!(claimed, 0, "half a login claims nothing");
}

/// Each code counts as a password does, from whatever address, and a new first step gives no new guesses.
#[tokio::test]
async fn codes_are_limited_as_passwords_are() {
    let app = TestApp::start().await;
    let (_web, base) = app.web_with(&[("BERTH_TRUSTED_PROXIES", "127.0.0.0/8".into())]).await;
    let visitor = Visitor::new(&base);
    let mut tries = 0;
    let waits = 'guessing: loop {
        assert!(tries <= 10, "more than ten were heard");
        let answer = first_step(&app, &visitor, &format!("203.0.113.{tries}")).await;
        tries += 1;
        let Some(half) = answer.session() else { break answer };
        loop {
            let answer = guess(&visitor, &half, &format!("203.0.113.{tries}")).await;
            match answer.status {
                422 => tries += 1,
                429 => break 'guessing answer,
                // Begin anew.
                303 => break,
                other => panic!("{other}: {}", answer.body),
            }
            assert!(tries <= 11, "more than ten were heard");
        }
    };
    assert_waits(&waits, "the eleventh");
    assert!(app.simulator.passwords_received().await.len() <= 10);
    assert_eq!(users(&app).await, Vec::<String>::new());
}
