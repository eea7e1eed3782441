use berth_domain::{NodeId, Secret};
use berth_store::crypto::Key;
use berth_store::nodes::{self, Deleted, SshSecret};
use berth_store::{Error, Keyring, PgPool};
use secrecy::ExposeSecret as _;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::support::{NOW, creation, keyring, new_node, node, person, wide};

/// Token secret, SSH secret and passphrase.
async fn secrets(pg: &PgPool, id: NodeId) -> (String, Option<String>, Option<String>) {
    let user =
        sqlx::query_scalar::<_, sqlx::types::Uuid>("select user_id from nodes").fetch_one(pg).await.unwrap();
    let opened = nodes::credentials(pg, user.into(), id, &keyring()).await.unwrap().unwrap();
    let text = |secret: &Secret| secret.expose_secret().to_owned();
    (
        text(&opened.token_secret),
        opened.ssh_secret.as_ref().map(|ssh| text(&ssh.secret)),
        opened.ssh_secret.as_ref().and_then(|ssh| ssh.passphrase.as_ref().map(text)),
    )
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_node_comes_back_as_it_was_added(pg: PgPool) {
    let user = person(&pg, "root@pam").await;
    let id = node(&pg, user, "home").await;
    let found = nodes::find(&pg, user, id).await.unwrap().unwrap();
    let details = new_node("home").details;
    assert_eq!(found.address, details.address);
    assert_eq!(found.certificate, details.certificate);
    assert_eq!(found.token_id, details.token_id);
    assert_eq!(found.ssh, details.ssh);
    assert_eq!(found.created_at, NOW);
    assert_eq!(nodes::list(&pg, user).await.unwrap(), [found]);
    let expected = ("PLANTED-token".into(), Some("PLANTED-key".into()), Some("PLANTED-passphrase".into()));
    assert_eq!(secrets(&pg, id).await, expected);
}

#[sqlx::test(migrations = "../../migrations")]
async fn somebody_elses_node_is_absent(pg: PgPool) {
    let (mine, other) = (person(&pg, "root@pam").await, person(&pg, "eve@pam").await);
    let id = node(&pg, mine, "home").await;
    let mut conn = pg.acquire().await.unwrap();
    assert!(nodes::find(&pg, other, id).await.unwrap().is_none());
    assert!(nodes::find_default(&pg, other).await.unwrap().is_none());
    assert!(nodes::list(&pg, other).await.unwrap().is_empty());
    assert!(nodes::credentials(&pg, other, id, &keyring()).await.unwrap().is_none());
    assert!(!nodes::update(&mut conn, other, id, &new_node("home"), &keyring(), NOW).await.unwrap());
    assert!(!nodes::set_default(&mut conn, other, id).await.unwrap());
    assert_eq!(nodes::delete(&mut conn, other, id, true).await.unwrap(), None);
    assert!(nodes::find_default(&pg, mine).await.unwrap().is_some_and(|node| node.id == id));
}

#[sqlx::test(migrations = "../../migrations")]
async fn of_fifty_first_nodes_at_once_one_is_the_default(_: PgPoolOptions, options: PgConnectOptions) {
    let pg = wide(options, 50).await;
    let user = person(&pg, "root@pam").await;
    let adds = (0..50).map(|number| {
        let pg = pg.clone();
        async move { node(&pg, user, &format!("node{number}")).await }
    });
    futures::future::join_all(adds).await;
    let all = nodes::list(&pg, user).await.unwrap();
    assert_eq!(all.len(), 50);
    assert_eq!(all.iter().filter(|node| node.is_default).count(), 1);
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_default_moves_and_the_oldest_inherits_it(pg: PgPool) {
    let user = person(&pg, "root@pam").await;
    let (first, second, third) =
        (node(&pg, user, "a").await, node(&pg, user, "b").await, node(&pg, user, "c").await);
    let mut conn = pg.acquire().await.unwrap();
    let gone = Some(Deleted::Done { forgotten: 0 });
    let default = async || nodes::find_default(&pg, user).await.unwrap().map(|node| node.id);
    assert_eq!(default().await, Some(first));
    assert!(nodes::set_default(&mut conn, user, third).await.unwrap());
    assert_eq!(default().await, Some(third));
    assert!(!nodes::set_default(&mut conn, user, NodeId::new()).await.unwrap());
    assert_eq!(default().await, Some(third), "an unknown id must not take the default away");
    assert_eq!(nodes::delete(&mut conn, user, third, false).await.unwrap(), gone);
    assert_eq!(default().await, Some(first));
    assert_eq!(nodes::delete(&mut conn, user, first, false).await.unwrap(), gone);
    assert_eq!(nodes::delete(&mut conn, user, second, false).await.unwrap(), gone);
    assert_eq!(default().await, None);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_name_is_a_users_own_only_once(pg: PgPool) {
    let (one, two) = (person(&pg, "root@pam").await, person(&pg, "eve@pam").await);
    node(&pg, one, "home").await;
    node(&pg, two, "home").await;
    let mut conn = pg.acquire().await.unwrap();
    let error = nodes::insert(&mut conn, one, &new_node("home"), &keyring(), NOW).await.unwrap_err();
    assert!(error.is_conflict(nodes::NAME_UNIQUE), "{error}");
    assert_eq!(nodes::list(&pg, one).await.unwrap().len(), 1);
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_edit_stores_what_was_tested_and_nothing_else(pg: PgPool) {
    let user = person(&pg, "root@pam").await;
    let id = node(&pg, user, "home").await;
    let mut conn = pg.acquire().await.unwrap();
    let mut change = new_node("renamed");
    change.token_secret = Secret::from("new token");
    change.ssh_secret = Some(SshSecret { secret: Secret::from("new key"), passphrase: None });
    assert!(nodes::update(&mut conn, user, id, &change, &keyring(), NOW).await.unwrap());
    assert_eq!(nodes::find(&pg, user, id).await.unwrap().unwrap().name, "renamed");
    assert_eq!(secrets(&pg, id).await, ("new token".into(), Some("new key".into()), None));
}

#[sqlx::test(migrations = "../../migrations")]
async fn ssh_access_is_stored_with_its_secret_or_not_at_all(pg: PgPool) {
    let user = person(&pg, "root@pam").await;
    let id = node(&pg, user, "home").await;
    let mut conn = pg.acquire().await.unwrap();
    let mut change = new_node("home");
    change.ssh_secret = None;
    let error = nodes::update(&mut conn, user, id, &change, &keyring(), NOW).await.unwrap_err();
    assert!(error.is_conflict(nodes::SSH_ALL_OR_NONE), "{error}");
    change.details.ssh = None;
    assert!(nodes::update(&mut conn, user, id, &change, &keyring(), NOW).await.unwrap());
    assert_eq!(secrets(&pg, id).await, ("PLANTED-token".into(), None, None));
    assert!(nodes::find(&pg, user, id).await.unwrap().unwrap().ssh.is_none());
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_job_opens_the_secrets_of_its_own_node(pg: PgPool) {
    let user = person(&pg, "root@pam").await;
    let (_, second) = (node(&pg, user, "one").await, node(&pg, user, "two").await);
    let id = creation(&pg, user, second, 100).await;
    let opened = nodes::credentials_for_creation(&pg, id, &keyring()).await.unwrap().unwrap();
    assert_eq!(opened.node.id, second);
    let unknown = berth_domain::CreationId::new();
    assert!(nodes::credentials_for_creation(&pg, unknown, &keyring()).await.unwrap().is_none());
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_secret_moved_to_another_row_or_sealed_with_a_lost_key_does_not_open(pg: PgPool) {
    let user = person(&pg, "root@pam").await;
    let (one, two) = (node(&pg, user, "one").await, node(&pg, user, "two").await);
    let lost = Keyring::new(&Key::new([8; 32]), &[]);
    let error = nodes::credentials(&pg, user, one, &lost).await.unwrap_err();
    assert!(matches!(error, Error::Corrupt(_)), "{error}");
    sqlx::query(
        "update nodes set token_secret = (select token_secret from nodes where id = $2) where id = $1",
    )
    .bind(one.uuid())
    .bind(two.uuid())
    .execute(&pg)
    .await
    .unwrap();
    let error = nodes::credentials(&pg, user, one, &keyring()).await.unwrap_err();
    assert!(matches!(error, Error::Corrupt(_)), "{error}");
}
