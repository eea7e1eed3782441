//! Container templates from disk.

use std::path::Path;
use std::time::Duration;

use berth_domain::UserId;
use berth_operations::container_templates::{Change, discover, discover_within, list, outline_of};
use berth_operations::{Error, Settings};
use berth_store::PgPool;

use crate::support::context;

fn write(root: &Path, name: &str, conf: &str) {
    let folder = root.join(name);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("template.conf"), conf).unwrap();
}

#[sqlx::test(migrations = "../../migrations")]
async fn discovering_reports_what_changed_and_keeps_what_broke(pg: PgPool) {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings { container_templates: dir.path().into(), ..Settings::default() };
    let ctx = context(pg, settings).await;
    write(dir.path(), "web", "TITLE=Web");
    write(dir.path(), "db", "TITLE=Database");
    assert_eq!(discover(&ctx).await.unwrap().added, ["db", "web"]);
    write(dir.path(), "web", "TITLE=Web server");
    write(dir.path(), "db", "TITLE=Database\nCORES=many");
    let report = discover(&ctx).await.unwrap();
    let changed = Change { name: "web".into(), what: vec!["title".into()] };
    assert_eq!((report.changed, report.removed.len()), (vec![changed], 0));
    assert_eq!(report.kept, ["db"]);
    assert_eq!(report.problems[0].to_string(), "db/template.conf:2: CORES is a whole number from 1 to 8192");
    let user = UserId::new();
    assert_eq!(outline_of(&ctx, user, "db").await.unwrap().recipe.title, "Database");
    std::fs::remove_dir_all(dir.path().join("web")).unwrap();
    assert_eq!(discover(&ctx).await.unwrap().removed, ["web"]);
    assert!(matches!(outline_of(&ctx, user, "web").await, Err(Error::NotFound)));
    // Nor does one that is too slow, nor one that is not mounted.
    let report = discover_within(&ctx, Duration::ZERO).await.unwrap();
    assert_eq!((report.problems.len(), report.removed.len()), (1, 0));
    dir.close().unwrap();
    assert_eq!(discover(&ctx).await.unwrap().problems.len(), 1);
    assert_eq!(list(&ctx, user).await.unwrap().len(), 1);
}
