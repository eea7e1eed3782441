use berth_domain::UserId;
use berth_store::{PgPool, drafts, users};
use serde_json::json;
use time::Duration;

use crate::support::{NOW, person};

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

#[sqlx::test(migrations = "../../migrations")]
async fn a_draft_is_its_owners_alone_and_grows_old(pg: PgPool) {
    let (mine, other) = (person(&pg, "root@pam").await, person(&pg, "eve@pam").await);
    let draft = drafts::insert(&pg, mine, &json!({"hostname": "a\0b"}), NOW).await.unwrap();
    assert_eq!(draft.form, json!({"hostname": "a␀b"}));
    assert_eq!(drafts::find(&pg, mine, draft.id).await.unwrap().as_ref(), Some(&draft));
    assert!(drafts::find(&pg, other, draft.id).await.unwrap().is_none());
    assert!(!drafts::update(&pg, other, draft.id, &json!({}), NOW).await.unwrap());
    assert!(!drafts::delete(&pg, other, draft.id).await.unwrap());
    let later = NOW + Duration::HOUR;
    assert!(drafts::list(&pg, mine).await.unwrap().is_empty(), "nothing was typed yet");
    assert!(drafts::update(&pg, mine, draft.id, &json!({"vmid": "7"}), later).await.unwrap());
    let ids = async |user| {
        drafts::list(&pg, user).await.unwrap().into_iter().map(|draft| draft.id).collect::<Vec<_>>()
    };
    assert_eq!((ids(mine).await, ids(other).await), (vec![draft.id], vec![]));
    let found = drafts::find(&pg, mine, draft.id).await.unwrap().unwrap();
    assert_eq!((found.form, found.updated_at), (json!({"vmid": "7"}), later));
    assert_eq!(drafts::delete_older_than(&pg, later).await.unwrap(), 0);
    assert_eq!(drafts::delete_older_than(&pg, later + Duration::SECOND).await.unwrap(), 1);
    assert!(!drafts::delete(&pg, mine, draft.id).await.unwrap());
}
