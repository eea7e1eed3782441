use berth_domain::UserId;
use berth_store::{PgPool, users};

use crate::support::NOW;

#[sqlx::test(migrations = "../../migrations")]
async fn an_account_is_a_userid_on_one_login_host(pg: PgPool) {
    let here = "pve.lan:8006".parse().unwrap();
    let there = "pve.lan:8007".parse().unwrap();
    let first = users::upsert_login(&pg, &here, "root@pam", NOW).await.unwrap();
    let again = users::upsert_login(&pg, &here, "root@pam", NOW).await.unwrap();
    let other = users::upsert_login(&pg, &there, "root@pam", NOW).await.unwrap();
    assert_eq!(first, again);
    assert_ne!(first.id, other.id);
    assert_eq!(users::find(&pg, first.id).await.unwrap(), Some(first));
    assert_eq!(users::find(&pg, UserId::new()).await.unwrap(), None);
}
