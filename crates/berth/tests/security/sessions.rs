//! Sessions that an attacker has planted, and places where a browser must not be sent.

use berth_testkit::TestApp;
use berth_testkit::form::Form;
use berth_testkit::simulator::ROOT_PASSWORD;

use crate::visitor::{Fields, Visitor, certificate, logged_in, root};

#[tokio::test]
async fn a_session_that_was_there_before_the_login_is_nobodys_after_it() {
    let app = TestApp::start().await;
    let (_web, base) = app.web_with(&[]).await;
    let visitor = Visitor::new(&base);
    let form = root(app.simulator.api, certificate(&app.simulator));
    // Never handed out by Berth, and then one of a login before.
    let mut before = "AAAAAAAAAAAAAAAAAAAAAA".to_owned();
    for _ in 0..3 {
        let cookie = format!("berth_session={before}");
        let answer = visitor.post("/login", &form, &[("cookie", &cookie)]).await;
        let session = answer.session().unwrap();
        assert_ne!(session, before);
        assert!(visitor.is_open(&session).await);
        assert!(!visitor.is_open(&before).await, "what was known before is of no use");
        before = session;
    }
    // Nor does a failed login keep what was planted.
    let planted = "berth_session=BBBBBBBBBBBBBBBBBBBBBA";
    let mut wrong = form;
    wrong.retain(|(name, _)| *name != "password");
    let answer = visitor.post("/login", &wrong, &[("cookie", planted)]).await;
    assert_eq!((answer.status, answer.session()), (422, None));
}

#[tokio::test]
async fn whatever_next_says_the_login_leads_nowhere_else() {
    let app = TestApp::start().await;
    let (_web, base) = app.web_with(&[("BERTH_LOGIN_ATTEMPTS", "1000/5m".into())]).await;
    let visitor = Visitor::new(&base);
    for (next, leads) in [
        ("/containers/new?template=nginx&node=1", "/containers/new?template=nginx&node=1"),
        ("", "/"),
        ("//evil.example", "/"),
        ("///evil.example", "/"),
        ("/\\evil.example", "/"),
        ("\\/evil.example", "/"),
        ("https:evil.example", "/"),
        ("https://evil.example/", "/"),
        ("HTTPS://evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("%2F%2Fevil.example", "/"),
        (" //evil.example", "/"),
        ("\t//evil.example", "/"),
        ("/\t/evil.example", "/"),
        ("/\n/evil.example", "/"),
        ("/settings\r\nSet-Cookie: berth_session=planted", "/"),
        ("/settings\0", "/"),
        ("settings", "/"),
        ("@evil.example", "/"),
    ] {
        // By way of the page, as a link in a mail would have it.
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
        let page = visitor.get(&format!("/login?{query}"), &[]).await;
        let kept = Form::of(&page.body, "/login").unwrap().value("next").unwrap().to_owned();
        assert_eq!(kept, leads, "{next:?}");
        // And straight.
        let mut form = root(app.simulator.api, certificate(&app.simulator));
        form.retain(|(name, _)| *name != "next");
        form.push(("next", next.into()));
        for header in [None, Some(("hx-request", "true"))] {
            let answer = visitor.post("/login", &form, header.as_slice()).await;
            let to = if header.is_some() { "hx-redirect" } else { "location" };
            assert_eq!(answer.header(to), leads, "{next:?} by {to}");
            assert_eq!(answer.headers.get_all("set-cookie").iter().count(), 1);
        }
    }
}

#[tokio::test]
async fn the_cookie_travels_by_https_alone_where_berth_does() {
    let app = TestApp::start().await;
    for (url, secure) in [("https://berth.example", true), ("http://berth.lan", false)] {
        let (_web, base) = app.web_with(&[("BERTH_PUBLIC_URL", url.into())]).await;
        let visitor = Visitor::new(&base);
        let answer = visitor.log_in(&root(app.simulator.api, certificate(&app.simulator))).await;
        let cookie = answer.header("set-cookie");
        for part in ["HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(cookie.split("; ").any(|found| found == part), "{cookie}");
        }
        assert_eq!(cookie.split("; ").any(|part| part == "Secure"), secure, "{cookie}");
        assert!(!cookie.contains("Domain"), "{cookie}");
    }
}

/// With everything logged that any library has to say.
#[tokio::test]
async fn neither_a_session_nor_a_password_is_logged_or_shown() {
    let app = TestApp::start().await;
    let (_web, base) = app.web_with(&[("BERTH_LOG", "trace".into())]).await;
    let visitor = Visitor::new(&base);
    let session = logged_in(&app, &visitor).await;
    let mut seen = String::new();
    for path in ["/", "/settings", "/settings/nodes", "/templates", "/packages", "/nowhere", "/login"] {
        let page = visitor.page(path, &session).await;
        seen.push_str(&page.body);
        seen.push_str(page.header("location"));
    }
    let cookie = format!("berth_session={session}");
    visitor.post("/logout", &Fields::new(), &[("cookie", &cookie)]).await;
    assert!(!visitor.is_open(&session).await);
    let logs = app.logs();
    assert!(logs.contains("logged in") && logs.contains("TRACE") && seen.contains("root@pam"));
    for (place, text) in [("the logs", &logs), ("HTML", &seen), ("Redis", &app.redis.writes())] {
        assert!(!text.contains(&session), "a session's id stands in {place}");
        assert!(!text.contains(ROOT_PASSWORD), "a password stands in {place}");
    }
}
