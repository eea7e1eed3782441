//! What hangs on a node is not lost by deleting it, however close together things happen.

use berth_domain::{CreationId, NodeId, UserId};
use berth_store::creations::{self, Outcome};
use berth_store::nodes::{self, Deleted};
use berth_store::{PgPool, containers};

use crate::support::{LEASE, NOW, creation, eventually, new_creation, node, person, redis};

async fn delete(pg: &PgPool, user: UserId, id: NodeId, forget: bool) -> Option<Deleted> {
    let mut conn = pg.acquire().await.unwrap();
    nodes::delete(&mut conn, user, id, forget).await.unwrap()
}

/// Until a statement of somebody's waits for a lock.
async fn until_one_waits(pg: &PgPool) {
    let waiting = || async {
        let count: i64 = sqlx::query_scalar(
            "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
        )
        .fetch_one(pg)
        .await
        .unwrap();
        (count > 0).then_some(())
    };
    eventually(waiting).await;
}

async fn ended(pg: &PgPool, id: CreationId, outcome: Outcome) {
    creations::claim(pg, id, "w", LEASE).await.unwrap().unwrap();
    creations::finish(pg, &redis().await, id, "w", &outcome, NOW).await.unwrap();
}

#[sqlx::test(migrations = "../../migrations")]
async fn containers_and_creations_keep_their_node(pg: PgPool) {
    let user = person(&pg, "root@pam").await;
    let home = node(&pg, user, "home").await;
    let id = creation(&pg, user, home, 100).await;
    let creating = Some(Deleted::Creating { hostname: "ct100".into() });
    assert_eq!(delete(&pg, user, home, true).await, creating, "not even to be forgotten");
    creations::claim(&pg, id, "w", LEASE).await.unwrap().unwrap();
    let mut conn = pg.acquire().await.unwrap();
    let container = containers::upsert_created(&mut conn, id, "w", NOW).await.unwrap();
    assert_eq!(delete(&pg, user, home, true).await, creating);
    creations::finish(&pg, &redis().await, id, "w", &Outcome::Ready, NOW).await.unwrap();
    assert_eq!(delete(&pg, user, home, false).await, Some(Deleted::HasContainers));
    assert!(containers::find(&pg, user, container).await.unwrap().is_some());
    assert_eq!(delete(&pg, user, home, true).await, Some(Deleted::Done { forgotten: 1 }));
    assert!(containers::find(&pg, user, container).await.unwrap().is_none());
    assert!(creations::find(&pg, user, id).await.unwrap().is_none());
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_creation_that_is_just_being_stored_keeps_its_node(pg: PgPool) {
    let user = person(&pg, "root@pam").await;
    let home = node(&pg, user, "home").await;
    let mut submitting = pg.begin().await.unwrap();
    creations::insert(&mut submitting, user, &new_creation(home, 100), NOW).await.unwrap().unwrap();
    let deleting = tokio::spawn({
        let pg = pg.clone();
        async move { delete(&pg, user, home, true).await }
    });
    until_one_waits(&pg).await;
    submitting.commit().await.unwrap();
    assert_eq!(deleting.await.unwrap(), Some(Deleted::Creating { hostname: "ct100".into() }));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_creation_for_a_node_that_is_just_being_deleted_finds_none(pg: PgPool) {
    let user = person(&pg, "root@pam").await;
    let home = node(&pg, user, "home").await;
    let mut deleting = pg.begin().await.unwrap();
    nodes::delete(&mut deleting, user, home, false).await.unwrap();
    let submitting = tokio::spawn({
        let pg = pg.clone();
        async move {
            let mut conn = pg.acquire().await.unwrap();
            creations::insert(&mut conn, user, &new_creation(home, 100), NOW).await
        }
    });
    until_one_waits(&pg).await;
    deleting.commit().await.unwrap();
    assert_eq!(submitting.await.unwrap().unwrap(), None);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_creation_that_is_just_being_retried_keeps_its_node(pg: PgPool) {
    let user = person(&pg, "root@pam").await;
    let home = node(&pg, user, "home").await;
    let id = creation(&pg, user, home, 100).await;
    ended(&pg, id, Outcome::Failed { message: "no luck".into() }).await;
    // As a retry does, which has a transaction of its own.
    let mut retrying = pg.begin().await.unwrap();
    let again = sqlx::query("update creations set state = 'queued' where id = $1").bind(id.uuid());
    again.execute(&mut *retrying).await.unwrap();
    let deleting = tokio::spawn({
        let pg = pg.clone();
        async move { delete(&pg, user, home, true).await }
    });
    until_one_waits(&pg).await;
    retrying.commit().await.unwrap();
    assert_eq!(deleting.await.unwrap(), Some(Deleted::Creating { hostname: "ct100".into() }));
    assert!(creations::find(&pg, user, id).await.unwrap().is_some());
}
