//! A user who has nodes has exactly one default, whatever is done and however much of it at once.

use std::sync::atomic::{AtomicU32, Ordering};

use berth_domain::{NodeId, UserId};
use berth_store::{Error, PgPool, nodes};
use futures::future::join_all;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::support::{node, person, wide};

/// What is done to the nodes that there have been, by their number.
#[derive(Clone, Copy, Debug)]
enum Act {
    Add,
    Delete(usize),
    SetDefault(usize),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        2 => Just(Act::Add),
        2 => (0..8_usize).prop_map(Act::Delete),
        1 => (0..8_usize).prop_map(Act::SetDefault),
    ]
}

/// Nodes and defaults of a user, as a page would see them.
async fn counted(pg: &PgPool, user: UserId) -> (i64, i64) {
    let counts =
        sqlx::query_as("select count(*), count(*) filter (where is_default) from nodes where user_id = $1");
    counts.bind(user.uuid()).fetch_one(pg).await.unwrap()
}

async fn perform(pg: &PgPool, user: UserId, act: Act, known: &[NodeId], number: usize) -> Option<NodeId> {
    let pick = |number: usize| known.get(number % known.len().max(1)).copied();
    let mut conn = pg.acquire().await.unwrap();
    match act {
        Act::Add => return Some(node(pg, user, &format!("node{number}")).await),
        Act::Delete(number) => {
            if let Some(id) = pick(number) {
                nodes::delete(&mut conn, user, id, false).await.unwrap();
            }
        }
        Act::SetDefault(number) => {
            if let Some(id) = pick(number) {
                nodes::set_default(&mut conn, user, id).await.unwrap();
            }
        }
    }
    None
}

/// Each step's acts happen at once, while somebody looks.
async fn play(pg: &PgPool, user: UserId, steps: &[Vec<Act>]) -> Result<(), TestCaseError> {
    let mut known = Vec::new();
    let mut number = 0;
    for acts in steps {
        let acting = acts.iter().map(|act| {
            number += 1;
            perform(pg, user, *act, &known, number)
        });
        let looking = async {
            for _ in 0..3 {
                let (nodes, defaults) = counted(pg, user).await;
                prop_assert_eq!(defaults, nodes.min(1), "in the middle of {:?}", acts);
            }
            Ok(())
        };
        let (added, looked) = tokio::join!(join_all(acting), looking);
        looked?;
        known.extend(added.into_iter().flatten());
        let (nodes, defaults) = counted(pg, user).await;
        prop_assert_eq!(defaults, nodes.min(1), "after {:?}", acts);
    }
    Ok(())
}

#[sqlx::test(migrations = "../../migrations")]
async fn whatever_is_done_there_is_one_default(_: PgPoolOptions, options: PgConnectOptions) {
    let tested = tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let pg = runtime.block_on(wide(options, 16));
        let people = AtomicU32::new(0);
        let steps = prop::collection::vec(prop::collection::vec(act(), 1..5), 1..10);
        let config =
            Config { cases: 64, max_shrink_iters: 200, failure_persistence: None, ..Config::default() };
        TestRunner::new(config).run(&steps, |steps| {
            let number = people.fetch_add(1, Ordering::Relaxed);
            runtime.block_on(async {
                let user = person(&pg, &format!("user{number}@pve")).await;
                play(&pg, user, &steps).await
            })
        })
    });
    tested.await.unwrap().unwrap();
}

/// Past the functions: the database itself refuses it, at the end of the transaction.
#[sqlx::test(migrations = "../../migrations")]
async fn no_transaction_leaves_a_user_without_a_default(pg: PgPool) {
    let user = person(&pg, "root@pam").await;
    let (first, second) = (node(&pg, user, "a").await, node(&pg, user, "b").await);
    for sql in ["update nodes set is_default = false where id = $1", "delete from nodes where id = $1"] {
        let error = sqlx::query(sql).bind(first.uuid()).execute(&pg).await.unwrap_err();
        assert!(Error::from(error).is_conflict(nodes::HAVE_A_DEFAULT), "{sql}");
    }
    let mut tx = pg.begin().await.unwrap();
    for (id, is_default) in [(first, false), (second, true)] {
        let moved = sqlx::query("update nodes set is_default = $2 where id = $1");
        moved.bind(id.uuid()).bind(is_default).execute(&mut *tx).await.unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(counted(&pg, user).await, (2, 1));
    sqlx::query("delete from users where id = $1").bind(user.uuid()).execute(&pg).await.unwrap();
    assert_eq!(counted(&pg, user).await, (0, 0));
}

/// Two commits that each look right alone: one adds a node that is no default, the other deletes the default.
#[sqlx::test(migrations = "../../migrations")]
async fn two_transactions_do_not_get_there_together(pg: PgPool) {
    let user = person(&pg, "root@pam").await;
    let default = node(&pg, user, "a").await;
    let other = node(&pg, user, "b").await;
    let mut conn = pg.acquire().await.unwrap();
    nodes::delete(&mut conn, user, other, false).await.unwrap();
    let mut adding = pg.begin().await.unwrap();
    nodes::insert(
        &mut adding,
        user,
        &crate::support::new_node("c"),
        &crate::support::keyring(),
        crate::support::NOW,
    )
    .await
    .unwrap();
    let mut deleting = pg.begin().await.unwrap();
    let gone = sqlx::query("delete from nodes where id = $1").bind(default.uuid());
    assert_eq!(gone.execute(&mut *deleting).await.unwrap().rows_affected(), 1);
    let (added, deleted) = tokio::join!(adding.commit(), deleting.commit());
    added.unwrap();
    assert!(Error::from(deleted.unwrap_err()).is_conflict(nodes::HAVE_A_DEFAULT));
    assert_eq!(counted(&pg, user).await, (2, 1));
}
