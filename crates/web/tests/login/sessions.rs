//! Where somebody is logged in, and logging out there.

use axum::http::StatusCode;

use crate::rig::{ROOT, Rig};

const PATH: &str = "/settings/sessions";

#[tokio::test]
async fn a_person_sees_where_they_are_logged_in_and_ends_the_others() {
    let rig = Rig::new().await;
    let mut laptop = rig.logged_in(ROOT).await;
    let mut phone = rig.visitor();
    phone.from = "2001:db8::7".parse().unwrap();
    phone
        .headers
        .push(("user-agent", "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0".into()));
    rig.password(&mut phone, "", ROOT).await;
    let mut tablet = rig.logged_in(ROOT).await;

    let page = laptop.get(PATH).await;
    assert_eq!(page.count("main li"), 3);
    assert!(page.text("main li:first-child").contains("This browser"), "{}", page.text("main li"));
    let text = page.text("main li");
    assert!(text.contains("Firefox on Android") && text.contains("2001:db8::7"), "{text}");
    for visitor in [&laptop, &phone, &tablet] {
        let id = visitor.cookie.as_deref().unwrap().trim_start_matches("berth_session=");
        assert!(id.len() > 10 && !page.html.contains(id), "no session's id is shown");
    }
    // The second one is the tablet: it logged in last.
    let actions = page.attributes("main li form", "action");
    assert_eq!(actions.len(), 2, "this browser has no button");
    assert_eq!(laptop.post(&actions[0], &[]).await.location, PATH);
    assert!(!tablet.is_logged_in().await);
    assert!(laptop.get(PATH).await.text(".toasts").contains("Logged that browser out"));
    assert_eq!(laptop.post(&actions[0], &[]).await.status, StatusCode::NOT_FOUND);
    assert!(phone.is_logged_in().await);

    let page = laptop.post(&format!("{PATH}/log-out-others"), &[]).await;
    assert_eq!(page.location, PATH);
    let page = laptop.get(PATH).await;
    assert!(page.text(".toasts").contains("Logged out 1 other session"), "{}", page.text(".toasts"));
    assert_eq!((page.count("main li"), page.count("main form")), (1, 0));
    assert!(!phone.is_logged_in().await);
    assert!(laptop.is_logged_in().await);
}

#[tokio::test]
async fn a_login_takes_no_id_that_was_there_before() {
    let rig = Rig::new().await;
    let mut first = rig.logged_in(ROOT).await;
    let old = first.clone();
    // Somebody logs in over a session that is open; what was planted or stolen before is worth nothing then.
    first.post("/logout", &[]).await;
    assert!(!old.clone().is_logged_in().await);
    let mut again = old.clone();
    rig.password(&mut again, "", ROOT).await;
    assert!(again.is_logged_in().await);
    assert_ne!(again.cookie, old.cookie);
    assert!(!old.clone().is_logged_in().await);
}
