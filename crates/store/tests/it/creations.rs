use berth_domain::container_template::{FilePath, FilePolicy, Owner, Script, TemplateFile};
use berth_domain::creation::{CreationState, Phase, ProgressEvent, StepKind, StepState};
use berth_domain::{CreationId, UserId};
use berth_store::creations::{self, Cancelled, Outcome};
use berth_store::{Error, PgPool, nodes, progress};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::support::{LEASE, NOW, creation, held_by, new_creation, node, person, queued, redis, wide};

async fn states(pg: &PgPool, id: CreationId) -> Vec<StepState> {
    creations::step_records(pg, id).await.unwrap().into_iter().map(|record| record.step.state).collect()
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_creation_comes_back_as_it_was_submitted(pg: PgPool) {
    let (user, id) = queued(&pg).await;
    let found = creations::find(&pg, user, id).await.unwrap().unwrap();
    assert_eq!(found.spec.hostname, "ct100");
    assert_eq!((found.state, found.phase, found.percent), (CreationState::Queued, Phase::Creating, 0));
    assert_eq!((found.attempt, found.created_at, found.started_at), (0, NOW, None));
    let steps = creations::steps(&pg, user, id).await.unwrap();
    let expected = [(0, StepKind::Packages, "apt"), (1, StepKind::Script, "10-install.sh")];
    assert_eq!(steps.len(), 2);
    for (step, (position, kind, name)) in steps.iter().zip(expected) {
        assert_eq!((step.position, step.kind, step.name.as_str()), (position, kind, name));
        assert_eq!((step.state, step.exit_code), (StepState::Waiting, None));
    }
    let redis = redis().await;
    let events = progress::events_after(&pg, &redis, id, 0, 10).await.unwrap();
    assert_eq!(
        events.iter().map(|event| (event.seq, event.event.kind())).collect::<Vec<_>>(),
        [(1, "queued")]
    );
    assert_eq!(creations::list_live(&pg, user).await.unwrap(), std::slice::from_ref(&found));
    assert_eq!(creations::list_recent(&pg, user, 5).await.unwrap(), [found]);
}

/// A container template may bring 50 MiB: a list of creations must not read them.
#[sqlx::test(migrations = "../../migrations")]
async fn its_owner_sees_a_creation_without_contents_and_a_worker_gets_it_whole(pg: PgPool) {
    let user = person(&pg, "root@pam").await;
    let mut new = new_creation(node(&pg, user, "home").await, 100);
    let script = |name: &str| Script { name: name.into(), content: format!("echo {name}") };
    new.spec.installers = vec![script("node-exporter")];
    new.spec.scripts = vec![script("20-b.sh"), script("10-a.sh")];
    new.spec.files = vec![TemplateFile {
        path: "/srv/big".parse().unwrap(),
        content: vec![7; 1 << 20],
        mode: 0o644,
        owner: Owner::root(),
        policy: FilePolicy::Replace,
    }];
    let mut conn = pg.acquire().await.unwrap();
    let id = creations::insert(&mut conn, user, &new, NOW).await.unwrap().unwrap();

    let found = creations::find(&pg, user, id).await.unwrap().unwrap();
    assert_eq!(found.spec.installers, ["node-exporter"]);
    assert_eq!(found.spec.scripts, ["20-b.sh", "10-a.sh"]);
    assert_eq!(found.spec.files.iter().map(FilePath::as_str).collect::<Vec<_>>(), ["/srv/big"]);
    assert_eq!(found.spec.container_template, new.spec.container_template);
    let seen: i32 =
        sqlx::query_scalar("select octet_length(outline::text) from creations").fetch_one(&pg).await.unwrap();
    assert!(seen < 2000, "{seen} bytes are read for a list");
    assert_eq!(creations::list_unfinished(&pg, user, 5).await.unwrap(), [found]);

    let claimed = creations::claim(&pg, id, "worker", LEASE).await.unwrap().unwrap();
    assert_eq!(claimed.creation.spec, new.spec);
    creations::finish(&pg, &redis().await, id, "worker", &Outcome::Ready, NOW).await.unwrap();
    assert_eq!(creations::list_unfinished(&pg, user, 5).await.unwrap(), []);
}

#[sqlx::test(migrations = "../../migrations")]
async fn somebody_elses_creation_is_absent_and_nothing_can_be_made_on_their_node(pg: PgPool) {
    let (mine, id) = queued(&pg).await;
    let other = person(&pg, "eve@pam").await;
    let redis = redis().await;
    assert!(creations::find(&pg, other, id).await.unwrap().is_none());
    assert!(!creations::exists(&pg, other, id).await.unwrap());
    assert!(creations::exists(&pg, mine, id).await.unwrap());
    assert!(creations::list_live(&pg, other).await.unwrap().is_empty());
    assert!(creations::list_recent(&pg, other, 9).await.unwrap().is_empty());
    assert!(creations::steps(&pg, other, id).await.unwrap().is_empty());
    assert!(creations::request_cancel(&pg, &redis, other, id, NOW).await.unwrap().is_none());
    assert!(!creations::delete(&pg, other, id).await.unwrap());
    creations::request_cancel(&pg, &redis, mine, id, NOW).await.unwrap().unwrap();
    assert!(!creations::retry(&pg, &redis, other, id, NOW).await.unwrap());
    assert!(!creations::delete(&pg, other, id).await.unwrap());
    let node = nodes::find_default(&pg, mine).await.unwrap().unwrap().id;
    let mut conn = pg.acquire().await.unwrap();
    assert_eq!(creations::insert(&mut conn, other, &new_creation(node, 101), NOW).await.unwrap(), None);
}

#[sqlx::test(migrations = "../../migrations")]
async fn somebody_has_twenty_live_creations_and_no_more(_: PgPoolOptions, options: PgConnectOptions) {
    let pg = wide(options, 30).await;
    let user = person(&pg, "root@pam").await;
    let home = node(&pg, user, "home").await;
    let results = futures::future::join_all((100..130).map(|vmid| {
        let pg = pg.clone();
        async move {
            let mut conn = pg.acquire().await.unwrap();
            creations::insert(&mut conn, user, &new_creation(home, vmid), NOW).await
        }
    }))
    .await;
    let (made, refused): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!((made.len(), refused.len()), (20, 10));
    assert!(refused.iter().all(|refusal| matches!(refusal, Err(Error::TooManyLive { most: 20 }))));
    assert_eq!(creations::list_recent(&pg, user, 99).await.unwrap().len(), 20);

    // One that has ended gives its place to another, and is not back beyond that.
    let redis = redis().await;
    let first = made[0].as_ref().unwrap().unwrap();
    creations::request_cancel(&pg, &redis, user, first, NOW).await.unwrap().unwrap();
    creation(&pg, user, home, 200).await;
    let again = creations::retry(&pg, &redis, user, first, NOW).await;
    assert!(matches!(again, Err(Error::TooManyLive { .. })), "{again:?}");
    let found = creations::find(&pg, user, first).await.unwrap().unwrap();
    assert_eq!((found.state, found.attempt), (CreationState::Cancelled, 0));

    let bob = person(&pg, "bob@pam").await;
    let shed = node(&pg, bob, "shed").await;
    creation(&pg, bob, shed, 300).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn of_a_hundred_who_want_a_vmid_at_once_one_gets_it(_: PgPoolOptions, options: PgConnectOptions) {
    let pg = wide(options, 50).await;
    let users = futures::future::join_all((0..100).map(|number| {
        let pg = pg.clone();
        async move {
            let user = person(&pg, &format!("user{number}@pve")).await;
            (user, node(&pg, user, "home").await)
        }
    }))
    .await;
    let results = futures::future::join_all(users.into_iter().map(|(user, node)| {
        let pg = pg.clone();
        async move {
            let mut conn = pg.acquire().await.unwrap();
            creations::insert(&mut conn, user, &new_creation(node, 105), NOW).await
        }
    }))
    .await;
    let (won, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!((won.len(), lost.len()), (1, 99));
    for error in lost.into_iter().filter_map(Result::err) {
        assert!(error.is_conflict(creations::LIVE_VMID), "{error}");
    }
    let winner = sqlx::query_scalar::<_, sqlx::types::Uuid>("select user_id from creations")
        .fetch_one(&pg)
        .await
        .unwrap();
    let winner = UserId::from(winner);
    let vmid = 105.try_into().unwrap();
    assert_eq!(creations::live_vmids(&pg, "homelab").await.unwrap(), [vmid].into());
    let named = async |user, cluster| {
        let found = creations::reservation(&pg, user, cluster, vmid).await.unwrap();
        found.map(|reservation| reservation.hostname)
    };
    assert_eq!(named(winner, "homelab").await, Some(Some("ct105".into())));
    assert_eq!(named(UserId::new(), "homelab").await, Some(None), "the name is not told");
    assert_eq!(named(winner, "elsewhere").await, None);
    assert!(creations::live_vmids(&pg, "elsewhere").await.unwrap().is_empty());
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_finished_creation_says_how_it_ended_and_frees_its_vmid(pg: PgPool) {
    let (user, id) = held_by(&pg, "w1").await;
    let redis = redis().await;
    creations::set_phase(&pg, id, "w1", Phase::Starting, 25).await.unwrap();
    creations::set_upid(&pg, id, "w1", Some("UPID:pve:1")).await.unwrap();
    creations::step_started(&pg, id, "w1", 0).await.unwrap();
    let outcome = Outcome::Failed { message: "the script\0 failed".into() };
    let events = creations::finish(&pg, &redis, id, "w1", &outcome, NOW).await.unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].event, ProgressEvent::Error { message: "the script\u{2400} failed".into() });
    let found = creations::find(&pg, user, id).await.unwrap().unwrap();
    assert_eq!((found.state, found.phase, found.percent), (CreationState::Failed, Phase::Starting, 25));
    assert_eq!(found.error.as_deref(), Some("the script\u{2400} failed"));
    assert!(found.finished_at.is_some() && found.upid.is_none());
    assert_eq!(states(&pg, id).await, [StepState::Failed, StepState::Waiting]);
    creation(&pg, user, found.node_id, 100).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn ready_is_a_hundred_percent(pg: PgPool) {
    let (user, id) = held_by(&pg, "w1").await;
    let events = creations::finish(&pg, &redis().await, id, "w1", &Outcome::Ready, NOW).await.unwrap();
    assert_eq!(events[0].event, ProgressEvent::Complete);
    let found = creations::find(&pg, user, id).await.unwrap().unwrap();
    assert_eq!((found.state, found.percent), (CreationState::Ready, 100));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_retry_goes_on_after_the_steps_that_are_done(pg: PgPool) {
    let (user, id) = held_by(&pg, "w1").await;
    let redis = redis().await;
    assert!(!creations::retry(&pg, &redis, user, id, NOW).await.unwrap(), "a live creation is not retried");
    for position in [0, 1] {
        creations::step_started(&pg, id, "w1", position).await.unwrap();
        let to = progress::LogOffset { step: position, from: 0, to: 40 };
        progress::append(&pg, &redis, id, Some("w1"), &[], Some(to), NOW).await.unwrap();
    }
    creations::step_finished(&pg, id, "w1", 0, Some(0)).await.unwrap();
    creations::step_finished(&pg, id, "w1", 1, Some(2)).await.unwrap();
    creations::set_phase(&pg, id, "w1", Phase::Syncing, 75).await.unwrap();
    let outcome = Outcome::Failed { message: "no".into() };
    creations::finish(&pg, &redis, id, "w1", &outcome, NOW).await.unwrap();

    assert!(creations::retry(&pg, &redis, user, id, NOW).await.unwrap());
    let found = creations::find(&pg, user, id).await.unwrap().unwrap();
    assert_eq!((found.state, found.phase, found.attempt), (CreationState::Queued, Phase::Syncing, 1));
    assert_eq!((found.error, found.finished_at), (None, None));
    let records = creations::step_records(&pg, id).await.unwrap();
    assert_eq!((records[0].step.state, records[0].step.exit_code), (StepState::Done, Some(0)));
    assert_eq!((records[1].step.state, records[1].step.exit_code), (StepState::Waiting, None));
    assert_eq!((records[0].log_offset, records[1].log_offset), (40, 0));
    let claimed = creations::claim(&pg, id, "w2", LEASE).await.unwrap().unwrap();
    assert_eq!(claimed.deliveries, 1, "an owner's retry starts counting anew");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_retry_is_refused_while_somebody_else_has_the_vmid(pg: PgPool) {
    let (user, id) = held_by(&pg, "w1").await;
    let redis = redis().await;
    creations::finish(&pg, &redis, id, "w1", &Outcome::Cancelled, NOW).await.unwrap();
    let node = nodes::find_default(&pg, user).await.unwrap().unwrap().id;
    creation(&pg, user, node, 100).await;
    let error = creations::retry(&pg, &redis, user, id, NOW).await.unwrap_err();
    assert!(error.is_conflict(creations::LIVE_VMID), "{error}");
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_waiting_creation_is_cancelled_at_once_and_a_running_one_is_asked(pg: PgPool) {
    let (user, id) = queued(&pg).await;
    let redis = redis().await;
    let cancel = async || creations::request_cancel(&pg, &redis, user, id, NOW).await.unwrap();
    assert_eq!(cancel().await, Some(Cancelled::AtOnce));
    assert_eq!(cancel().await, None);
    let found = creations::find(&pg, user, id).await.unwrap().unwrap();
    assert_eq!(found.state, CreationState::Cancelled);
    let events = progress::events_after(&pg, &redis, id, 1, 10).await.unwrap();
    assert_eq!(events[0].event, ProgressEvent::Cancelled);

    assert!(creations::retry(&pg, &redis, user, id, NOW).await.unwrap());
    let claimed = creations::claim(&pg, id, "w1", LEASE).await.unwrap().unwrap();
    assert!(!claimed.creation.cancel_requested, "a retry takes the request back");
    assert_eq!(cancel().await, Some(Cancelled::Requested));
    assert!(creations::renew(&pg, id, "w1", LEASE).await.unwrap().cancel_requested);
    assert!(matches!(creations::renew(&pg, CreationId::new(), "w1", LEASE).await, Err(Error::LeaseLost)));
}

#[sqlx::test(migrations = "../../migrations")]
async fn only_what_is_over_is_deleted_with_its_events(pg: PgPool) {
    let (user, id) = queued(&pg).await;
    let redis = redis().await;
    assert!(!creations::delete(&pg, user, id).await.unwrap());
    creations::request_cancel(&pg, &redis, user, id, NOW).await.unwrap().unwrap();
    assert!(creations::delete(&pg, user, id).await.unwrap());
    let left: i64 = sqlx::query_scalar("select count(*) from creation_events").fetch_one(&pg).await.unwrap();
    assert_eq!(left, 0);
}
