//! The queue delivers twice, forgets, restarts and goes away.

use crate::scenario::Scenario;

#[tokio::test]
async fn a_creation_delivered_thrice_to_two_workers_is_made_once() {
    let scenario = Scenario::submitted(Scenario::folder()).await;
    for _ in 0..2 {
        scenario.app.ctx.queue.enqueue(scenario.id).await.unwrap();
    }
    let workers = [scenario.app.worker().await, scenario.app.worker().await];
    scenario.until_mid_script().await;
    scenario.app.ctx.queue.enqueue(scenario.id).await.unwrap();
    scenario.assert_whole().await;
    let took: usize = workers.iter().map(|worker| worker.log().matches("took a creation").count()).sum();
    assert_eq!(took, 1);
}

#[tokio::test]
async fn redis_forgets_everything_in_mid_run() {
    let scenario = Scenario::submitted(Scenario::folder()).await;
    let worker = scenario.app.worker().await;
    scenario.until_mid_script().await;
    scenario.app.redis.flush_all().await;
    let _worker = scenario.see_through(worker).await;
    scenario.assert_whole().await;
}

#[tokio::test]
async fn redis_forgets_a_creation_that_waits() {
    let scenario = Scenario::submitted(Scenario::folder()).await;
    scenario.app.redis.flush_all().await;
    let _worker = scenario.see_through(scenario.app.worker().await).await;
    scenario.assert_whole().await;
}

#[tokio::test]
async fn redis_restarts_in_mid_run() {
    let mut scenario = Scenario::submitted(Scenario::folder()).await;
    let worker = scenario.app.worker().await;
    scenario.until_mid_script().await;
    scenario.app.redis.restart().await;
    let worker = scenario.see_through(worker).await;
    scenario.assert_whole().await;
    // And whoever works now takes the next one.
    let next = scenario.app.submit(scenario.owner, &Scenario::folder(), 251).await;
    let next = Scenario { id: next, ..scenario };
    let _worker = next.see_through(worker).await;
    assert_eq!(next.app.printed(next.id, 0).await.len(), 30);
}

#[tokio::test]
async fn a_worker_without_its_queue_ends_with_an_error() {
    let mut scenario = Scenario::submitted(Scenario::folder()).await;
    let mut worker = scenario.app.worker().await;
    scenario.until_mid_script().await;
    scenario.app.redis.kill();
    assert_eq!(worker.wait().await.code(), Some(1), "{}", worker.log());
    assert!(worker.log().contains("Start the worker again"), "{}", worker.log());
}
