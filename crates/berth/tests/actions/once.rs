//! One request on the host for one wish, however rough the way.

use berth_domain::action::{ActionKind, ActionState};
use berth_operations::actions::{self, Wanted};
use berth_testkit::{DEADLINE, wait_until};
use futures::future::join_all;
use serde_json::json;

use crate::rig::Rig;

const STOP: &str = "POST /nodes/pve/lxc/101/status/stop";
const RESTART: &str = "POST /nodes/pve/lxc/101/status/reboot";

/// A double click is two requests within milliseconds.
#[tokio::test]
async fn many_clicks_at_once_are_one() {
    let rig = Rig::start(1).await;
    let id = rig.container(101).await;
    rig.app
        .simulator
        .faults(json!([{"kind": "slow-task", "seconds": 2.0, "task": "vzreboot", "count": 1}]))
        .await;
    rig.app.simulator.forget_calls().await;
    let wanted = Wanted { kind: ActionKind::Restart, purge: false, stop_first: false };
    let clicks = (0..10).map(|_| actions::request(&rig.app.ctx, rig.owner.user, id, wanted));
    let answers = join_all(clicks).await;
    let first = answers[0].as_ref().unwrap().id;
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap().id == first));
    // Delivered again and again, too.
    for _ in 0..5 {
        rig.app.ctx.queue.enqueue_action(first).await.unwrap();
    }
    assert_eq!(rig.ended(id).await.state, ActionState::Done);
    assert_eq!(rig.sent(101).await, [RESTART]);
}

/// The answer is lost: the host has acted, so it is not asked again.
#[tokio::test]
async fn an_answer_that_is_lost_is_looked_for() {
    let mut rig = Rig::start(1).await;
    let id = rig.container(101).await;
    rig.app
        .simulator
        .faults(json!([{"kind": "drop", "acted": true, "path": "/status/reboot$", "count": 1}]))
        .await;
    rig.app.simulator.forget_calls().await;
    rig.ask(id, ActionKind::Restart).await;
    assert_eq!(rig.ended(id).await.state, ActionState::Done);
    assert_eq!(rig.sent(101).await, [RESTART]);
}

/// The request is lost: the host has done nothing, so it is asked again.
#[tokio::test]
async fn a_request_that_never_arrived_is_made_again() {
    let mut rig = Rig::start(1).await;
    let id = rig.container(101).await;
    rig.app
        .simulator
        .faults(json!([{"kind": "drop", "acted": false, "path": "/status/reboot$", "count": 1}]))
        .await;
    rig.app.simulator.forget_calls().await;
    rig.ask(id, ActionKind::Restart).await;
    let ended = rig.ended(id).await;
    assert_eq!(ended.state, ActionState::Done, "{:?}", ended.error);
    assert_eq!(rig.sent(101).await, [RESTART, RESTART]);
}

/// `kill -9` after the host has begun, and before its answer is stored.
#[tokio::test]
async fn a_worker_that_is_killed_between_sending_and_storing_the_task() {
    let mut rig = Rig::start(1).await;
    let id = rig.container(101).await;
    // Two looks at the tasks take long: the one before the request, and the one after its answer is lost.
    let faults = json!([{"kind": "drop", "acted": true, "path": "/status/stop$", "count": 1},
        {"kind": "latency", "ms": 4000, "path": "^/nodes/pve/tasks$", "count": 2},
        {"kind": "slow-task", "seconds": 8.0, "task": "vzstop", "count": 1}]);
    rig.app.simulator.faults(faults).await;
    rig.app.simulator.forget_calls().await;
    rig.ask(id, ActionKind::Stop).await;
    wait_until(DEADLINE, "the stop is sent", async || {
        (rig.app.simulator.requests(STOP).await == 1).then_some(())
    })
    .await;
    rig.worker.kill();
    let (sent, upid): (bool, Option<String>) =
        sqlx::query_as("select sent_at is not null, upid from container_actions")
            .fetch_one(&rig.app.ctx.pg)
            .await
            .unwrap();
    assert!(sent && upid.is_none(), "killed too late: {upid:?}");
    let _next = rig.app.worker().await;
    let ended = rig.ended(id).await;
    assert_eq!(ended.state, ActionState::Done, "{:?}", ended.error);
    assert_eq!(rig.sent(101).await, [STOP]);
    assert!(!rig.runs(101).await);
}

/// Killed while the task runs: the next worker waits for that task.
#[tokio::test]
async fn a_worker_that_is_killed_while_it_waits() {
    let mut rig = Rig::start(1).await;
    let id = rig.container(101).await;
    rig.app
        .simulator
        .faults(json!([{"kind": "slow-task", "seconds": 6.0, "task": "vzreboot", "count": 1}]))
        .await;
    rig.app.simulator.forget_calls().await;
    rig.ask(id, ActionKind::Restart).await;
    wait_until(DEADLINE, "the task is known", async || {
        let upid: Option<String> = sqlx::query_scalar("select upid from container_actions")
            .fetch_one(&rig.app.ctx.pg)
            .await
            .unwrap();
        upid.map(drop)
    })
    .await;
    rig.worker.kill();
    let mut next = rig.app.worker().await;
    // Told to end in the middle, it hands over at once.
    assert_eq!(next.stop().code(), Some(0), "{}", next.log());
    let _last = rig.app.worker().await;
    assert_eq!(rig.ended(id).await.state, ActionState::Done);
    assert_eq!(rig.sent(101).await, [RESTART]);
}

/// With what to do about it, until it is dismissed.
#[tokio::test]
async fn what_the_host_says_of_a_failed_task_is_told() {
    let mut rig = Rig::start(1).await;
    let id = rig.container(101).await;
    let failing =
        json!([{"kind": "fail-task", "message": "container did not stop", "task": "vzshutdown", "count": 1}]);
    rig.app.simulator.faults(failing).await;
    rig.ask(id, ActionKind::Shutdown).await;
    let error = rig.ended(id).await.error.unwrap();
    assert!(error.contains("did not shut down within 60 s"), "{error}");
    let page = rig.browser.get(&format!("/containers/{id}")).await;
    assert!(page.html.contains("Stop it"), "{}", page.html);
    let page = rig.post(&format!("/containers/{id}/dismiss"), &[]).await;
    assert!(!page.html.contains("did not shut down"), "{}", page.html);

    rig.app
        .simulator
        .faults(json!([{"kind": "fail-task", "message": "startup failed: no cgroup", "task": "vzstart"}]))
        .await;
    rig.host("pct stop 101").await;
    rig.ask(id, ActionKind::Start).await;
    let error = rig.ended(id).await.error.unwrap();
    assert!(error.contains("attic") && error.contains("no cgroup"), "{error}");
}
