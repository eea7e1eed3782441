use berth_domain::CreationId;
use berth_domain::creation::{LineLevel, ProgressEvent, StoredEvent};
use berth_store::{PgPool, Redis, progress};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::support::{NOW, PrivateRedis, held_by, redis, wide};

fn lines(from: usize, count: usize) -> Vec<ProgressEvent> {
    (from..from + count).map(|number| ProgressEvent::info(format!("line {number}"))).collect()
}

async fn some(pg: &PgPool, redis: &Redis, id: CreationId, after: i64) -> Vec<StoredEvent> {
    progress::events_after(pg, redis, id, after, 4_000).await.unwrap()
}

/// Everything after number `after`, in as many reads as it takes.
async fn all(pg: &PgPool, redis: &Redis, id: CreationId, after: i64) -> Vec<StoredEvent> {
    let mut read = some(pg, redis, id, after).await;
    while let Some(last) = read.last() {
        let more = some(pg, redis, id, last.seq).await;
        if more.is_empty() {
            break;
        }
        read.extend(more);
    }
    read
}

#[sqlx::test(migrations = "../../migrations")]
async fn events_are_numbered_in_order_and_read_alike_from_both_stores(pg: PgPool) {
    let private = PrivateRedis::start().await;
    let redis = private.connect().await.unwrap();
    let (_, id) = held_by(&pg, "w1").await;
    let odd = ProgressEvent::Line { step: Some(1), level: LineLevel::Out, text: "\u{1b}[1mü\0 \"\\".into() };
    let mut sent = progress::append(&pg, &redis, id, Some("w1"), &lines(1, 3), None, NOW).await.unwrap();
    sent.extend(progress::append(&pg, &redis, id, None, &[odd], None, NOW).await.unwrap());
    assert_eq!(sent.iter().map(|event| event.seq).collect::<Vec<_>>(), [2, 3, 4, 5]);
    assert_eq!(all(&pg, &redis, id, 1).await, sent, "from Redis");
    assert_eq!(all(&pg, &redis, id, 3).await, sent[2..]);
    private.run(&["FLUSHALL"]);
    assert_eq!(all(&pg, &redis, id, 1).await, sent, "from PostgreSQL");
    assert!(all(&pg, &redis, id, 5).await.is_empty());
    assert!(all(&pg, &redis, id, i64::MAX).await.is_empty());
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_hole_in_the_stream_is_filled_from_postgres(pg: PgPool) {
    let private = PrivateRedis::start().await;
    let redis = private.connect().await.unwrap();
    let (_, id) = held_by(&pg, "w1").await;
    let sent = progress::append(&pg, &redis, id, Some("w1"), &lines(1, 9), None, NOW).await.unwrap();
    private.run(&["XDEL", &format!("berth:progress:{id}"), "5-0", "6-0"]);
    assert_eq!(all(&pg, &redis, id, 1).await, sent);
    assert_eq!(some(&pg, &redis, id, 1).await, sent[..3], "as far as the stream goes");
    assert_eq!(some(&pg, &redis, id, 4).await, sent[3..], "from PostgreSQL");
}

#[sqlx::test(migrations = "../../migrations")]
async fn writers_at_once_leave_no_gap_and_batches_stay_together(_: PgPoolOptions, options: PgConnectOptions) {
    let pg = wide(options, 20).await;
    let redis = redis().await;
    let (_, id) = held_by(&pg, "w1").await;
    futures::future::join_all((0..20).map(|writer| {
        let (pg, redis) = (pg.clone(), redis.clone());
        async move {
            progress::append(&pg, &redis, id, None, &lines(writer * 10, 10), None, NOW).await.unwrap();
        }
    }))
    .await;
    let read = all(&pg, &redis, id, 1).await;
    assert_eq!(read.iter().map(|event| event.seq).collect::<Vec<_>>(), (2..=201).collect::<Vec<_>>());
    for batch in read.chunks(10) {
        let ProgressEvent::Line { text, .. } = &batch[0].event else { panic!("{batch:?}") };
        let first: usize = text.trim_start_matches("line ").parse().unwrap();
        assert_eq!(batch.iter().map(|event| event.event.clone()).collect::<Vec<_>>(), lines(first, 10));
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_creation_goes_on_while_redis_is_down(pg: PgPool) {
    let mut private = PrivateRedis::start().await;
    let redis = private.connect().await.unwrap();
    let (_, id) = held_by(&pg, "w1").await;
    private.kill();
    let sent = progress::append(&pg, &redis, id, Some("w1"), &lines(1, 3), None, NOW).await.unwrap();
    assert_eq!(all(&pg, &redis, id, 1).await, sent);
}

#[sqlx::test(migrations = "../../migrations")]
async fn ten_thousand_lines_in_one_write_are_kept(pg: PgPool) {
    let redis = redis().await;
    let (_, id) = held_by(&pg, "w1").await;
    let sent = progress::append(&pg, &redis, id, Some("w1"), &lines(1, 10_000), None, NOW).await.unwrap();
    assert_eq!(all(&pg, &redis, id, 1).await, sent);
}
