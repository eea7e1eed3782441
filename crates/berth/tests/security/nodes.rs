//! A node that an impostor has taken the place of: neither its token nor its SSH password is sent there.

use berth_domain::creation::CreationState;
use berth_operations::creation::CreationForm;
use berth_operations::drafts;
use berth_testkit::{DEADLINE, SimulatorProcess, TemplateFolder, TestApp, wait_until};

use crate::impostor::{instead, stranger};
use crate::visitor::{Fields, Visitor, certificate, logged_in};

const VMID: u32 = 280;

fn folder() -> TemplateFolder {
    TemplateFolder::new("plain").script("10-a.sh", "echo a\n")
}

/// It was connected to, but nothing was said to it.
async fn assert_told_nothing(impostor: &SimulatorProcess) {
    assert_ne!(impostor.connections().await, [], "it was looked at");
    assert_eq!(impostor.tokens_received().await, Vec::<String>::new());
    assert_eq!(impostor.passwords_received().await, Vec::<String>::new());
    assert_eq!(impostor.ssh_attempts().await, []);
}

#[tokio::test]
async fn no_page_sends_a_replaced_node_anything() {
    let mut app = TestApp::start().await;
    let (_web, base) = app.web_with(&[]).await;
    let visitor = Visitor::new(&base);
    let owner = app.owner().await;
    let worker = app.worker().await;
    let id = app.submit(owner, &folder(), VMID).await;
    app.ready(owner, id).await;
    let container = app.creation(owner, id).await.container_id.unwrap();
    let form = CreationForm { node: owner.node.to_string(), ..CreationForm::default() };
    let draft = drafts::start(&app.ctx, owner.user, form).await.unwrap().id;
    drop(worker);
    // Nothing is answered from a cache.
    app.redis.flush_all().await;
    let session = logged_in(&app, &visitor).await;

    let impostor = instead(&mut app).await;
    for path in [
        "/".to_owned(),
        "/settings/nodes".to_owned(),
        format!("/containers/{container}"),
        format!("/containers/new/{draft}/configure"),
        format!("/containers/new/vmid?vmid=105&node={}", owner.node),
        format!("/containers/new/{draft}/review"),
        format!("/creations/{id}"),
    ] {
        let page = visitor.page(&path, &session).await;
        assert!(page.status < 500 || page.status == 502, "{path}: {} {}", page.status, page.body);
    }
    assert_told_nothing(&impostor).await;

    // Nor does a worker that looks after the nodes, who says what it has seen.
    impostor.forget_calls().await;
    app.watch(owner.node).await;
    let _worker = app.worker().await;
    wait_until(DEADLINE, "the node's certificate is seen to have changed", async || {
        let nodes = visitor.page("/settings/nodes", &session).await;
        let both = [certificate(&app.simulator), certificate(&impostor)];
        both.iter().all(|fingerprint| nodes.body.contains(fingerprint)).then_some(())
    })
    .await;
    let check = format!("/settings/nodes/{}/check", owner.node);
    let cookie = format!("berth_session={session}");
    assert!(visitor.post(&check, &Fields::new(), &[("cookie", &cookie)]).await.status < 400);
    assert_told_nothing(&impostor).await;
}

#[tokio::test]
async fn no_job_sends_a_replaced_node_anything() {
    let mut app = TestApp::start().await;
    let owner = app.owner().await;
    let id = app.submit(owner, &folder(), VMID).await;
    let impostor = instead(&mut app).await;
    let _worker = app.worker().await;
    let ended = app.ended(owner, id).await;
    assert_eq!(ended.state, CreationState::Failed);
    let message = ended.error.unwrap();
    for part in ["attic", "certificate", certificate(&impostor)] {
        assert!(message.contains(part), "{message}");
    }
    assert_told_nothing(&impostor).await;
}

/// The API is still the real one, its SSH port is not.
#[tokio::test]
async fn no_job_logs_in_where_the_host_key_is_another() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let id = app.submit(owner, &folder(), VMID).await;
    let impostor = stranger(&app).await;
    sqlx::query("update nodes set ssh_port = $1")
        .bind(i32::from(impostor.ssh.port()))
        .execute(&app.ctx.pg)
        .await
        .unwrap();
    let _worker = app.worker().await;
    let ended = app.ended(owner, id).await;
    assert_eq!(ended.state, CreationState::Failed);
    let message = ended.error.unwrap();
    assert!(message.contains("attic") && message.contains("host key"), "{message}");
    assert_told_nothing(&impostor).await;
    assert_eq!(app.simulator.containers().await, [101, VMID], "the real API was used");
}
