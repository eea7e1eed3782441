//! What a worker does with jobs that nobody could have asked for.

use berth_domain::CreationId;
use berth_testkit::{DEADLINE, Process, TemplateFolder, TestApp, wait_until};

const VMID: u32 = 290;

fn folder() -> TemplateFolder {
    TemplateFolder::new("plain").script("10-a.sh", "echo a\n")
}

/// What the node was asked, but for how it is: a worker looks after it all the time.
async fn asked(app: &TestApp) -> Vec<String> {
    let health = ["GET /version", "GET /cluster/status", "GET /access/permissions", "pct list", "list"];
    let calls = app.simulator.calls().await;
    let asked = calls.iter().filter(|call| ["api", "exec", "pct"].contains(&call["kind"].as_str().unwrap()));
    let asked = asked.map(|call| call["what"].as_str().unwrap().to_owned());
    asked.filter(|what| !health.contains(&what.as_str())).collect()
}

/// All that is stored of creations and containers.
async fn rows(app: &TestApp) -> Vec<String> {
    let rows = "select c::text from creations c union all select s::text from creation_steps s
                union all select e::text from creation_events e union all select c::text from containers c";
    sqlx::query_scalar(rows).fetch_all(&app.ctx.pg).await.unwrap()
}

/// Somebody else's creation on this node: only the database's owner could write such a row.
#[tokio::test]
async fn a_creation_on_somebody_elses_node_is_not_worked_on() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let host = app.simulator.api.to_string().parse().unwrap();
    let eve =
        berth_store::users::upsert_login(&app.ctx.pg, &host, "eve@pam", app.ctx.clock.now()).await.unwrap();
    let id = app.submit(owner, &folder(), VMID).await;
    let done =
        sqlx::query("update creations set user_id = $1 where id = $2").bind(eve.id.uuid()).bind(id.uuid());
    assert_eq!(done.execute(&app.ctx.pg).await.unwrap().rows_affected(), 1);
    app.simulator.forget_calls().await;
    let worker = app.worker().await;
    wait_until(DEADLINE, "the creation fails", async || {
        let state =
            sqlx::query_scalar::<_, String>("select state from creations where id = $1").bind(id.uuid());
        let state = state.fetch_one(&app.ctx.pg).await.unwrap();
        assert_ne!(state, "ready", "{}", worker.log());
        (state == "failed").then_some(())
    })
    .await;
    assert_eq!(asked(&app).await, Vec::<String>::new(), "nothing reached the node");
}

#[tokio::test]
async fn jobs_about_nothing_do_nothing_and_leave_the_worker_alive() {
    let app = TestApp::start().await;
    let owner = app.owner().await;
    let mut worker = app.worker().await;
    let finished = app.submit(owner, &folder(), VMID).await;
    app.ready(owner, finished).await;
    let before = rows(&app).await;
    app.simulator.forget_calls().await;

    let unknown = CreationId::new();
    for id in [finished, unknown] {
        app.ctx.queue.enqueue(id).await.unwrap();
        let said = format!("{id}");
        wait_until(DEADLINE, "the worker has looked at it", async || {
            let log = worker.log();
            let looked = |line: &&str| line.contains(&said) && line.contains("NothingToDo");
            log.lines().find(looked).map(|_| ())
        })
        .await;
    }
    assert_eq!(asked(&app).await, Vec::<String>::new());
    assert_eq!(rows(&app).await, before);

    for garbage in [
        "",
        "nonsense",
        "{}",
        "null",
        "{\"creation_id\":\"../../etc\"}",
        "{\"action_id\":7}",
        "\u{0}\u{1}",
        "[1,2",
    ] {
        for queue in ["berth:creations", "berth:actions"] {
            push_raw(&app, &mut worker, queue, garbage).await;
        }
    }
    let next = app.submit(owner, &folder(), VMID + 1).await;
    app.ready(owner, next).await;
    assert_eq!(worker.ended(), None, "{}", worker.log());
}

/// Puts a job in a queue as its library does, with any payload.
async fn push_raw(app: &TestApp, worker: &mut Process, queue: &str, payload: &str) {
    let client = redis::Client::open(app.redis.url()).unwrap();
    let mut redis = client.get_multiplexed_async_connection().await.unwrap();
    let job = format!("{}", CreationId::new());
    let () = redis::pipe()
        .atomic()
        .cmd("HSET")
        .arg(format!("{queue}:data"))
        .arg(&job)
        .arg(payload)
        .ignore()
        .cmd("HSET")
        .arg(format!("{queue}:meta:{job}"))
        .arg(&["attempts", "0", "max_attempts", "25", "status", "Pending", "idempotency_key", ""])
        .ignore()
        .cmd("RPUSH")
        .arg(format!("{queue}:active"))
        .arg(&job)
        .ignore()
        .query_async(&mut redis)
        .await
        .unwrap();
    wait_until(DEADLINE, "the worker takes it", async || {
        assert_eq!(worker.ended(), None, "{payload:?}: {}", worker.log());
        let left: Vec<String> = redis::cmd("LRANGE")
            .arg(format!("{queue}:active"))
            .arg(0)
            .arg(-1)
            .query_async(&mut redis.clone())
            .await
            .unwrap();
        (!left.contains(&job)).then_some(())
    })
    .await;
}
