//! Secrets that somebody with the database has moved to another place in it.

use berth_domain::NodeId;
use berth_domain::creation::CreationState;
use berth_operations::creation::CreationForm;
use berth_operations::drafts;
use berth_testkit::form::Form;
use berth_testkit::simulator::{ROOT_PASSWORD, TOKEN_SECRET};
use berth_testkit::{DEADLINE, Owner, TemplateFolder, TestApp, wait_until};

use crate::visitor::{Visitor, logged_in};

const VMID: u32 = 295;

/// A second node of the owner, a copy of the first down to its secrets.
async fn copied(app: &TestApp, owner: Owner) -> Owner {
    let copy = NodeId::new();
    sqlx::query(
        "insert into nodes select (jsonb_populate_record(n, jsonb_build_object('id', $1::uuid, 'name', 'copy', 'is_default', false))).*
         from nodes n where id = $2",
    )
    .bind(copy.uuid())
    .bind(owner.node.uuid())
    .execute(&app.ctx.pg)
    .await
    .unwrap();
    Owner { node: copy, ..owner }
}

#[tokio::test]
async fn a_secret_in_another_row_opens_nothing_and_the_pages_say_so() {
    let app = TestApp::start().await;
    let (_web, base) = app.web_with(&[]).await;
    let visitor = Visitor::new(&base);
    let session = logged_in(&app, &visitor).await;
    let owner = app.owner().await;
    let copy = copied(&app, owner).await;
    let form = CreationForm { node: copy.node.to_string(), ..CreationForm::default() };
    let draft = drafts::start(&app.ctx, owner.user, form).await.unwrap().id;
    for path in ["/".to_owned(), format!("/containers/new/{draft}/configure")] {
        // The dashboard asks its nodes while it is looked at.
        wait_until(DEADLINE, &path, async || {
            let page = visitor.page(&path, &session).await;
            assert_ne!(page.status, 500, "{path}: {}", page.body);
            ["cannot be opened", "type them again"].iter().all(|part| page.body.contains(part)).then_some(())
        })
        .await;
    }
    let _worker = app.worker().await;
    wait_until(DEADLINE, "the list of nodes says so", async || {
        visitor.page("/settings/nodes", &session).await.body.contains("type them again").then_some(())
    })
    .await;
    // Which helps.
    let edit = format!("/settings/nodes/{}/edit", copy.node);
    let page = visitor.page(&edit, &session).await;
    let form = Form::of(&page.body, "/settings/nodes/").unwrap();
    let (target, cookie) = (form.action.clone(), format!("berth_session={session}"));
    let send = async |form: &Form| visitor.post(&target, form.fields(), &[("cookie", &cookie)]).await;
    let asked = send(&form).await;
    assert_eq!(asked.status, 422, "empty fields keep nothing: {}", asked.body);
    let saved = send(&form.set("token_secret", TOKEN_SECRET).set("ssh_password", ROOT_PASSWORD)).await;
    assert_eq!(saved.status, 303, "{}", saved.body);
    let opened = berth_store::nodes::credentials(&app.ctx.pg, owner.user, copy.node, &app.ctx.keyring).await;
    assert!(opened.unwrap().is_some());
}

#[tokio::test]
async fn a_job_with_moved_secrets_fails_and_says_so() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let id = app.submit(owner, &TemplateFolder::new("plain").script("10-a.sh", "echo a\n"), VMID).await;
    sqlx::query("update nodes set ssh_secret = token_secret").execute(&app.ctx.pg).await.unwrap();
    app.simulator.forget_calls().await;
    let _worker = app.worker().await;
    let ended = app.ended(owner, id).await;
    assert_eq!(ended.state, CreationState::Failed);
    let message = ended.error.unwrap();
    assert!(message.contains("cannot be opened") && message.contains("type them again"), "{message}");
    assert_eq!(app.simulator.calls().await, Vec::<serde_json::Value>::new(), "nothing was sent");
}
