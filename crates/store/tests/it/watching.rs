use std::time::Duration;

use berth_domain::CreationId;
use berth_domain::creation::{ProgressEvent, StoredEvent};
use berth_store::creations::{self, Outcome};
use berth_store::progress::{self, ProgressHub};
use berth_store::{PgPool, Redis};
use futures::{Stream, StreamExt as _};
use tokio::sync::mpsc;

use crate::support::{LEASE, NOW, PrivateRedis, eventually, held_by, redis};

const DEADLINE: Duration = Duration::from_secs(20);

async fn write(pg: &PgPool, redis: &Redis, id: CreationId, from: usize, count: usize) {
    for number in from..from + count {
        let line = [ProgressEvent::info(format!("line {number}"))];
        progress::append(pg, redis, id, Some("w1"), &line, None, NOW).await.unwrap();
    }
}

async fn finish(pg: &PgPool, redis: &Redis, id: CreationId) {
    creations::finish(pg, redis, id, "w1", &Outcome::Ready, NOW).await.unwrap();
}

/// Everything until the stream ends by itself.
async fn to_the_end(stream: impl Stream<Item = StoredEvent>) -> Vec<StoredEvent> {
    tokio::time::timeout(DEADLINE, stream.collect()).await.expect("the stream does not end")
}

/// Follows in a task of its own, so that it waits for signals as soon as it has read everything.
fn spawned(stream: impl Stream<Item = StoredEvent> + Send + 'static) -> mpsc::UnboundedReceiver<StoredEvent> {
    let (sender, receiver) = mpsc::unbounded_channel();
    tokio::spawn(stream.for_each(move |event| {
        sender.send(event).unwrap();
        std::future::ready(())
    }));
    receiver
}

fn assert_numbers(events: &[StoredEvent], expected: std::ops::RangeInclusive<i64>) {
    assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), expected.collect::<Vec<_>>());
}

#[sqlx::test(migrations = "../../migrations")]
async fn fifty_who_come_at_any_time_see_everything_once_and_in_order(pg: PgPool) {
    let redis = redis().await;
    let (_, id) = held_by(&pg, "w1").await;
    let hub = ProgressHub::start(pg.clone(), redis.clone()).await.unwrap();
    let mut watchers = Vec::new();
    for round in 0..50 {
        watchers.push(tokio::spawn(to_the_end(hub.follow(id, 0))));
        write(&pg, &redis, id, round * 4, 4).await;
    }
    finish(&pg, &redis, id).await;
    for watcher in watchers {
        assert_numbers(&watcher.await.unwrap(), 1..=202);
    }
    assert_eq!(hub.watching(), 0);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_watcher_who_returns_gets_what_it_has_missed(pg: PgPool) {
    let redis = redis().await;
    let (user, id) = held_by(&pg, "w1").await;
    let hub = ProgressHub::start(pg.clone(), redis.clone()).await.unwrap();
    write(&pg, &redis, id, 1, 9).await;
    finish(&pg, &redis, id).await;
    assert_numbers(&to_the_end(hub.follow(id, 5)).await, 6..=11);
    assert!(to_the_end(hub.follow(id, 11)).await.is_empty());
    assert_numbers(&to_the_end(hub.follow(id, 999)).await, 1..=11);
    assert_numbers(&to_the_end(hub.follow(id, i64::MAX)).await, 1..=11);
    assert_numbers(&to_the_end(hub.follow(id, -4)).await, 1..=11);

    // An end that a retry has undone is not the end.
    let outcome = Outcome::Failed { message: "no".into() };
    sqlx::query("update creations set state = 'failed'").execute(&pg).await.unwrap();
    assert!(creations::retry(&pg, &redis, user, id, NOW).await.unwrap());
    creations::claim(&pg, id, "w1", LEASE).await.unwrap().unwrap();
    let watcher = tokio::spawn(to_the_end(hub.follow(id, 0)));
    write(&pg, &redis, id, 10, 1).await;
    creations::finish(&pg, &redis, id, "w1", &outcome, NOW).await.unwrap();
    assert_numbers(&watcher.await.unwrap(), 1..=14);
}

#[sqlx::test(migrations = "../../migrations")]
async fn one_creations_events_are_not_anothers(pg: PgPool) {
    let redis = redis().await;
    let (user, id) = held_by(&pg, "w1").await;
    let node = creations::find(&pg, user, id).await.unwrap().unwrap().node_id;
    let other = crate::support::creation(&pg, user, node, 101).await;
    creations::claim(&pg, other, "w1", LEASE).await.unwrap().unwrap();
    let hub = ProgressHub::start(pg.clone(), redis.clone()).await.unwrap();
    let watcher = tokio::spawn(to_the_end(hub.follow(id, 0)));
    write(&pg, &redis, other, 1, 20).await;
    write(&pg, &redis, id, 500, 2).await;
    finish(&pg, &redis, other).await;
    finish(&pg, &redis, id).await;
    let events = watcher.await.unwrap();
    assert_numbers(&events, 1..=4);
    assert_eq!(events[1].event, ProgressEvent::info("line 500"));
}

#[sqlx::test(migrations = "../../migrations")]
async fn flushall_in_the_middle_loses_nothing(pg: PgPool) {
    let private = PrivateRedis::start().await;
    let redis = private.connect().await.unwrap();
    let (_, id) = held_by(&pg, "w1").await;
    let hub = ProgressHub::start(pg.clone(), redis.clone()).await.unwrap();
    let early = tokio::spawn(to_the_end(hub.follow(id, 0)));
    write(&pg, &redis, id, 1, 10).await;
    private.run(&["FLUSHALL"]);
    let late = tokio::spawn(to_the_end(hub.follow(id, 0)));
    write(&pg, &redis, id, 11, 10).await;
    finish(&pg, &redis, id).await;
    assert_numbers(&early.await.unwrap(), 1..=22);
    assert_numbers(&late.await.unwrap(), 1..=22);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_redis_that_dies_and_returns_loses_nothing(pg: PgPool) {
    let mut private = PrivateRedis::start().await;
    let redis = private.connect().await.unwrap();
    let (_, id) = held_by(&pg, "w1").await;
    let hub = ProgressHub::start(pg.clone(), redis.clone()).await.unwrap();
    let mut watcher = spawned(hub.follow(id, 0));
    let mut seen = Vec::new();
    let mut take = async |seen: &mut Vec<StoredEvent>, until: i64| {
        while seen.last().is_none_or(|event: &StoredEvent| event.seq < until) {
            let next = tokio::time::timeout(DEADLINE, watcher.recv()).await;
            seen.push(next.expect("no event came").expect("the stream ended early"));
        }
    };
    write(&pg, &redis, id, 1, 3).await;
    take(&mut seen, 4).await;
    private.kill();
    write(&pg, &redis, id, 4, 3).await;
    take(&mut seen, 7).await;
    private.start_again();
    eventually(|| async { redis.ping().await.ok() }).await;
    eventually(|| async { private.run(&["PUBSUB", "CHANNELS"]).contains("berth:progress").then_some(()) })
        .await;
    write(&pg, &redis, id, 7, 3).await;
    take(&mut seen, 10).await;
    finish(&pg, &redis, id).await;
    take(&mut seen, 11).await;
    assert_numbers(&seen, 1..=11);
}

#[sqlx::test(migrations = "../../migrations")]
async fn big_batches_and_a_slow_watcher_lose_nothing(pg: PgPool) {
    let redis = redis().await;
    let (_, id) = held_by(&pg, "w1").await;
    let hub = ProgressHub::start(pg.clone(), redis.clone()).await.unwrap();
    let mut watcher = Box::pin(hub.follow(id, 0));
    let first = watcher.next().await.unwrap();
    // Larger than a notice, and more notices than the watcher's backlog.
    let big: Vec<_> = (0..40).map(|_| ProgressEvent::info("x".repeat(16 * 1024))).collect();
    progress::append(&pg, &redis, id, Some("w1"), &big, None, NOW).await.unwrap();
    write(&pg, &redis, id, 1, 1100).await;
    finish(&pg, &redis, id).await;
    let mut events = vec![first];
    events.extend(to_the_end(watcher).await);
    assert_numbers(&events, 1..=1142);
}

#[sqlx::test(migrations = "../../migrations")]
async fn many_watchers_are_one_subscription(pg: PgPool) {
    let private = PrivateRedis::start().await;
    let redis = private.connect().await.unwrap();
    let (_, id) = held_by(&pg, "w1").await;
    let hub = ProgressHub::start(pg.clone(), redis.clone()).await.unwrap();
    let mut watchers: Vec<_> = (0..40).map(|_| Box::pin(hub.follow(id, 0))).collect();
    for watcher in &mut watchers {
        assert_eq!(watcher.next().await.unwrap().seq, 1);
    }
    let clients = private.run(&["CLIENT", "LIST"]);
    let subscribed = clients.lines().filter(|line| line.contains(" sub=1 ")).count();
    assert_eq!((subscribed, hub.watching()), (1, 40), "{clients}");
    drop((watchers, hub));
    let gone = || async { (!private.run(&["CLIENT", "LIST"]).contains(" sub=1 ")).then_some(()) };
    eventually(gone).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_creation_that_goes_with_its_node_leaves_nobody_waiting(pg: PgPool) {
    let redis = redis().await;
    let (user, id) = held_by(&pg, "w1").await;
    let hub = ProgressHub::start(pg.clone(), redis).await.unwrap();
    let mut watcher = Box::pin(hub.follow(id, 0));
    assert_eq!(watcher.next().await.unwrap().seq, 1);
    let node = creations::find(&pg, user, id).await.unwrap().unwrap().node_id;
    let mut conn = pg.acquire().await.unwrap();
    sqlx::query("delete from nodes where id = $1").bind(node.uuid()).execute(&mut *conn).await.unwrap();
    assert!(to_the_end(watcher).await.is_empty());
    assert!(to_the_end(hub.follow(CreationId::new(), 0)).await.is_empty());
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_event_that_was_not_announced_is_seen_before_the_next(pg: PgPool) {
    let redis = redis().await;
    let (_, id) = held_by(&pg, "w1").await;
    let hub = ProgressHub::start(pg.clone(), redis.clone()).await.unwrap();
    let mut watcher = spawned(hub.follow(id, 0));
    let mut seen = Vec::new();
    for round in 0..10 {
        let silent = [ProgressEvent::info("silent")];
        let mut conn = pg.acquire().await.unwrap();
        progress::append_in(&mut conn, id, Some("w1"), &silent, None, NOW).await.unwrap();
        write(&pg, &redis, id, round, 1).await;
        while seen.len() < 3 + 2 * round {
            let next = tokio::time::timeout(DEADLINE, watcher.recv()).await;
            seen.push(next.expect("no event came").expect("the stream ended early"));
        }
    }
    assert_numbers(&seen, 1..=21);
}
