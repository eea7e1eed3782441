//! Planted secrets are found nowhere.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use berth_testkit::simulator::{ROOT_PASSWORD, TOKEN_SECRET};
use berth_testkit::{Browser, DEADLINE, Owner, TemplateFolder, TestApp, planted, wait_until};
use secrecy::ExposeSecret as _;

use crate::pages;
use crate::scenario::Scenario;

const VMID: u32 = 270;
const SCRIPT: &str = "password=$(generate_password)
save_credential web admin \"$password\"
echo \"the password is $password\"
";
/// The password of `alice@pve`, who has a second factor too.
const ALICE: &str = "alice-Passw0rd";
/// A node's token, private key and passphrase.
const PLANTED: &str = "PLANTED-?>/~ in a node's columns";

#[tokio::test]
async fn no_secret_is_written_anywhere_in_clear() {
    let app = TestApp::start().await;
    let (_web, mut browser) = app.web().await;
    let _worker = app.worker().await;
    let mut waiting = Browser::new(browser.base());
    let page = pages::log_in_as(&app, &mut waiting, ("alice", "pve"), ALICE).await;
    assert!(page.path.starts_with("/login/second-factor"), "{}: {}", page.path, page.html);
    pages::log_in(&app, &mut browser).await;
    pages::add_node(&app, &mut browser).await;
    let owner = person(&app).await;
    plant(&app, owner).await;
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
        &format!("/settings/nodes/{}/edit", owner.node),
    ] {
        assert_eq!(browser.get(path).await.status, 200, "{path}");
    }

    let credential = app.simulator.shell(VMID, "cat /etc/berth/credentials/web").await;
    let credential = credential.trim().strip_prefix("admin=").unwrap().to_owned();
    let container_password = app.simulator.container_password(VMID);
    // One more is in the middle of its work, and the second factor is waited for, when everything is copied.
    let running = app.submit(owner, &Scenario::folder(), VMID + 1).await;
    let printed = async || (app.printed(running, 0).await.len() >= 5).then_some(());
    wait_until(DEADLINE, "the script prints", printed).await;

    let places = [
        ("logs", app.logs()),
        ("HTML", format!("{}{}", browser.seen, waiting.seen)),
        ("Redis' writes", app.redis.writes()),
        ("Redis", app.redis.saved().await),
        ("PostgreSQL", app.database.dump()),
    ];
    assert!(app.creation(owner, running).await.state.is_live(), "copied too late");
    these_are_the_places(&places, &id.to_string());
    let fixed = [TOKEN_SECRET, ROOT_PASSWORD, ALICE, PLANTED].map(str::to_owned);
    let key = app.key().expose_secret().to_owned();
    for secret in fixed.iter().chain([&container_password, &credential, &key]) {
        assert!(secret.len() > 8, "{secret}");
        for trace in traces(secret) {
            absent(&places, &trace, secret);
        }
    }
    assert!(!browser.sessions.is_empty() && !waiting.sessions.is_empty());
    for session in browser.sessions.iter().chain(&waiting.sessions) {
        absent(&places, session, "a session's id");
    }
    absent(&places, "PVE:", "a ticket of Proxmox");
}

fn absent(places: &[(&str, String)], trace: &str, what: &str) {
    for (place, text) in places {
        assert!(!text.contains(trace), "{what} stands in {place} as {trace}");
    }
}

/// What is looked for would be found: something else that must be there is.
fn these_are_the_places(places: &[(&str, String)], creation: &str) {
    let [(_, logs), (_, html), (_, writes), (_, saved), (_, rows)] = places else { panic!("five places") };
    assert!(logs.contains("took a creation"));
    assert!(html.contains("web270") && html.contains("second-factor"));
    assert!(writes.contains("berth:creations") && writes.contains(creation), "the queue's payloads");
    assert!(
        saved.contains("berth:creations") && saved.contains("berth:pending-login:"),
        "a login that waits"
    );
    assert!(rows.contains(creation) && rows.contains("root@pam!berth"));
    assert!(rows.contains("\\x01"), "envelopes as hexadecimal digits");
}

/// The ways in which a secret may be written: as it is, as hexadecimal digits, in a URL, in JSON, in base64 wherever it begins there.
fn traces(secret: &str) -> Vec<String> {
    let hex = hex::encode(secret);
    let in_url: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let mut traces = vec![secret.to_owned(), hex.to_uppercase(), hex, in_url.replace('+', "%20"), in_url];
    for before in 0..3 {
        // The first and the last group hold bits of what stands beside the secret.
        let bytes = [&[0; 3][..before], secret.as_bytes()].concat();
        for encoded in [STANDARD.encode(&bytes), URL_SAFE.encode(&bytes)] {
            traces.push(encoded[4..encoded.len() - 4].to_owned());
        }
    }
    traces
}

/// A node whose owner uses a key with a passphrase.
async fn plant(app: &TestApp, owner: Owner) {
    let node = planted::node("cellar", &"127.0.0.1:9".parse().unwrap(), PLANTED);
    let mut conn = app.ctx.pg.acquire().await.unwrap();
    let now = app.ctx.clock.now();
    berth_store::nodes::insert(&mut conn, owner.user, &node, &app.ctx.keyring, now).await.unwrap();
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
