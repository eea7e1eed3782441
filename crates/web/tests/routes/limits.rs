//! What one request, or many of them, may cost.

use axum::http::StatusCode;
use berth_operations::creation::CreationForm;
use berth_operations::drafts;
use tower_sessions::SessionStore as _;

use crate::authoring::Sent;
use crate::router;
use crate::world::World;

/// The largest this process has ever been, in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
}

#[tokio::test]
async fn one_large_file_that_is_named_many_times_is_not_read_so_often() {
    let world = World::new().await;
    let large = vec![0; 5 << 20];
    let kept = world.form(&world.owner, "/templates", Sent::new("").file("new_files", "a", &large)).await;
    let kept = kept.values("[name=file_kept]").remove(0);
    let times = |count: usize| {
        (0..count).fold(Sent::new("Large"), |sent, number| {
            sent.text("file_path", &format!("/srv/{number}")).text("file_kept", &kept)
        })
    };
    let before = peak();
    let refused = world.form(&world.owner, "/templates", times(500).text("go", "save")).await;
    let grown = peak() - before;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(grown < 200 << 20, "{} MiB", grown >> 20);
    let told = refused.texts("[role=alert]").join(" ");
    assert!(told.contains("larger than 50 MiB"), "{told}");
    assert_eq!(refused.values("[name=file_path]").len(), 500, "nothing typed is lost");
    let refused = world.form(&world.owner, "/templates", times(501).text("go", "save")).await;
    assert!(refused.texts("[role=alert]").join(" ").contains("at most 500 files"));
    let saved = world.form(&world.owner, "/templates", times(10).text("go", "save")).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{:?}", saved.texts("[role=alert]"));
}

#[tokio::test]
async fn a_form_of_countless_parts_is_refused_and_so_is_one_of_endless_texts() {
    let world = World::new().await;
    for name in ["file_path", "script_name", "installer_name", "nothing"] {
        let sent = (0..100_000).fold(Sent::new("Many"), |sent, _| sent.text(name, ""));
        let refused = world.form(&world.owner, "/templates", sent).await;
        assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE, "{name}");
        assert!(refused.body.len() < 100_000, "{name}");
        assert!(refused.texts("main").join(" ").contains("at most 500 scripts and 500 files"), "{name}");
    }
    let script = "x".repeat(1 << 20);
    let scripts = |count: usize| {
        (0..count).fold(Sent::new("Long"), |sent, number| {
            sent.text("script_name", &format!("{number}.sh")).text("script_content", &script)
        })
    };
    let refused = world.form(&world.owner, "/templates", scripts(17)).await;
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(refused.texts("main").join(" ").contains("upload large ones as files"));
    let saved = world.form(&world.owner, "/templates", scripts(15)).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn no_form_is_larger_than_a_mebibyte_but_one_with_files() {
    let world = World::new().await;
    let cookie = world.cookie(&world.owner).await;
    let large = "x".repeat(2 << 20);
    let headers = [("cookie", cookie.as_str()), ("content-length", "2097152")];
    for (method, path) in router::routes(&world.app) {
        if method != "POST" {
            continue;
        }
        let with_files = ["/templates", "/templates/{id}/edit"].contains(&path.as_str());
        let answer = world.send_with("POST", &world.owners_path(&path), &headers, &large).await;
        assert_eq!(
            answer.status() == StatusCode::PAYLOAD_TOO_LARGE,
            !with_files,
            "{path}: {}",
            answer.status()
        );
    }
    // Who does not say how much it is, is cut off.
    let answer = world.send_with("POST", "/packages", &headers[..1], &large).await;
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn messages_that_nobody_reads_do_not_fill_the_session() {
    let world = World::new().await;
    let form = CreationForm { hostname: "x".repeat(100_000), ..CreationForm::default() };
    let draft = drafts::start(&world.ctx, world.owner.id, form).await.unwrap().id;
    let session = world.session(&world.owner).await;
    let cookie = format!("berth_session={session}");
    let next = format!("next=/{}", "x".repeat(100_000));
    for _ in 0..100 {
        for what in ["discard", "restore"] {
            let path = format!("/containers/new/{draft}/{what}");
            let answer = world.send_with("POST", &path, &[("cookie", &cookie)], &next).await;
            assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{what}");
        }
    }
    let stored = world.sessions().load(&session).await.unwrap().unwrap();
    let size = serde_json::to_string(&stored.data).unwrap().len();
    assert!(size < 16 << 10, "{size} bytes");
    assert!(stored.data["toasts"].to_string().contains("x…"), "of what is long, the beginning stays");
}
