//! Cookies that are not, or no longer, a session's.

use std::sync::Arc;

use axum::http::StatusCode;
use berth_operations::login::PendingLoginId;
use berth_web::extract::session;
use time::Duration;
use tower_sessions::{Session, SessionStore as _};

use crate::world::World;
use crate::{OPEN, is_among, location};

fn cookie(value: impl std::fmt::Display) -> String {
    format!("berth_session={value}")
}

/// The text with its character at `at` replaced by another of the same alphabet.
fn changed(text: &str, at: usize) -> String {
    let other = if text.as_bytes()[at] == b'A' { "B" } else { "A" };
    format!("{}{other}{}", &text[..at], &text[at + 1..])
}

#[tokio::test]
async fn a_cookie_that_was_tampered_with_is_nobodys() {
    let world = World::new().await;
    let own = world.session(&world.owner).await.to_string();
    let forged = [
        changed(&own, 0),
        changed(&own, own.len() / 2),
        own[..own.len() - 1].to_owned(),
        format!("{own}A"),
        format!("{own}="),
        String::new(),
        "nonsense".to_owned(),
        "-1".to_owned(),
        "0".repeat(own.len()),
        "%00".to_owned(),
        "é".to_owned(),
        "A".repeat(4096),
        tower_sessions::session::Id::default().to_string(),
    ];
    for route in &world.closed() {
        for value in &forged {
            world.assert_nobody(route, &[("cookie", &cookie(value))]).await;
        }
    }
    let home = ("GET", "/".to_owned());
    for at in 0..own.len() {
        world.assert_nobody(&home, &[("cookie", &cookie(changed(&own, at)))]).await;
    }
    assert_eq!(world.ask(&home, &[("cookie", &cookie(&own))]).await.status(), StatusCode::OK);
}

/// The password was right, the second factor is still asked for.
#[tokio::test]
async fn half_a_login_is_nobodys() {
    let world = World::new().await;
    let session = Session::new(None, Arc::new(world.sessions()), None);
    session::begin_pending(&session, PendingLoginId::random()).await.unwrap();
    session.save().await.unwrap();
    let half = session.id().unwrap();
    assert!(world.sessions().load(&half).await.unwrap().is_some());
    for route in &world.closed() {
        world.assert_nobody(route, &[("cookie", &cookie(half))]).await;
    }
}

#[tokio::test]
async fn a_session_whose_key_is_gone_lets_nobody_in() {
    let world = World::new().await;
    let session = world.session(&world.owner).await;
    world.sessions().delete(&session).await.unwrap();
    for route in &world.closed() {
        world.assert_nobody(route, &[("cookie", &cookie(session))]).await;
    }
}

#[tokio::test]
async fn a_session_ends_two_hours_after_its_last_request() {
    let world = World::new().await;
    let (own, idle) = (world.cookie(&world.owner).await, world.cookie(&world.owner).await);
    let home = ("GET", "/".to_owned());
    world.later(Duration::minutes(119));
    assert_eq!(world.ask(&home, &[("cookie", &own)]).await.status(), StatusCode::OK);
    world.later(Duration::minutes(2));
    world.assert_nobody(&home, &[("cookie", &idle)]).await;
    world.later(Duration::minutes(117));
    assert_eq!(world.ask(&home, &[("cookie", &own)]).await.status(), StatusCode::OK, "it was used meanwhile");
    world.later(Duration::minutes(121));
    for route in &world.closed() {
        world.assert_nobody(route, &[("cookie", &own)]).await;
    }
}

#[tokio::test]
async fn an_event_stream_alone_keeps_no_session_alive() {
    let world = World::new().await;
    let own = world.cookie(&world.owner).await;
    let stream = ("GET", "/creations/{id}/events".to_owned());
    let headers = [("cookie", own.as_str()), ("accept", "text/event-stream")];
    world.later(Duration::minutes(119));
    assert_eq!(world.ask(&stream, &headers).await.status(), StatusCode::OK);
    world.later(Duration::minutes(2));
    assert_eq!(world.ask(&stream, &headers).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_session_ends_twelve_hours_after_its_login_however_it_is_used() {
    let world = World::new().await;
    let page = ("GET", "/settings".to_owned());
    let own = world.cookie(&world.owner).await;
    for _ in 0..11 {
        world.later(Duration::HOUR);
        assert_eq!(world.ask(&page, &[("cookie", &own)]).await.status(), StatusCode::OK);
    }
    world.later(Duration::minutes(59));
    assert_eq!(world.ask(&page, &[("cookie", &own)]).await.status(), StatusCode::OK);
    world.later(Duration::minutes(2));
    for route in &world.closed() {
        world.assert_nobody(route, &[("cookie", &own)]).await;
    }
}

#[tokio::test]
async fn the_cookie_is_out_of_reach_for_scripts_other_sites_and_plain_http() {
    let mut world = World::new().await;
    for secure in [true, false] {
        world.app = berth_web::app(world.state.clone(), secure);
        let own = world.cookie(&world.owner).await;
        let answer = world.ask(&("GET", "/".to_owned()), &[("cookie", &own)]).await;
        let header = answer.headers()["set-cookie"].to_str().unwrap();
        let mut parts: Vec<&str> = header.split("; ").skip(1).collect();
        parts.retain(|part| !part.starts_with("Max-Age="));
        parts.sort_unstable();
        let expected = ["HttpOnly", "Path=/", "SameSite=Lax", "Secure"];
        assert_eq!(parts, &expected[..if secure { 4 } else { 3 }], "{header}");
    }
}

#[tokio::test]
async fn what_needs_a_login_is_kept_nowhere() {
    let world = World::new().await;
    let own = world.cookie(&world.owner).await;
    for route in world.closed().iter().filter(|(method, _)| *method == "GET") {
        for by_htmx in ["true", "false"] {
            let answer = world.ask(route, &[("cookie", &own), ("hx-request", by_htmx)]).await;
            assert_eq!(answer.headers()["cache-control"], "no-store", "{route:?}");
        }
    }
}

#[tokio::test]
async fn a_get_logs_nobody_out() {
    let world = World::new().await;
    let own = world.cookie(&world.owner).await;
    for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"] {
        let answer = world.send(method, "/logout", &[("cookie", &own)]).await;
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{method}");
    }
    let home = ("GET", "/".to_owned());
    assert_eq!(world.ask(&home, &[("cookie", &own)]).await.status(), StatusCode::OK);
    assert_eq!(world.send("POST", "/logout", &[("cookie", &own)]).await.status(), StatusCode::SEE_OTHER);
    world.assert_nobody(&home, &[("cookie", &own)]).await;
}

#[tokio::test]
async fn a_logged_in_visitor_of_the_login_goes_nowhere_but_here() {
    let world = World::new().await;
    let own = world.cookie(&world.owner).await;
    for next in [
        "//evil.example",
        "/%5Cevil.example",
        "https:evil.example",
        "https%3A%2F%2Fevil.example",
        "%2F%2Fevil.example",
        "%2F%5Cevil.example",
        "/%09/evil.example",
        "/a%0D%0ASet-Cookie:%20a=b",
        "javascript:alert(1)",
        "%20//evil.example",
        "\\\\evil.example",
    ] {
        let path = format!("/login?next={}", next.replace('\\', "%5C"));
        let answer = world.send("GET", &path, &[("cookie", &own)]).await;
        assert_eq!((answer.status(), location(answer.headers())), (StatusCode::SEE_OTHER, "/"), "{next}");
    }
    let answer = world.send("GET", "/login?next=%2Fsettings%3Fa%3D1", &[("cookie", &own)]).await;
    assert_eq!(location(answer.headers()), "/settings?a=1");
    assert!(is_among(OPEN, &("GET", "/login".into())));
}
