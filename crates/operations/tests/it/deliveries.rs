//! Creations that no worker brings to an end.

use std::time::Duration;

use berth_domain::creation::CreationState;
use berth_operations::Settings;
use berth_operations::creation::{self, Delivery};
use berth_store::creations;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::support::{NOW, context, new_creation, node, person};

#[sqlx::test(migrations = "../../migrations")]
async fn one_that_breaks_every_worker_is_given_up_until_it_is_retried(pg: PgPool) {
    let ctx = context(pg, Settings::default()).await;
    let user = person(&ctx, "root@pam").await;
    let node = node(&ctx, user, "attic").await;
    let mut conn = ctx.pg.acquire().await.unwrap();
    let id = creations::insert(&mut conn, user, &new_creation(node), NOW).await.unwrap().unwrap();
    for _ in 0..50 {
        let claimed = creations::claim(&ctx.pg, id, "dying", Duration::from_secs(30)).await.unwrap();
        assert!(claimed.is_some());
        creations::release(&ctx.pg, id, "dying").await.unwrap();
    }
    let delivery = creation::deliver(&ctx, id, "next", CancellationToken::new()).await.unwrap();
    assert_eq!(delivery, Delivery::Ended);
    let ended = creations::find(&ctx.pg, user, id).await.unwrap().unwrap();
    assert_eq!(ended.state, CreationState::Failed);
    assert!(ended.error.unwrap().contains("begun 50 times"));
    creation::retry(&ctx, user, id).await.unwrap();
    let claimed = creations::claim(&ctx.pg, id, "next", Duration::from_secs(30)).await.unwrap().unwrap();
    assert_eq!(claimed.deliveries, 1);
}
