use std::collections::HashSet;
use std::time::Duration;

use berth_domain::node_health::{ApiHealth, ClusterMember, NodeHealth, SshHealth};
use berth_domain::{NodeId, UserId};
use berth_store::node_health::{self, Answer, Asked, Cluster, Lease, Overview, Pauses, Taken};
use berth_store::nodes;
use berth_store::{PgPool, containers, creations};
use futures::future::join_all;

use crate::support::{LEASE, NOW, creation, keyring, new_node, node, person};

const EVERY: Duration = Duration::from_secs(30);
const PAUSES: Pauses = Pauses { first: EVERY, longest: Duration::from_mins(5) };
/// Nothing is ever overdue.
const NEVER: Duration = Duration::from_hours(1);

fn reachable() -> ApiHealth {
    ApiHealth::Reachable { version: "9.2.11".into() }
}

fn unreachable() -> ApiHealth {
    ApiHealth::Unreachable { message: "no route. Switch it on".into() }
}

async fn take(pg: &PgPool) -> Vec<Taken> {
    node_health::take_due(pg, 100, LEASE, EVERY, EVERY).await.unwrap()
}

async fn take_one(pg: &PgPool) -> Lease {
    let taken = take(pg).await;
    assert_eq!(taken.len(), 1, "{taken:?}");
    taken[0].lease
}

/// Makes everything due and takes the only node.
async fn take_again(pg: &PgPool) -> Lease {
    sqlx::query("update node_health set api_due = now(), ssh_due = now(), lease = null, lease_until = null")
        .execute(pg)
        .await
        .unwrap();
    take_one(pg).await
}

async fn overview(pg: &PgPool, user: UserId) -> Overview {
    let mut all = node_health::overview(pg, user, NEVER).await.unwrap();
    assert_eq!(all.len(), 1);
    all.remove(0)
}

/// Seconds until the API is asked again.
async fn due_in(pg: &PgPool, column: &str) -> f64 {
    let sql = format!("select extract(epoch from {column} - now())::float8 from node_health");
    sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(pg).await.unwrap()
}

#[sqlx::test(migrations = "../../migrations")]
async fn however_many_workers_look_each_node_is_taken_once(pg: PgPool) {
    let user = person(&pg, "root@pam").await;
    for number in 0..20 {
        node(&pg, user, &format!("node{number}")).await;
    }
    let workers = (0..8).map(|_| take(&pg));
    let taken: Vec<Taken> = join_all(workers).await.into_iter().flatten().collect();
    assert_eq!(taken.len(), 20);
    assert_eq!(taken.iter().map(|taken| taken.lease.node).collect::<HashSet<NodeId>>().len(), 20);
    assert!(taken.iter().all(|taken| taken.api && taken.ssh));
    assert_eq!(take(&pg).await, [], "they are not due any more");
    sqlx::query("update node_health set api_due = now()").execute(&pg).await.unwrap();
    assert_eq!(take(&pg).await, [], "somebody is at it");
    for taken in &taken {
        node_health::release(&pg, taken.lease).await.unwrap();
    }
    assert_eq!(take(&pg).await.len(), 20);
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_was_seen_comes_back_with_the_containers(pg: PgPool) {
    let (user, other) = (person(&pg, "root@pam").await, person(&pg, "eve@pve").await);
    let id = node(&pg, user, "home").await;
    assert_eq!(overview(&pg, user).await.health, NodeHealth::default());
    assert_eq!(node_health::overview(&pg, other, NEVER).await.unwrap(), []);
    let lease = take_one(&pg).await;
    let members = vec![ClusterMember { name: "pve2".into(), address: Some("10.0.0.2".into()), online: true }];
    let cluster = Cluster { name: Some("lab".into()), members };
    assert!(node_health::record_api(&pg, lease, &reachable(), Some(&cluster), PAUSES).await.unwrap());
    assert!(node_health::record_ssh(&pg, lease, Some((&SshHealth::Works, PAUSES))).await.unwrap());
    for vmid in [105, 101] {
        let creation = creation(&pg, user, id, vmid).await;
        creations::claim(&pg, creation, "w", LEASE).await.unwrap().unwrap();
        let mut conn = pg.acquire().await.unwrap();
        containers::upsert_created(&mut conn, creation, "w", NOW).await.unwrap();
    }
    let seen = overview(&pg, user).await;
    assert_eq!(seen.health.api.unwrap().state, reachable());
    assert_eq!(seen.health.ssh.unwrap().state, SshHealth::Works);
    assert_eq!((seen.health.cluster_name.as_deref(), seen.health.members), (Some("lab"), cluster.members));
    let named: Vec<_> =
        seen.containers.iter().map(|each| (each.hostname.as_str(), each.vmid.get())).collect();
    assert_eq!(named, [("ct101", 101), ("ct105", 105)]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_edit_voids_what_was_known_and_what_is_under_way(pg: PgPool) {
    let user = person(&pg, "root@pam").await;
    let id = node(&pg, user, "home").await;
    let lease = take_one(&pg).await;
    assert!(node_health::record_api(&pg, lease, &unreachable(), None, PAUSES).await.unwrap());
    assert!(nodes::credentials_for_check(&pg, lease, &keyring()).await.unwrap().is_some());
    let mut conn = pg.acquire().await.unwrap();
    assert!(nodes::update(&mut conn, user, id, &new_node("home"), &keyring(), NOW).await.unwrap());
    assert_eq!(overview(&pg, user).await.health, NodeHealth::default());
    assert!(!node_health::record_api(&pg, lease, &unreachable(), None, PAUSES).await.unwrap());
    assert!(!node_health::record_ssh(&pg, lease, Some((&SshHealth::Works, PAUSES))).await.unwrap());
    assert!(nodes::credentials_for_check(&pg, lease, &keyring()).await.unwrap().is_none());
    assert_eq!(overview(&pg, user).await.health, NodeHealth::default());
    assert_ne!(take_one(&pg).await, lease, "it is due at once");
    nodes::delete(&mut conn, user, id, false).await.unwrap();
    assert_eq!(take(&pg).await, []);
}

/// Neither may bring a refused login back before its time.
#[sqlx::test(migrations = "../../migrations")]
async fn sealing_anew_and_moving_the_default_void_nothing(pg: PgPool) {
    let user = person(&pg, "root@pam").await;
    let id = node(&pg, user, "home").await;
    let lease = take_one(&pg).await;
    assert!(node_health::record_api(&pg, lease, &reachable(), None, PAUSES).await.unwrap());
    sqlx::query("update nodes set token_secret = token_secret, ssh_secret = ssh_secret")
        .execute(&pg)
        .await
        .unwrap();
    let mut conn = pg.acquire().await.unwrap();
    assert!(nodes::set_default(&mut conn, user, id).await.unwrap());
    assert!(overview(&pg, user).await.health.api.is_some());
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_same_again_is_looked_at_less_and_less(pg: PgPool) {
    let user = person(&pg, "root@pam").await;
    node(&pg, user, "home").await;
    let mut since = None;
    for expected in [30.0, 60.0, 120.0, 240.0, 300.0, 300.0] {
        let lease = take_again(&pg).await;
        assert!(node_health::record_api(&pg, lease, &unreachable(), None, PAUSES).await.unwrap());
        let refused = SshHealth::LoginRefused { message: "no".into() };
        assert!(node_health::record_ssh(&pg, lease, Some((&refused, PAUSES))).await.unwrap());
        for column in ["api_due", "ssh_due"] {
            let due = due_in(&pg, column).await;
            assert!((expected - 5.0..=expected).contains(&due), "{column} in {due} s, not {expected}");
        }
        let seen = overview(&pg, user).await.health.api.unwrap();
        assert_eq!(*since.get_or_insert(seen.since), seen.since);
        assert!(seen.checked_at >= seen.since);
    }
    let lease = take_again(&pg).await;
    assert!(node_health::record_api(&pg, lease, &reachable(), None, PAUSES).await.unwrap());
    assert!(due_in(&pg, "api_due").await <= 30.0);
    assert_ne!(since, Some(overview(&pg, user).await.health.api.unwrap().since));
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_api_that_goes_or_comes_makes_ssh_due_unless_it_was_refused(pg: PgPool) {
    let user = person(&pg, "root@pam").await;
    node(&pg, user, "home").await;
    let refused = SshHealth::LoginRefused { message: "no".into() };
    for (ssh, due) in [(refused, false), (SshHealth::Works, true)] {
        for (before, after) in [(reachable(), unreachable()), (unreachable(), reachable())] {
            let lease = take_again(&pg).await;
            assert!(node_health::record_api(&pg, lease, &before, None, PAUSES).await.unwrap());
            assert!(node_health::record_ssh(&pg, lease, Some((&ssh, PAUSES))).await.unwrap());
            assert!(node_health::record_api(&pg, lease, &before, None, PAUSES).await.unwrap());
            assert!(due_in(&pg, "ssh_due").await > 0.0, "nothing has changed");
            assert!(node_health::record_api(&pg, lease, &after, None, PAUSES).await.unwrap());
            assert_eq!(due_in(&pg, "ssh_due").await <= 0.0, due, "{ssh:?} {after:?}");
        }
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_node_without_ssh_is_not_due_for_it_again(pg: PgPool) {
    let user = person(&pg, "root@pam").await;
    node(&pg, user, "home").await;
    let lease = take_one(&pg).await;
    assert!(node_health::record_ssh(&pg, lease, None).await.unwrap());
    node_health::release(&pg, lease).await.unwrap();
    sqlx::query("update node_health set api_due = now()").execute(&pg).await.unwrap();
    let taken = take(&pg).await;
    assert_eq!((taken[0].api, taken[0].ssh), (true, false));
}

#[sqlx::test(migrations = "../../migrations")]
async fn its_owner_asks_and_hears_when_it_was_done(pg: PgPool) {
    let (user, other) = (person(&pg, "root@pam").await, person(&pg, "eve@pve").await);
    let id = node(&pg, user, "home").await;
    let again = Duration::from_secs(10);
    let answer = async || node_health::answer(&pg, user, id).await.unwrap().unwrap();
    assert_eq!(node_health::ask(&pg, other, id, again).await.unwrap(), None);
    assert_eq!(node_health::answer(&pg, other, id).await.unwrap(), None);
    let before = take_one(&pg).await;
    assert_eq!(node_health::ask(&pg, user, id, again).await.unwrap(), Some(Asked::Now));
    assert_eq!(answer().await, Answer::Waiting);
    assert!(!node_health::record_api(&pg, before, &reachable(), None, PAUSES).await.unwrap());
    let lease = take_one(&pg).await;
    assert_eq!(answer().await, Answer::UnderWay);
    assert!(node_health::record_api(&pg, lease, &reachable(), None, PAUSES).await.unwrap());
    assert_eq!(node_health::ask(&pg, user, id, again).await.unwrap(), Some(Asked::Before));
    assert_eq!(answer().await, Answer::UnderWay, "SSH is not known yet");
    node_health::release(&pg, lease).await.unwrap();
    assert_eq!(answer().await, Answer::Made);
    assert_eq!(node_health::ask(&pg, user, id, Duration::ZERO).await.unwrap(), Some(Asked::Now));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_check_that_nobody_makes_is_overdue(pg: PgPool) {
    let user = person(&pg, "root@pam").await;
    node(&pg, user, "home").await;
    let overdue = async |grace| node_health::overview(&pg, user, grace).await.unwrap()[0].is_overdue;
    assert!(overdue(Duration::ZERO).await);
    assert!(!overdue(Duration::from_mins(1)).await, "there was no time yet");
    let lease = take_one(&pg).await;
    assert!(!overdue(Duration::ZERO).await, "somebody is at it");
    node_health::release(&pg, lease).await.unwrap();
    assert!(!overdue(Duration::ZERO).await, "it is not due");
}
