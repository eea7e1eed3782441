//! Whose container templates are, and that nobody else ever gets what is in them.

use berth_domain::container_template::{
    ContainerTemplate, Defaults, FilePolicy, Origin, Owner, Script, TemplateFile,
};
use berth_domain::{ContainerTemplateId, UserId};
use berth_store::container_templates::{self as store, Deleted, LiveCreation, Put, Sync, TITLE, Updated};
use berth_store::creations;
use berth_store::{PgPool, containers};
use time::Duration;

use crate::support::{LEASE, NOW, new_creation, node, person};

/// Bytes of files that wait to be saved.
const MOST_KEPT: u64 = 100;

fn recipe(name: &str, title: &str) -> ContainerTemplate {
    ContainerTemplate {
        name: name.into(),
        title: title.into(),
        description: "What it is for".into(),
        tags: vec!["web".into()],
        defaults: Defaults::default(),
        packages: vec![],
        installers: vec![Script { name: "tool".into(), content: "true".into() }],
        scripts: vec![Script { name: "10-a.sh".into(), content: format!("# Says hello.\necho {title}\n") }],
        files: vec![TemplateFile {
            path: "/srv/logo".parse().unwrap(),
            content: b"\0\xff\r\n".to_vec(),
            mode: 0o600,
            owner: Owner::root(),
            policy: FilePolicy::Backup,
        }],
    }
}

async fn insert(pg: &PgPool, user: UserId, recipe: &ContainerTemplate) -> ContainerTemplateId {
    store::insert(&mut pg.acquire().await.unwrap(), user, recipe, NOW).await.unwrap()
}

async fn delete(pg: &PgPool, user: UserId, id: ContainerTemplateId) -> Deleted {
    store::delete(&mut pg.acquire().await.unwrap(), user, id).await.unwrap()
}

async fn update(
    pg: &PgPool,
    user: UserId,
    id: ContainerTemplateId,
    version: i32,
    recipe: &ContainerTemplate,
) -> Updated {
    store::update(&mut pg.acquire().await.unwrap(), user, id, version, recipe, MOST_KEPT, NOW).await.unwrap()
}

async fn titles(pg: &PgPool, user: UserId) -> Vec<(String, bool)> {
    let found = store::summaries(pg, user).await.unwrap();
    found.into_iter().map(|summary| (summary.title, summary.own)).collect()
}

fn named(names: &[(&str, bool)]) -> Vec<(String, bool)> {
    names.iter().map(|(name, own)| ((*name).to_owned(), *own)).collect()
}

#[sqlx::test(migrations = "../../migrations")]
async fn those_on_disk_are_what_is_on_disk(pg: PgPool) {
    let user = person(&pg, "root@pam").await;
    let own = insert(&pg, user, &recipe("web", "Zebra")).await;
    let mut sync = Sync::begin(&pg).await.unwrap();
    for (name, title) in [("web", "Web"), ("apps", "apps"), ("broken", "Broken")] {
        assert_eq!(sync.put(&recipe(name, title), NOW).await.unwrap(), Put::Added);
    }
    assert_eq!(titles(&pg, user).await, named(&[("Zebra", true)]), "not before it is finished");
    assert!(sync.finish().await.unwrap().is_empty());
    let all = named(&[("apps", false), ("Broken", false), ("Web", false), ("Zebra", true)]);
    assert_eq!(titles(&pg, user).await, all);

    let before = store::find_on_disk(&pg, "web").await.unwrap().unwrap();
    let mut sync = Sync::begin(&pg).await.unwrap();
    assert_eq!(sync.put(&recipe("web", "Web"), NOW).await.unwrap(), Put::Same);
    let mut changed = recipe("web", "Web server");
    changed.scripts[0].content.push('x');
    let put = sync.put(&changed, NOW).await.unwrap();
    assert!(matches!(put, Put::Changed { old: Some(old), .. } if *old == before.recipe));
    assert_eq!((sync.keep("broken").await.unwrap(), sync.keep("never").await.unwrap()), (true, false));
    assert_eq!(sync.finish().await.unwrap(), ["apps"]);
    let after = store::find_on_disk(&pg, "web").await.unwrap().unwrap();
    assert_eq!((after.id, after.version), (before.id, 2), "its address stays");
    assert_eq!(store::find(&pg, user, after.id).await.unwrap().unwrap().recipe, changed);

    let mut given_up = Sync::begin(&pg).await.unwrap();
    given_up.put(&recipe("half", "Half"), NOW).await.unwrap();
    drop(given_up);
    let left = named(&[("Broken", false), ("Web server", false), ("Zebra", true)]);
    assert_eq!(titles(&pg, user).await, left, "nothing is left of one that did not come to its end");
    // What is one's own is no folder's, whatever it is called.
    assert!(store::find(&pg, user, own).await.unwrap().is_some());
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_is_written_in_the_page_is_its_authors_alone(pg: PgPool) {
    let (mine, other) = (person(&pg, "root@pam").await, person(&pg, "eve@pam").await);
    let id = insert(&pg, mine, &recipe("web", "Mine")).await;
    let stored = store::find(&pg, mine, id).await.unwrap().unwrap();
    assert_eq!((stored.recipe, stored.own, stored.version), (recipe("web", "Mine"), true, 1));
    let outline = store::find_outline(&pg, mine, id).await.unwrap().unwrap().recipe;
    assert_eq!((outline.scripts[0].about.as_deref(), outline.files[0].size), (Some("Says hello."), 4));
    let script = outline.scripts[0].sha256.clone();
    let upload = store::upload(&pg, mine, b"only sent", NOW).await.unwrap();
    for hash in [&script, &upload] {
        assert!(store::content(&pg, mine, hash).await.unwrap().is_some());
        assert!(store::content(&pg, other, hash).await.unwrap().is_none());
    }
    let both = [script.clone(), upload.clone()];
    assert_eq!(store::contents(&pg, mine, &both).await.unwrap().len(), 2);
    assert!(store::contents(&pg, other, &both).await.unwrap().is_empty());

    assert!(titles(&pg, other).await.is_empty() && store::outlines(&pg, other).await.unwrap().is_empty());
    assert!(store::find(&pg, other, id).await.unwrap().is_none());
    assert!(store::find_outline(&pg, other, id).await.unwrap().is_none());
    assert!(store::find_on_disk(&pg, "web").await.unwrap().is_none());
    assert_eq!(update(&pg, other, id, 1, &recipe("web", "Taken")).await, Updated::NotFound);
    assert_eq!(delete(&pg, other, id).await, Deleted::NotFound);

    // Nor does a creation of theirs ever refer to it.
    let theirs = node(&pg, other, "home").await;
    let mut new = new_creation(theirs, 105);
    new.spec.container_template = Some(Origin { id: Some(id), name: "web".into(), title: "Mine".into() });
    let mut conn = pg.acquire().await.unwrap();
    creations::insert(&mut conn, other, &new, NOW).await.unwrap().unwrap();
    assert_eq!(delete(&pg, mine, id).await, Deleted::Done);
    // The second person may use the same title.
    insert(&pg, other, &recipe("web", "Mine")).await;
    let again = store::insert(&mut conn, other, &recipe("other", "mine"), NOW).await.unwrap_err();
    assert!(again.is_conflict(TITLE), "{again}");
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_second_of_two_edits_is_told(pg: PgPool) {
    let user = person(&pg, "root@pam").await;
    let id = insert(&pg, user, &recipe("web", "Web")).await;
    let logo = store::find_outline(&pg, user, id).await.unwrap().unwrap().recipe.files[0].sha256.clone();
    let mut first = recipe("web", "Web 1");
    first.files.clear();
    assert_eq!(update(&pg, user, id, 1, &first).await, Updated::Done);
    assert_eq!(update(&pg, user, id, 1, &recipe("web", "Web 2")).await, Updated::Moved { version: 2 });
    assert_eq!(store::find(&pg, user, id).await.unwrap().unwrap().recipe, first);
    // What the first one dropped is still there for the second.
    let content = store::content(&pg, user, &logo).await.unwrap();
    assert_eq!(content.as_deref(), Some(b"\0\xff\r\n".as_slice()));
    assert_eq!(update(&pg, user, id, 2, &recipe("web", "Web 2")).await, Updated::Done);
    assert_eq!(store::find(&pg, user, id).await.unwrap().unwrap().recipe, recipe("web", "Web 2"));
}

#[sqlx::test(migrations = "../../migrations")]
async fn uploads_grow_old(pg: PgPool) {
    let user = person(&pg, "root@pam").await;
    let hash = store::upload(&pg, user, b"abc", NOW).await.unwrap();
    let later = NOW + Duration::HOUR;
    assert_eq!(store::upload(&pg, user, b"abc", later).await.unwrap(), hash, "kept once, from now on");
    assert_eq!(store::uploaded_bytes(&pg, user).await.unwrap(), 3);
    assert_eq!(store::expire_uploads(&pg, later).await.unwrap(), 0);
    assert_eq!(store::expire_uploads(&pg, later + Duration::SECOND).await.unwrap(), 1);
    assert!(store::content(&pg, user, &hash).await.unwrap().is_none());
}

#[sqlx::test(migrations = "../../migrations")]
async fn it_stays_while_a_creation_uses_it_and_history_outlives_it(pg: PgPool) {
    let user = person(&pg, "root@pam").await;
    let node = node(&pg, user, "home").await;
    let id = insert(&pg, user, &recipe("web", "Web")).await;
    let mut new = new_creation(node, 105);
    new.spec.container_template = Some(Origin { id: Some(id), name: "web".into(), title: "Web".into() });
    let mut conn = pg.acquire().await.unwrap();
    let creation = creations::insert(&mut conn, user, &new, NOW).await.unwrap().unwrap();
    let live = || Deleted::InUse(vec![LiveCreation { id: creation, hostname: "ct105".into() }]);
    assert_eq!(delete(&pg, user, id).await, live());
    creations::claim(&pg, creation, "worker", LEASE).await.unwrap().unwrap();
    assert_eq!(delete(&pg, user, id).await, live());
    let container = containers::upsert_created(&mut conn, creation, "worker", NOW).await.unwrap();
    sqlx::query("update creations set state = 'ready', lease_owner = null, lease_until = null")
        .execute(&pg)
        .await
        .unwrap();
    assert_eq!(delete(&pg, user, id).await, Deleted::Done);
    let found = creations::find(&pg, user, creation).await.unwrap().unwrap();
    assert_eq!(found.spec.container_template, new.spec.container_template);
    let found = containers::find(&pg, user, container).await.unwrap().unwrap();
    assert_eq!(found.container_template.as_deref(), Some("Web"));
}

/// Rows of before they had owners.
#[sqlx::test(migrations = false)]
async fn what_was_there_before_goes_on_working(pg: PgPool) {
    for sql in [
        include_str!("../../../../migrations/0001_first_light.sql"),
        include_str!("../../../../migrations/0002_node_health.sql"),
    ] {
        sqlx::raw_sql(sql).execute(&pg).await.unwrap();
    }
    let user = person(&pg, "root@pam").await;
    let node = node(&pg, user, "home").await;
    let old = "insert into container_templates (name, recipe, updated_at) values ('web', $1, now()), ('empty', $2, now())";
    let empty =
        ContainerTemplate { installers: vec![], scripts: vec![], files: vec![], ..recipe("empty", "Empty") };
    let json = |recipe: &ContainerTemplate| serde_json::to_value(recipe).unwrap();
    sqlx::query(old).bind(json(&recipe("web", "Web"))).bind(json(&empty)).execute(&pg).await.unwrap();
    sqlx::query(
        "insert into drafts (id, user_id, form, created_at, updated_at)
         select gen_random_uuid(), $1, jsonb_build_object('container_template', name), now(), now()
         from unnest(array['web', 'gone', '']) as name",
    )
    .bind(user.uuid())
    .execute(&pg)
    .await
    .unwrap();
    let mut spec = serde_json::to_value(new_creation(node, 105).spec).unwrap();
    for (name, vmid) in [("web".into(), 105), ("gone".into(), 106), (serde_json::Value::Null, 107)] {
        spec["container_template"] = name;
        sqlx::query(
            "insert into creations (id, user_id, node_id, cluster, vmid, spec, state, phase, percent, created_at)
             values (gen_random_uuid(), $1, $2, 'homelab', $3, $4, 'queued', 'creating', 0, now() + $3 * interval '1 s')",
        )
        .bind(user.uuid())
        .bind(node.uuid())
        .bind(vmid)
        .bind(&spec)
        .execute(&pg)
        .await
        .unwrap();
    }
    let third = include_str!("../../../../migrations/0003_container_template_owners.sql");
    sqlx::raw_sql(third).execute(&pg).await.unwrap();
    let outlines = include_str!("../../../../migrations/0007_creation_outlines.sql");
    sqlx::raw_sql(outlines).execute(&pg).await.unwrap();

    let web = store::find_on_disk(&pg, "web").await.unwrap().unwrap();
    let whole = store::find(&pg, user, web.id).await.unwrap().unwrap();
    assert_eq!((whole.recipe, whole.own), (recipe("web", "Web"), false));
    let forms: Vec<(String, Option<String>)> = sqlx::query_as(
        "select form ->> 'container_template', form ->> 'container_template_title' from drafts
         order by (form ->> 'container_template_title') collate \"C\"",
    )
    .fetch_all(&pg)
    .await
    .unwrap();
    let named = |id: &str, title: &str| (id.to_owned(), Some(title.to_owned()));
    assert_eq!(forms, [named(&web.id.to_string(), "Web"), named("gone", "gone"), (String::new(), None)]);
    let origins: Vec<_> = creations::list_recent(&pg, user, 10).await.unwrap();
    let origins: Vec<_> = origins.into_iter().map(|creation| creation.spec.container_template).collect();
    let origin = |id, name: &str, title: &str| Some(Origin { id, name: name.into(), title: title.into() });
    assert_eq!(origins, [None, origin(None, "gone", "gone"), origin(Some(web.id), "web", "Web")]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_edits_drop_is_kept_within_the_limit(pg: PgPool) {
    let user = person(&pg, "root@pam").await;
    let filled = |byte: u8| {
        let mut recipe = recipe("web", "Web");
        recipe.files[0].content = vec![byte; 40];
        recipe
    };
    let id = insert(&pg, user, &filled(0)).await;
    let written = store::written(&pg, user).await.unwrap();
    for edit in 1..=5 {
        let upload = store::upload(&pg, user, &[edit; 40], NOW).await.unwrap();
        assert_eq!(update(&pg, user, id, i32::from(edit), &filled(edit)).await, Updated::Done);
        // What is saved waits no more.
        assert!(store::content(&pg, user, &upload).await.unwrap().is_some());
        let kept = store::uploaded_bytes(&pg, user).await.unwrap();
        assert_eq!(kept, u64::from(edit.min(2)) * 40, "after {edit}");
        assert_eq!(store::written(&pg, user).await.unwrap(), written);
    }
    assert_eq!(written.count, 1);
}

#[sqlx::test(migrations = "../../migrations")]
async fn contents_are_measured_as_often_as_they_are_named(pg: PgPool) {
    let (mine, other) = (person(&pg, "root@pam").await, person(&pg, "eve@pam").await);
    // In two places, it is still one content.
    insert(&pg, mine, &recipe("web", "Web")).await;
    insert(&pg, mine, &recipe("web", "Copy")).await;
    let logo = store::upload(&pg, mine, &recipe("web", "Web").files[0].content, NOW).await.unwrap();
    let upload = store::upload(&pg, mine, b"0123456789", NOW).await.unwrap();
    let named = [logo.clone(), upload.clone(), logo.clone(), logo, store::hash(b"nowhere")];
    assert_eq!(store::contents_size(&pg, mine, &named).await.unwrap(), 3 * 4 + 10);
    assert_eq!(store::contents_size(&pg, other, &named).await.unwrap(), 0);
    assert_eq!(store::contents(&pg, mine, &named).await.unwrap().len(), 2);
}
