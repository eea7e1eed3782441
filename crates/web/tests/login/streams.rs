//! Event streams end with the session they were opened in.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use berth_testkit::TemplateFolder;
use futures::StreamExt as _;

use crate::rig::{ROOT, Rig, Visitor};

/// How long after its session a stream may go on, on a busy machine.
const SOON: Duration = Duration::from_secs(15);

/// The stream of a creation that nobody works on: by itself it would not end.
async fn stream_of(rig: &Rig) -> String {
    let owner = rig.app.owner().await;
    let folder = TemplateFolder::new("plain");
    let id = rig.app.submit(owner, &folder, 301).await;
    format!("/creations/{id}/events")
}

async fn open(visitor: &Visitor, path: &str) -> axum::body::BodyDataStream {
    let answer = visitor.open(request(path)).await;
    assert_eq!(answer.status(), StatusCode::OK);
    answer.into_body().into_data_stream()
}

fn request(path: &str) -> Request<Body> {
    Request::get(path).header("accept", "text/event-stream").body(Body::empty()).unwrap()
}

async fn ends(mut stream: axum::body::BodyDataStream) {
    let rest = async { while stream.next().await.is_some() {} };
    tokio::time::timeout(SOON, rest).await.expect("the stream ends soon after its session");
}

#[tokio::test]
async fn a_stream_ends_with_the_logout_wherever_that_happens() {
    let rig = Rig::new().await;
    let (mut here, mut there) = (rig.logged_in(ROOT).await, rig.logged_in(ROOT).await);
    let path = stream_of(&rig).await;
    let (mut mine, others) = (open(&here, &path).await, open(&there, &path).await);
    assert!(mine.next().await.is_some(), "it tells what has happened so far");
    here.post("/settings/sessions/log-out-others", &[]).await;
    ends(others).await;
    assert_eq!(there.get(&path).await.location.split('?').next(), Some("/login"));
    assert_eq!(there.open(request(&path)).await.status(), StatusCode::UNAUTHORIZED);
    here.post("/logout", &[]).await;
    ends(mine).await;
}

#[tokio::test]
async fn a_stream_ends_with_the_time_of_its_session_and_does_not_prolong_it() {
    let rig = Rig::new().await;
    let root = rig.logged_in(ROOT).await;
    let path = stream_of(&rig).await;
    let open = open(&root, &path).await;
    rig.later(119);
    assert_eq!(root.open(request(&path)).await.status(), StatusCode::OK);
    rig.later(2);
    ends(open).await;
    assert_eq!(root.open(request(&path)).await.status(), StatusCode::UNAUTHORIZED);
}
