use berth_domain::{NodeId, Secret, UserId};
use berth_store::crypto::{Key, KeyId};
use berth_store::nodes::{NewNode, SshSecret};
use berth_store::rotation::{self, ENCRYPTED, Report, Rotation, Usage};
use berth_store::{Keyring, PgPool, nodes};
use secrecy::ExposeSecret as _;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::support::{NOW, keyring, new_node, node, person, wide};

/// What [`crate::support::keyring`] seals with.
fn old() -> Key {
    Key::new([7; 32])
}

fn new() -> Key {
    Key::new([8; 32])
}

fn both() -> Keyring {
    Keyring::new(&new(), &[old()])
}

fn only_new() -> Keyring {
    Keyring::new(&new(), &[])
}

async fn rotated(pg: &PgPool, keyring: &Keyring, forget: Option<KeyId>) -> Report {
    let mut rotation = Rotation::new(pg, keyring, forget);
    while rotation.step().await.unwrap() {}
    rotation.report().clone()
}

async fn open(pg: &PgPool, user: UserId, id: NodeId, keyring: &Keyring) -> [String; 3] {
    let opened = nodes::credentials(pg, user, id, keyring).await.unwrap().unwrap();
    let ssh = opened.ssh_secret.unwrap();
    let text = |secret: &Secret| secret.expose_secret().to_owned();
    [text(&opened.token_secret), text(&ssh.secret), text(&ssh.passphrase.unwrap())]
}

const PLANTED: [&str; 3] = ["PLANTED-token", "PLANTED-key", "PLANTED-passphrase"];

/// Bytes that are no secrets: what scripts and files of container templates hold.
const IN_CLEAR: [(&str, &str); 2] =
    [("container_template_contents", "content"), ("container_template_uploads", "content")];

#[sqlx::test(migrations = "../../migrations")]
async fn every_column_of_bytes_is_in_the_list(pg: PgPool) {
    let columns: Vec<(String, String)> = sqlx::query_as(
        "select table_name::text, column_name::text from information_schema.columns
         where table_schema = 'public' and data_type = 'bytea' and table_name <> '_sqlx_migrations'",
    )
    .fetch_all(&pg)
    .await
    .unwrap();
    let mut found: Vec<(&str, &str)> =
        columns.iter().map(|(table, column)| (table.as_str(), column.as_str())).collect();
    let mut listed = [ENCRYPTED, &IN_CLEAR].concat();
    found.sort_unstable();
    listed.sort_unstable();
    assert_eq!(found, listed, "rotation::ENCRYPTED names every column that holds envelopes");
}

#[sqlx::test(migrations = "../../migrations")]
async fn everything_is_sealed_anew_and_a_second_time_there_is_nothing_to_do(pg: PgPool) {
    let user = person(&pg, "root@pam").await;
    let mut ids = Vec::new();
    // More than one batch.
    for number in 0..60 {
        ids.push(node(&pg, user, &format!("node {number}")).await);
    }
    assert_eq!(rotation::usage(&pg).await.unwrap(), Usage::from([(Some(old().id()), 180)]));
    let report = rotated(&pg, &both(), None).await;
    assert_eq!((report.sealed_anew, report.forgotten, report.unreadable.len()), (180, 0, 0));
    assert_eq!(rotation::usage(&pg).await.unwrap(), Usage::from([(Some(new().id()), 180)]));
    for id in ids {
        assert_eq!(open(&pg, user, id, &only_new()).await, PLANTED);
    }
    assert_eq!(rotated(&pg, &both(), None).await.sealed_anew, 0);
}

#[sqlx::test(migrations = "../../migrations")]
async fn stopped_after_any_step_it_goes_on_where_it_was(pg: PgPool) {
    let user = person(&pg, "root@pam").await;
    let id = node(&pg, user, "home").await;
    let keyring = both();
    let mut sealed = 0;
    loop {
        let mut rotation = Rotation::new(&pg, &keyring, None);
        assert!(rotation.step().await.unwrap());
        // Whatever is done, all of it opens with both keys.
        assert_eq!(open(&pg, user, id, &keyring).await, PLANTED);
        let mut steps = 1;
        while rotation.report().sealed_anew == 0 && rotation.step().await.unwrap() {
            steps += 1;
        }
        if rotation.report().sealed_anew == 0 {
            break;
        }
        sealed += rotation.report().sealed_anew;
        assert!(steps <= 6);
    }
    assert_eq!(sealed, 3);
    assert_eq!(open(&pg, user, id, &only_new()).await, PLANTED);
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_no_key_opens_is_named_and_the_rest_is_done(pg: PgPool) {
    let user = person(&pg, "root@pam").await;
    let (whole, lost, damaged) =
        (node(&pg, user, "a").await, node(&pg, user, "b").await, node(&pg, user, "c").await);
    let stranger = Keyring::new(&Key::new([9; 32]), &[]);
    let mut conn = pg.acquire().await.unwrap();
    nodes::update(&mut conn, user, lost, &change("lost"), &stranger, NOW).await.unwrap();
    for (column, id, bytes) in
        [("token_secret", damaged, "\\x01"), ("ssh_secret", damaged, "\\x02ffffffff00")]
    {
        let statement = format!("update nodes set {column} = $2::text::bytea where id = $1");
        sqlx::query(sqlx::AssertSqlSafe(statement)).bind(id.uuid()).bind(bytes).execute(&pg).await.unwrap();
    }

    let usage = rotation::usage(&pg).await.unwrap();
    let key = stranger.current();
    assert_eq!(usage, Usage::from([(None, 2), (Some(old().id()), 4), (Some(key), 3)]));
    assert_eq!(rotation::missing(&usage, &both()), [(key, 3)]);

    let report = rotated(&pg, &both(), None).await;
    assert_eq!((report.sealed_anew, report.unreadable.len()), (4, 5));
    for unreadable in &report.unreadable {
        let place = unreadable.place;
        let (row, key) = if unreadable.key.is_some() { (lost, Some(key)) } else { (damaged, None) };
        assert_eq!((place.row, unreadable.key), (row.uuid(), key), "{unreadable:?}");
    }
    assert_eq!(open(&pg, user, whole, &only_new()).await, PLANTED);

    // Given up by its id, it is empty; the damaged ones have no id and stay.
    let report = rotated(&pg, &both(), Some(key)).await;
    assert_eq!((report.sealed_anew, report.forgotten, report.unreadable.len()), (0, 3, 2));
    assert_eq!(open(&pg, user, lost, &only_new()).await, ["", "", ""]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_key_that_is_given_cannot_be_given_up(pg: PgPool) {
    let user = person(&pg, "root@pam").await;
    let id = node(&pg, user, "home").await;
    let report = rotated(&pg, &both(), Some(old().id())).await;
    assert_eq!((report.sealed_anew, report.forgotten), (3, 0));
    assert_eq!(open(&pg, user, id, &only_new()).await, PLANTED);
}

fn change(text: &str) -> NewNode {
    let ssh = SshSecret { secret: Secret::from(text), passphrase: Some(Secret::from(text)) };
    let details = new_node(text).details;
    NewNode { details, token_secret: Secret::from(text), ssh_secret: Some(ssh) }
}

/// Owners type new secrets all the while, some through a process that still seals with the old key.
#[sqlx::test(migrations = "../../migrations")]
async fn a_newer_secret_is_never_overwritten_by_an_older_one(_: PgPoolOptions, options: PgConnectOptions) {
    let pg = wide(options, 8).await;
    let user = person(&pg, "root@pam").await;
    let id = node(&pg, user, "home").await;
    let editing = {
        let pg = pg.clone();
        tokio::spawn(async move {
            for number in 0..200 {
                let sealing = if number % 3 == 0 { keyring() } else { both() };
                let mut conn = pg.acquire().await.unwrap();
                let text = format!("secret {number}");
                nodes::update(&mut conn, user, id, &change(&text), &sealing, NOW).await.unwrap();
                assert_eq!(open(&pg, user, id, &both()).await, [text.as_str(); 3], "what was just stored");
            }
        })
    };
    let mut sealed = 0;
    while !editing.is_finished() {
        sealed += rotated(&pg, &both(), None).await.sealed_anew;
    }
    editing.await.unwrap();
    assert!(sealed > 10, "rotation met the edits: {sealed}");
    rotated(&pg, &both(), None).await;
    assert_eq!(open(&pg, user, id, &only_new()).await, ["secret 199"; 3]);
}

/// Another transaction holds the row: its secret wins, whoever asked first.
#[sqlx::test(migrations = "../../migrations")]
async fn a_secret_that_is_just_being_stored_wins(_: PgPoolOptions, options: PgConnectOptions) {
    let pg = wide(options, 4).await;
    let user = person(&pg, "root@pam").await;
    let id = node(&pg, user, "home").await;
    let mut edit = pg.begin().await.unwrap();
    nodes::update(&mut edit, user, id, &change("newer"), &keyring(), NOW).await.unwrap();
    let rotating = {
        let pg = pg.clone();
        tokio::spawn(async move { rotated(&pg, &both(), None).await.sealed_anew })
    };
    crate::support::eventually(|| async {
        let waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
        let waiting: i64 = sqlx::query_scalar(waiting).fetch_one(&pg).await.unwrap();
        (waiting > 0).then_some(())
    })
    .await;
    edit.commit().await.unwrap();
    assert_eq!(rotating.await.unwrap(), 3);
    assert_eq!(open(&pg, user, id, &only_new()).await, ["newer"; 3]);
}
