//! Requests that another site makes a browser send, and ids of others where no path has them.

use axum::http::StatusCode;
use berth_domain::NodeId;
use berth_operations::creation::CreationForm;
use berth_operations::drafts;

use crate::world::{World, node};

#[tokio::test]
async fn a_write_from_another_site_changes_nothing() {
    let world = World::new().await;
    let own = world.cookie(&world.owner).await;
    let before = world.database.text().await;
    for route in world.routes().iter().filter(|(method, _)| *method == "POST") {
        for (name, value) in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("origin", "https://evil.example"),
            ("origin", "http://berth.evil.example"),
            ("origin", "http://berth:8081"),
            ("origin", "null"),
        ] {
            let answer = world.ask(route, &[("cookie", &own), (name, value)]).await;
            assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{route:?} with {name}: {value}");
        }
    }
    assert_eq!(world.database.text().await, before);
    let home = ("GET", "/".to_owned());
    assert_eq!(world.ask(&home, &[("cookie", &own)]).await.status(), StatusCode::OK, "still logged in");
    let logout = ("POST", "/logout".to_owned());
    let answer = world.ask(&logout, &[("cookie", &own), ("origin", "http://berth")]).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER, "our own pages may write");
}

/// The stranger's own draft, with the owner's node in a field or in the query.
#[tokio::test]
async fn somebody_elses_node_in_a_field_is_not_there() {
    let world = World::new().await;
    let own = world.cookie(&world.stranger).await;
    node(&world.ctx, &world.stranger).await;
    let form = CreationForm { node: world.node.to_string(), ..CreationForm::default() };
    let draft = drafts::start(&world.ctx, world.stranger.id, form).await.unwrap().id;
    let (path, node) = (format!("/containers/new/{draft}"), world.node);
    for question in [
        format!("/containers/new/vmid?vmid=105&node={node}"),
        format!("{path}/configure?node={node}"),
        format!("{path}/review"),
    ] {
        let answer = world.send("GET", &question, &[("cookie", &own)]).await;
        assert!(!answer.status().is_server_error(), "{question}");
        let body = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        let body = String::from_utf8_lossy(&body);
        for trace in ["127.0.0.1:1", "web", "Taken"] {
            assert!(!body.contains(&format!(">{trace}<")), "{question}: {body}");
        }
    }
    let before = world.database.text().await;
    let answer = world.send("GET", &format!("/containers/new?node={node}"), &[("cookie", &own)]).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let drafts = drafts::list(&world.ctx, world.stranger.id).await.unwrap();
    assert!(drafts.iter().filter(|found| found.id != draft).all(|found| found.form.node != node.to_string()));
    assert_ne!(world.database.text().await, before, "a draft was opened, without that node");
    let answer = world.send("POST", &format!("{path}/review"), &[("cookie", &own)]).await;
    assert!(answer.status().is_client_error() || answer.status().is_redirection(), "{}", answer.status());
    let made = berth_store::creations::list_recent(&world.ctx.pg, world.stranger.id, 10).await.unwrap();
    assert_eq!(made, []);
}

/// A form says which stored node's secrets its empty fields stand for, and which node a draft is for.
#[tokio::test]
async fn somebody_elses_node_in_a_form_lends_nothing() {
    let world = World::new().await;
    let own = world.cookie(&world.stranger).await;
    let mine = node(&world.ctx, &world.stranger).await;
    let before = world.database.text().await;
    let headers = [("cookie", own.as_str())];
    let member = |node: &str| {
        format!(
            "name=x&host=127.0.0.1&port=1&token_id=root%40pam%21berth&ssh_auth=none&without_ssh=on&member_of={node}"
        )
    };
    let unused = NodeId::new().to_string();
    for id in [world.node.to_string(), unused, "nonsense".to_owned()] {
        let answer = world.send_with("POST", "/settings/nodes", &headers, &member(&id)).await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{id}");
    }
    let answer = world.send_with("POST", "/settings/nodes", &headers, &member(&mine.to_string())).await;
    assert_ne!(answer.status(), StatusCode::NOT_FOUND, "one's own is looked up");
    assert_eq!(world.database.text().await, before);

    let draft = drafts::start(&world.ctx, world.stranger.id, CreationForm::default()).await.unwrap().id;
    let fields = format!("node={}&hostname=web&vmid=300&storage=local-ct&bridge=vmbr0", world.node);
    let path = format!("/containers/new/{draft}/configure");
    let answer = world.send_with("POST", &path, &headers, &fields).await;
    assert!(!answer.status().is_server_error(), "{}", answer.status());
    world.send("POST", &format!("/containers/new/{draft}/review"), &headers).await;
    let made = berth_store::creations::list_recent(&world.ctx.pg, world.stranger.id, 10).await.unwrap();
    assert_eq!(made, []);
}
