//! Planted secrets are found nowhere.

use berth_testkit::simulator::{ROOT_PASSWORD, TOKEN_SECRET};
use berth_testkit::{Owner, TemplateFolder, TestApp};

use crate::pages;

const VMID: u32 = 270;
const SCRIPT: &str = "password=$(generate_password)
save_credential web admin \"$password\"
echo \"the password is $password\"
";

#[tokio::test]
async fn no_secret_is_written_anywhere_in_clear() {
    let app = TestApp::start().await;
    let (_web, mut browser) = app.web().await;
    let _worker = app.worker().await;
    pages::log_in(&app, &mut browser).await;
    pages::add_node(&app, &mut browser).await;
    let owner = person(&app).await;
    let id = app.submit(owner, &TemplateFolder::new("secretive").script("10-secret.sh", SCRIPT), VMID).await;
    app.ready(owner, id).await;
    assert_eq!(app.printed(id, 0).await, ["the password is ••••••"]);
    let container = app.creation(owner, id).await.container_id.unwrap();
    for path in [
        "/",
        &format!("/creations/{id}"),
        &format!("/containers/{container}"),
        "/settings",
        "/settings/nodes",
        "/settings/nodes/new",
    ] {
        assert_eq!(browser.get(path).await.status, 200, "{path}");
    }

    let credential = app.simulator.shell(VMID, "cat /etc/berth/credentials/web").await;
    let credential = credential.trim().strip_prefix("admin=").unwrap().to_owned();
    let secrets = [
        TOKEN_SECRET.to_owned(),
        ROOT_PASSWORD.to_owned(),
        app.simulator.container_password(VMID),
        credential,
    ];
    let (logs, writes, rows) = (app.logs(), app.redis.writes(), app.database.text().await);
    // These are the places: what is looked for would be found in them.
    assert!(
        logs.contains("took a creation") && rows.contains(&id.to_string()) && browser.seen.contains("web270")
    );
    assert!(
        writes.contains("berth:creations") && writes.contains(&id.to_string()),
        "the queue's payloads are among Redis' writes"
    );
    for secret in &secrets {
        assert!(secret.len() > 8, "{secret}");
        let hex = hex::encode(secret);
        for (place, text) in
            [("logs", &logs), ("HTML", &browser.seen), ("Redis", &writes), ("PostgreSQL", &rows)]
        {
            assert!(!text.contains(secret.as_str()) && !text.contains(&hex), "{secret} stands in {place}");
        }
    }
    assert!(!browser.sessions.is_empty());
    for session in &browser.sessions {
        for (place, text) in
            [("logs", &logs), ("HTML", &browser.seen), ("Redis", &writes), ("PostgreSQL", &rows)]
        {
            assert!(!text.contains(session.as_str()), "a session's id stands in {place}");
        }
    }
}

/// Who has just logged in, with the node just added.
async fn person(app: &TestApp) -> Owner {
    let host = app.simulator.api.to_string().parse().unwrap();
    let user = berth_store::users::upsert_login(&app.ctx.pg, &host, "root@pam", app.ctx.clock.now())
        .await
        .unwrap()
        .id;
    let nodes = berth_operations::nodes::stored(&app.ctx, user).await.unwrap();
    Owner { user, node: nodes[0].id }
}
