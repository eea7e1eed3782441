//! The encryption key is changed while people load pages and create containers.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use berth_domain::creation::ProgressEvent;
use berth_domain::{CreationId, HostPort, NodeId, UserId};
use berth_store::crypto::Key;
use berth_store::rotation::{self, Usage};
use berth_store::{Keyring, nodes};
use berth_testkit::{Browser, DEADLINE, Process, TemplateFolder, TestApp, wait_until};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::RwLock;

use crate::pages;

const FIRST_VMID: u32 = 500;
/// Nodes of somebody else, whose secrets make the rotation long enough to be interrupted.
const OTHERS: usize = 30;
const PLANTED: &str = "PLANTED-in-another-node";

fn keyring(current: &SecretString) -> Keyring {
    Keyring::new(&Key::parse(current).unwrap(), &[])
}

/// One `berth web` and one `berth worker`, and somebody who uses them all the while.
struct Running {
    web: Process,
    worker: Process,
    traffic: Rc<Traffic>,
}

/// What the one who uses them shares with the one who changes keys.
#[derive(Default)]
struct Traffic {
    /// Where the pages are; held while a request is made, as a proxy does.
    address: RwLock<String>,
    /// Creations that are ready.
    made: RefCell<Vec<String>>,
    over: Cell<bool>,
}

impl Running {
    /// As a rolling restart does: the new ones first. Only after another creation is ready, so that all work under all keys.
    async fn restart(&mut self, app: &TestApp) {
        let made = self.traffic.made.borrow().len();
        wait_until(DEADLINE, "another creation is ready", async || {
            (self.traffic.made.borrow().len() > made).then_some(())
        })
        .await;
        let (web, browser) = app.web().await;
        browser.base().clone_into(&mut *self.traffic.address.write().await);
        let worker = app.worker().await;
        for mut old in [std::mem::replace(&mut self.web, web), std::mem::replace(&mut self.worker, worker)] {
            old.terminate();
            assert_eq!(old.wait().await.code(), Some(0), "{}", old.log());
        }
    }
}

impl Traffic {
    /// Creates one container after another through the pages, whose every answer is looked at, until it is over.
    async fn run(&self, mut browser: Browser) {
        for vmid in FIRST_VMID.. {
            let there = self.address.read().await;
            browser.move_to(&there);
            let creation = pages::create(&mut browser, "quick", &format!("web{vmid}"), vmid).await;
            drop(there);
            wait_until(DEADLINE, "the creation ends", async || {
                let there = self.address.read().await;
                browser.move_to(&there);
                for path in ["/", "/settings/nodes"] {
                    assert_eq!(browser.get(path).await.status, 200, "{path}");
                }
                let page = browser.get(&creation).await;
                assert_eq!(page.status, 200, "{}", page.html);
                page.link("/containers/").map(drop)
            })
            .await;
            self.made.borrow_mut().push(creation);
            if self.over.get() {
                return;
            }
        }
    }
}

/// The documented way, with `berth rotate-key` interrupted in the middle.
async fn change_key(
    app: &TestApp,
    running: &mut Running,
    from: &SecretString,
    to: &SecretString,
    kill: bool,
) {
    app.set_keys(from, &[to]);
    running.restart(app).await;
    app.set_keys(to, &[from]);
    running.restart(app).await;

    let (mut interrupted, held) = rotation_in_the_middle(app).await;
    if kill {
        interrupted.kill();
    } else {
        interrupted.terminate();
        assert_eq!(interrupted.wait().await.code(), Some(1));
        assert!(interrupted.log().contains("Stopped; "), "{}", interrupted.log());
    }
    drop(held);
    let usage = rotation::usage(&app.ctx.pg).await.unwrap();
    assert_eq!(usage.len(), 2, "some are done and some are not: {usage:?}");

    let mut again = app.run(&["rotate-key"]);
    assert_eq!(again.wait().await.code(), Some(0), "{}", again.log());
    // The statement that was interrupted may still have been carried out.
    let total: u64 = usage.values().sum();
    let said = again.log();
    let told = |rest: &str| said.contains(&format!(" of {total} secrets re-encrypted; {rest}"));
    assert!(told("") && !told("0 were current"), "{said}");

    app.set_keys(to, &[]);
    running.restart(app).await;
}

/// A `berth rotate-key` that waits for a row which somebody else holds for as long as the answer is kept.
async fn rotation_in_the_middle(app: &TestApp) -> (Process, impl Sized + use<>) {
    let held = app.database.hold("select id from nodes order by id desc limit 1 for update").await;
    let mut process = app.run(&["rotate-key"]);
    wait_until(DEADLINE, "rotate-key waits in the middle", async || {
        assert_eq!(process.ended(), None, "{}", process.log());
        app.database.waiting().await.then_some(())
    })
    .await;
    (process, held)
}

#[tokio::test]
async fn the_key_is_changed_twice_in_the_middle_of_traffic() {
    let mut app = TestApp::start().await;
    TemplateFolder::new("quick").script("10-hello.sh", "sleep 1; echo hello").write(&app.templates());
    let keys: Vec<SecretString> = std::iter::once(app.key()).chain((0..2).map(|_| Key::generate())).collect();
    let (web, mut browser) = app.web().await;
    let traffic = Rc::new(Traffic { address: RwLock::new(browser.base().to_owned()), ..Traffic::default() });
    let mut running = Running { web, worker: app.worker().await, traffic: Rc::clone(&traffic) };
    pages::log_in(&app, &mut browser).await;
    pages::add_node(&app, &mut browser).await;
    let (other, planted) = plant(&app).await;
    let rotating = async {
        change_key(&app, &mut running, &keys[0], &keys[1], true).await;
        change_key(&app, &mut running, &keys[1], &keys[2], false).await;
        traffic.over.set(true);
    };
    tokio::join!(traffic.run(browser), rotating);

    for path in traffic.made.take() {
        let id: CreationId = path.trim_start_matches("/creations/").parse().unwrap();
        let last = app.events(id).await.pop().map(|(_, event)| event);
        assert_eq!(last, Some(ProgressEvent::Complete), "{path}");
    }
    let last = keyring(&keys[2]);
    let usage = rotation::usage(&app.ctx.pg).await.unwrap();
    assert_eq!(usage.keys().collect::<Vec<_>>(), [&Some(last.current())], "{usage:?}");
    app.ctx.keyring = Arc::new(last);
    for node in planted {
        let opened = nodes::credentials(&app.ctx.pg, other, node, &app.ctx.keyring).await.unwrap().unwrap();
        assert_eq!(opened.token_secret.expose_secret(), PLANTED);
        for old in &keys[..2] {
            assert!(nodes::credentials(&app.ctx.pg, other, node, &keyring(old)).await.is_err());
        }
    }
    assert!(!app.logs().contains("a stored value cannot be read"), "a secret did not open");
}

/// Somebody else's nodes, which nobody reaches.
async fn plant(app: &TestApp) -> (UserId, Vec<NodeId>) {
    let host: HostPort = "127.0.0.1:9".parse().unwrap();
    let (pg, now) = (&app.ctx.pg, app.ctx.clock.now());
    let user = berth_store::users::upsert_login(pg, &host, "other@pam", now).await.unwrap().id;
    let mut conn = pg.acquire().await.unwrap();
    let mut planted = Vec::new();
    for number in 0..OTHERS {
        let node = berth_testkit::planted::node(&format!("other {number}"), &host, PLANTED);
        planted.push(nodes::insert(&mut conn, user, &node, &app.ctx.keyring, now).await.unwrap().id);
    }
    (user, planted)
}

#[tokio::test]
async fn a_missing_key_is_named_at_the_start_and_can_be_given_up() {
    let app = TestApp::start().await;
    plant(&app).await;
    let (lost, new) = (app.key(), Key::generate());
    let (lost_id, new_id) = (keyring(&lost).current(), keyring(&new).current());
    let total = OTHERS * 3;
    app.set_keys(&new, &[]);
    for command in ["web", "worker"] {
        let mut process = app.run(&[command]);
        assert_eq!(process.wait().await.code(), Some(2), "{command}: {}", process.log());
        let log = process.log();
        let errors: Vec<&str> = log.lines().filter_map(|line| line.strip_prefix("error: ")).collect();
        let expected = format!("BERTH_OLD_ENCRYPTION_KEYS: {total} stored secrets need the key {lost_id}, ");
        assert!(errors.len() == 1 && errors[0].starts_with(&expected), "{command}: {errors:?}");
    }
    let said = async |arguments: &[&str], code: i32| {
        let mut process = app.run(arguments);
        let ended = process.wait().await;
        assert_eq!(ended.code(), Some(code), "{arguments:?}: {}", process.log());
        process.log()
    };
    let check = said(&["check"], 1).await;
    assert!(
        check.contains(&format!("need the key {lost_id}")) && check.contains("wrong    encryption keys"),
        "{check}"
    );
    let rotated = said(&["rotate-key"], 1).await;
    assert!(rotated.contains(&format!("0 of {total} secrets re-encrypted; 0 were current.")), "{rotated}");
    for what in ["nodes.token_secret of ", "nodes.ssh_secret of ", "nodes.ssh_passphrase of "] {
        assert_eq!(rotated.matches(what).count(), OTHERS, "{what}: {rotated}");
    }
    assert!(rotated.contains(&format!("berth rotate-key --forget {lost_id}")), "{rotated}");
    assert!(!rotated.contains("PLANTED"), "{rotated}");

    // A key that is there is not given up by mistake.
    said(&["rotate-key", "--forget", &new_id.to_string()], 1).await;
    let forgotten = said(&["rotate-key", "--forget", &lost_id.to_string()], 0).await;
    assert!(forgotten.contains(&format!("{total} given up")), "{forgotten}");
    assert_eq!(rotation::usage(&app.ctx.pg).await.unwrap(), Usage::from([(Some(new_id), total as u64)]));
    let check = said(&["check"], 0).await;
    assert!(
        check.contains(&format!("ok       encryption keys: {total} secrets are under {new_id}")),
        "{check}"
    );
    let (_web, _) = app.web().await;
}
