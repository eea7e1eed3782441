use std::time::Duration;

use berth_domain::CreationId;
use berth_domain::creation::{CreationState, Phase, ProgressEvent};
use berth_store::creations::{self, Outcome};
use berth_store::progress::{self, LogOffset, TaskLines};
use berth_store::{Error, PgPool, containers};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::support::{EXPIRED, LEASE, NOW, held_by, queued, redis, wide};

async fn stranded(pg: &PgPool, seconds: u64) -> Vec<CreationId> {
    creations::stranded(pg, Duration::from_secs(seconds)).await.unwrap()
}

#[sqlx::test(migrations = "../../migrations")]
async fn of_fifty_workers_one_gets_the_creation(_: PgPoolOptions, options: PgConnectOptions) {
    let pg = wide(options, 50).await;
    let (_, id) = queued(&pg).await;
    let claims = (0..50).map(|number| {
        let pg = pg.clone();
        async move { creations::claim(&pg, id, &format!("w{number}"), LEASE).await.unwrap() }
    });
    let won: Vec<_> = futures::future::join_all(claims).await.into_iter().flatten().collect();
    assert_eq!(won.len(), 1);
    assert_eq!((won[0].deliveries, won[0].creation.state), (1, CreationState::Running));
    assert!(won[0].creation.started_at.is_some());
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_second_delivery_to_the_holder_is_refused_too(pg: PgPool) {
    let (_, id) = held_by(&pg, "w1").await;
    assert!(creations::claim(&pg, id, "w1", LEASE).await.unwrap().is_none());
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_lease_that_ran_out_goes_to_the_next_and_the_first_may_write_no_more(pg: PgPool) {
    let (_, id) = queued(&pg).await;
    let redis = redis().await;
    creations::claim(&pg, id, "w1", EXPIRED).await.unwrap().unwrap();
    let claimed = creations::claim(&pg, id, "w2", LEASE).await.unwrap().unwrap();
    assert_eq!(claimed.deliveries, 2);

    let lost = |result: Result<(), Error>| assert!(matches!(result, Err(Error::LeaseLost)), "{result:?}");
    lost(creations::renew(&pg, id, "w1", LEASE).await.map(drop));
    lost(creations::set_phase(&pg, id, "w1", Phase::Finalizing, 95).await);
    lost(creations::set_upid(&pg, id, "w1", Some("UPID")).await);
    lost(creations::step_started(&pg, id, "w1", 0).await);
    lost(creations::step_finished(&pg, id, "w1", 0, Some(0)).await);
    lost(creations::release(&pg, id, "w1").await);
    lost(creations::finish(&pg, &redis, id, "w1", &Outcome::Ready, NOW).await.map(drop));
    let line = [ProgressEvent::info("late")];
    lost(progress::append(&pg, &redis, id, Some("w1"), &line, None, NOW).await.map(drop));
    let mut conn = pg.acquire().await.unwrap();
    lost(containers::upsert_created(&mut conn, id, "w1", NOW).await.map(drop));

    assert_eq!(progress::events_after(&pg, &redis, id, 0, 10).await.unwrap().len(), 1, "only `queued`");
    creations::set_phase(&pg, id, "w2", Phase::Starting, 20).await.unwrap();
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_lease_that_ran_out_unnoticed_is_renewed(pg: PgPool) {
    let (_, id) = queued(&pg).await;
    creations::claim(&pg, id, "w1", EXPIRED).await.unwrap().unwrap();
    creations::renew(&pg, id, "w1", LEASE).await.unwrap();
    assert!(creations::claim(&pg, id, "w2", LEASE).await.unwrap().is_none());
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_is_over_is_not_claimed(pg: PgPool) {
    let (_, id) = held_by(&pg, "w1").await;
    creations::finish(&pg, &redis().await, id, "w1", &Outcome::Ready, NOW).await.unwrap();
    assert!(creations::claim(&pg, id, "w2", LEASE).await.unwrap().is_none());
    assert!(stranded(&pg, 0).await.is_empty());
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_sweep_finds_each_stranded_creation_once(pg: PgPool) {
    let (_, id) = queued(&pg).await;
    assert_eq!(stranded(&pg, 60).await, [id], "never queued: the push failed");
    assert!(stranded(&pg, 60).await.is_empty(), "just queued");
    assert_eq!(stranded(&pg, 0).await, [id], "queued long ago: the queue was emptied");
    creations::claim(&pg, id, "w1", LEASE).await.unwrap().unwrap();
    assert!(stranded(&pg, 0).await.is_empty(), "held");
    creations::renew(&pg, id, "w1", EXPIRED).await.unwrap();
    assert_eq!(stranded(&pg, 0).await, [id], "its worker died");
    creations::mark_enqueued(&pg, id).await.unwrap();
    creations::release(&pg, id, "w1").await.unwrap();
    assert_eq!(stranded(&pg, 60).await, [id], "handed back: not to wait");
    creations::mark_enqueued(&pg, id).await.unwrap();
    assert!(stranded(&pg, 60).await.is_empty());
}

#[sqlx::test(migrations = "../../migrations")]
async fn of_ten_sweeps_at_once_one_gets_the_creation(_: PgPoolOptions, options: PgConnectOptions) {
    let pg = wide(options, 10).await;
    let (_, id) = queued(&pg).await;
    let found = futures::future::join_all((0..10).map(|_| stranded(&pg, 60))).await.concat();
    assert_eq!(found, [id]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn output_is_stored_once_even_if_the_answer_to_the_write_was_lost(pg: PgPool) {
    let (_, id) = held_by(&pg, "w1").await;
    let redis = redis().await;
    let line = [ProgressEvent::info("hello")];
    let offset = LogOffset { step: 1, from: 0, to: 6 };
    let write = async || progress::append(&pg, &redis, id, Some("w1"), &line, Some(offset), NOW).await;
    write().await.unwrap();
    let again = write().await;
    assert!(matches!(again, Err(Error::OffsetMoved { step: 1, expected: 0 })), "{again:?}");
    assert_eq!(progress::events_after(&pg, &redis, id, 1, 10).await.unwrap().len(), 1);
    assert_eq!(creations::step_records(&pg, id).await.unwrap()[1].log_offset, 6);
    let next = progress::append(&pg, &redis, id, Some("w1"), &line, None, NOW).await.unwrap();
    assert_eq!(next[0].seq, 3, "a refused write uses up no number");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_tasks_log_is_stored_once_and_counted_anew_for_the_next_task(pg: PgPool) {
    let (_, id) = held_by(&pg, "w1").await;
    let redis = redis().await;
    let line = [ProgressEvent::info("one"), ProgressEvent::info("two")];
    creations::set_upid(&pg, id, "w1", Some("UPID:1")).await.unwrap();
    let lines = TaskLines { from: 0, to: 2 };
    let write = async || progress::append_task_lines(&pg, &redis, id, "w1", &line, lines, NOW).await;
    assert_eq!(write().await.unwrap().len(), 2);
    assert!(matches!(write().await, Err(Error::LinesMoved { expected: 0 })));
    assert_eq!(progress::task_lines(&pg, id).await.unwrap(), 2);
    creations::set_upid(&pg, id, "w1", Some("UPID:1")).await.unwrap();
    assert_eq!(progress::task_lines(&pg, id).await.unwrap(), 2, "the same task");
    creations::set_upid(&pg, id, "w1", Some("UPID:2")).await.unwrap();
    assert_eq!(progress::task_lines(&pg, id).await.unwrap(), 0, "another task");
    assert_eq!(progress::events_after(&pg, &redis, id, 1, 10).await.unwrap().len(), 2);
    let late = progress::append_task_lines(&pg, &redis, id, "w0", &line, lines, NOW).await;
    assert!(matches!(late, Err(Error::LeaseLost)));
}
