use berth_domain::{DraftId, UserId};
use berth_store::PgPool;
use berth_store::drafts::{self, Sweep};
use serde_json::json;
use time::Duration;

use crate::support::{NOW, person};

/// Their drafts as the list has them.
async fn listed(pg: &PgPool, user: UserId) -> Vec<DraftId> {
    drafts::list(pg, user).await.unwrap().into_iter().map(|draft| draft.id).collect()
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_draft_is_its_owners_alone(pg: PgPool) {
    let (mine, other) = (person(&pg, "root@pam").await, person(&pg, "eve@pam").await);
    let draft = drafts::insert(&pg, mine, &json!({"tags": "a\0b"}), false, NOW).await.unwrap();
    assert_eq!(draft.form, json!({"tags": "a␀b"}));
    assert_eq!(drafts::find(&pg, mine, draft.id).await.unwrap().as_ref(), Some(&draft));
    assert!(listed(&pg, mine).await.is_empty(), "nothing was typed yet");
    let later = NOW + Duration::HOUR;
    let form = json!({"vmid": "7"});
    assert_eq!(drafts::update(&pg, mine, draft.id, 1, &form, false, later).await.unwrap(), Some(2));
    assert_eq!((listed(&pg, mine).await, listed(&pg, other).await), (vec![draft.id], vec![]));

    assert!(drafts::find(&pg, other, draft.id).await.unwrap().is_none());
    assert_eq!(drafts::update(&pg, other, draft.id, 2, &json!({}), false, NOW).await.unwrap(), None);
    assert!(!drafts::discard(&pg, other, draft.id, NOW).await.unwrap());
    assert!(!drafts::restore(&pg, other, draft.id, NOW).await.unwrap());
    assert!(!drafts::take(&mut pg.acquire().await.unwrap(), other, draft.id, 2).await.unwrap());
    let found = drafts::find(&pg, mine, draft.id).await.unwrap().unwrap();
    assert_eq!((found.form, found.version, found.updated_at), (form, 2, later));
    assert!(drafts::take(&mut pg.acquire().await.unwrap(), mine, draft.id, 2).await.unwrap());
    assert!(drafts::find(&pg, mine, draft.id).await.unwrap().is_none());
}

#[sqlx::test(migrations = "../../migrations")]
async fn of_many_who_change_one_version_one_does(pg: PgPool) {
    let mine = person(&pg, "root@pam").await;
    let draft = drafts::insert(&pg, mine, &json!({}), false, NOW).await.unwrap();
    let changes = (0..20).map(|typed| {
        let pg = pg.clone();
        async move {
            let form = json!({ "vmid": typed });
            drafts::update(&pg, mine, draft.id, 1, &form, false, NOW).await.unwrap().map(|_| form)
        }
    });
    let stored: Vec<_> = futures::future::join_all(changes).await.into_iter().flatten().collect();
    assert_eq!(stored.len(), 1);
    let found = drafts::find(&pg, mine, draft.id).await.unwrap().unwrap();
    assert_eq!((found.version, &found.form), (2, &stored[0]));
    assert!(
        !drafts::take(&mut pg.acquire().await.unwrap(), mine, draft.id, 1).await.unwrap(),
        "it has changed"
    );
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_is_discarded_comes_back_and_what_is_old_does_not(pg: PgPool) {
    let mine = person(&pg, "root@pam").await;
    let named = |name: &str| json!({ "hostname": name });
    let kept = drafts::insert(&pg, mine, &named("kept"), false, NOW).await.unwrap().id;
    let aside = drafts::insert(&pg, mine, &named("aside"), false, NOW).await.unwrap().id;
    let empty = drafts::insert(&pg, mine, &named(""), false, NOW).await.unwrap().id;
    assert!(drafts::discard(&pg, mine, aside, NOW).await.unwrap());
    assert_eq!((listed(&pg, mine).await, drafts::count(&pg, mine).await.unwrap()), (vec![kept], 1));
    assert!(drafts::find(&pg, mine, aside).await.unwrap().unwrap().discarded);
    assert!(drafts::restore(&pg, mine, aside, NOW).await.unwrap());
    assert_eq!(listed(&pg, mine).await.len(), 2);
    assert!(drafts::discard(&pg, mine, aside, NOW).await.unwrap());
    let save = async |back| drafts::update(&pg, mine, aside, 1, &named("saved"), back, NOW).await.unwrap();
    assert_eq!((save(false).await, save(true).await), (None, Some(2)), "only if that is meant");
    assert!(!drafts::find(&pg, mine, aside).await.unwrap().unwrap().discarded, "saved, it is back");
    assert!(drafts::discard(&pg, mine, aside, NOW).await.unwrap());

    let sweep =
        async |kept_since, aside_since| drafts::sweep(&pg, Sweep { kept_since, aside_since }).await.unwrap();
    assert_eq!(sweep(NOW, NOW).await, 0);
    assert_eq!(sweep(NOW, NOW + Duration::SECOND).await, 2);
    let left = async |id| drafts::find(&pg, mine, id).await.unwrap().is_some();
    assert_eq!((left(kept).await, left(aside).await, left(empty).await), (true, false, false));
    assert_eq!(sweep(NOW + Duration::SECOND, NOW).await, 1);
}

#[sqlx::test(migrations = "../../migrations")]
async fn untouched_drafts_do_not_pile_up(pg: PgPool) {
    let (mine, other) = (person(&pg, "root@pam").await, person(&pg, "eve@pam").await);
    let theirs = drafts::insert(&pg, other, &json!({}), false, NOW).await.unwrap().id;
    let named = drafts::insert(&pg, mine, &json!({ "hostname": "web" }), false, NOW).await.unwrap().id;
    let filled_in = drafts::insert(&pg, mine, &json!({ "memory": "4096" }), true, NOW).await.unwrap().id;
    assert_eq!(listed(&pg, mine).await.len(), 2);
    let mut opened = Vec::new();
    for second in 1..=60 {
        let now = NOW + Duration::seconds(second);
        opened.push(drafts::insert(&pg, mine, &json!({}), false, now).await.unwrap().id);
    }
    let left = async |user, id| drafts::find(&pg, user, id).await.unwrap().is_some();
    assert!(left(other, theirs).await && left(mine, named).await && left(mine, filled_in).await);
    let mut kept = Vec::new();
    for id in &opened {
        kept.push(left(mine, *id).await);
    }
    assert_eq!(kept, [[false; 10].as_slice(), &[true; 50]].concat());
}

#[sqlx::test(migrations = "../../migrations")]
async fn discarded_drafts_do_not_pile_up(pg: PgPool) {
    let mine = person(&pg, "root@pam").await;
    let mut discarded = Vec::new();
    for second in 1..=60 {
        let now = NOW + Duration::seconds(second);
        let id = drafts::insert(&pg, mine, &json!({ "hostname": "web" }), false, now).await.unwrap().id;
        assert!(drafts::discard(&pg, mine, id, now).await.unwrap());
        assert!(!drafts::discard(&pg, mine, id, now).await.unwrap());
        discarded.push(id);
    }
    let mut kept = Vec::new();
    for id in discarded {
        kept.push(drafts::find(&pg, mine, id).await.unwrap().is_some());
    }
    assert_eq!(kept, [[false; 10].as_slice(), &[true; 50]].concat());
}
