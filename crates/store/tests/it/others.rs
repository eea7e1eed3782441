use berth_domain::UserId;
use berth_domain::container_template::{ContainerTemplate, Defaults, Script};
use berth_store::container_templates::{self, Put, Sync};
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

fn recipe(name: &str, title: &str) -> ContainerTemplate {
    ContainerTemplate {
        name: name.into(),
        title: title.into(),
        description: String::new(),
        tags: vec![],
        defaults: Defaults::default(),
        packages: vec![],
        installers: Vec::new(),
        scripts: vec![Script { name: "10.sh".into(), content: "echo \0".into() }],
        files: vec![],
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_recipes_are_what_is_on_disk(pg: PgPool) {
    let names = async || {
        let all = container_templates::list(&pg).await.unwrap();
        all.into_iter().map(|recipe| recipe.name).collect::<Vec<_>>()
    };
    let mut sync = Sync::begin(&pg).await.unwrap();
    for name in ["web", "apps", "broken"] {
        assert_eq!(sync.put(&recipe(name, name), NOW).await.unwrap(), Put::Added);
    }
    assert!(names().await.is_empty(), "not before it is finished");
    assert!(sync.finish().await.unwrap().is_empty());
    assert_eq!(names().await, ["apps", "broken", "web"]);

    let mut sync = Sync::begin(&pg).await.unwrap();
    let web = container_templates::find(&pg, "web").await.unwrap().unwrap();
    assert_eq!(sync.put(&web, NOW).await.unwrap(), Put::Same);
    let changed = Put::Changed(Some(Box::new(web.clone())));
    assert_eq!(sync.put(&recipe("web", "Web server"), NOW).await.unwrap(), changed);
    assert_eq!((sync.keep("broken").await.unwrap(), sync.keep("never").await.unwrap()), (true, false));
    assert_eq!(sync.finish().await.unwrap(), ["apps"]);
    assert_eq!(names().await, ["broken", "web"]);
    assert_eq!(container_templates::find(&pg, "web").await.unwrap().unwrap().title, "Web server");

    let mut given_up = Sync::begin(&pg).await.unwrap();
    given_up.put(&recipe("half", "Half"), NOW).await.unwrap();
    drop(given_up);
    assert_eq!(names().await, ["broken", "web"], "nothing is left of one that did not come to its end");
}
