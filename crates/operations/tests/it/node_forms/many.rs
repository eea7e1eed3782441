//! A test connects wherever somebody wants: it is no tool to try passwords or ports with.

use berth_operations::nodes::{self, NodeForm};
use berth_operations::{Error, Settings};
use berth_store::PgPool;

use super::machines;
use crate::support::{context, person};

#[sqlx::test(migrations = "../../migrations")]
async fn one_person_tests_and_saves_only_so_often(pg: PgPool) {
    let ctx = context(pg, Settings::default()).await;
    let (alice, bob) = (person(&ctx, "alice@pve").await, person(&ctx, "bob@pve").await);
    let form = NodeForm {
        name: "attic".into(),
        host: "127.0.0.1".into(),
        port: machines::closed().to_string(),
        token_id: "root@pam!berth".into(),
        token_secret: "01234567-89ab-cdef-0123-456789abcdef".into(),
        ssh_auth: "none".into(),
        ..NodeForm::default()
    };
    for _ in 0..30 {
        nodes::test(&ctx, alice, None, &form, &|_| {}).await.unwrap();
        nodes::save(&ctx, alice, None, &form, &|_| {}).await.unwrap();
    }
    let tested = nodes::test(&ctx, alice, None, &form, &|_| {}).await;
    assert!(matches!(tested, Err(Error::Throttled { retry_after: 1..=60 })), "{tested:?}");
    let saved = nodes::save(&ctx, alice, None, &form, &|_| {}).await;
    assert!(matches!(saved, Err(Error::Throttled { .. })), "{saved:?}");
    nodes::test(&ctx, bob, None, &form, &|_| {}).await.unwrap();
}
