use berth_domain::PackageBucketId;
use berth_domain::package::{Package, PackageManager};
use berth_domain::package_bucket::BucketName;
use berth_store::{PgPool, package_buckets};
use time::Duration;

use crate::support::{NOW, person};

fn name(text: &str) -> BucketName {
    text.parse().unwrap()
}

fn packages(lines: &[&str]) -> Vec<Package> {
    lines.iter().map(|line| Package::parse(PackageManager::Apt, line).unwrap()).collect()
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_bucket_is_its_owners_alone(pg: PgPool) {
    let (mine, other) = (person(&pg, "root@pam").await, person(&pg, "eve@pam").await);
    let listed = packages(&["nginx=1.22.1-9", "curl"]);
    let bucket = package_buckets::insert(&pg, mine, &name("Web"), &listed, NOW).await.unwrap();
    assert_eq!(package_buckets::find(&pg, mine, bucket.id).await.unwrap().as_ref(), Some(&bucket));
    assert_eq!(package_buckets::list(&pg, mine).await.unwrap(), std::slice::from_ref(&bucket));

    assert_eq!(package_buckets::find(&pg, other, bucket.id).await.unwrap(), None);
    assert_eq!(package_buckets::list(&pg, other).await.unwrap(), []);
    assert!(!package_buckets::update(&pg, other, bucket.id, 1, &name("Mine"), &[], NOW).await.unwrap());
    assert!(!package_buckets::delete(&pg, other, bucket.id).await.unwrap());
    let mut conn = pg.acquire().await.unwrap();
    assert_eq!(package_buckets::lock(&mut conn, other, &[bucket.id]).await.unwrap(), []);
    assert_eq!(
        package_buckets::lock(&mut conn, mine, &[bucket.id, PackageBucketId::new()]).await.unwrap(),
        std::slice::from_ref(&bucket)
    );

    assert!(package_buckets::delete(&pg, mine, bucket.id).await.unwrap());
    assert!(!package_buckets::delete(&pg, mine, bucket.id).await.unwrap());
}

#[sqlx::test(migrations = "../../migrations")]
async fn who_has_not_seen_the_last_change_changes_nothing(pg: PgPool) {
    let user = person(&pg, "root@pam").await;
    let bucket = package_buckets::insert(&pg, user, &name("Web"), &packages(&["nginx"]), NOW).await.unwrap();
    let later = NOW + Duration::HOUR;
    let save = async |seen, lines: &[&str]| {
        package_buckets::update(&pg, user, bucket.id, seen, &name("Web 2"), &packages(lines), later)
            .await
            .unwrap()
    };
    assert!(save(1, &["curl"]).await);
    assert!(!save(1, &["git"]).await);
    let found = package_buckets::find(&pg, user, bucket.id).await.unwrap().unwrap();
    assert_eq!((found.revision, found.updated_at, found.created_at), (2, later, NOW));
    assert_eq!((found.packages, found.name.as_str()), (packages(&["curl"]), "Web 2"));
    assert!(save(2, &["git"]).await);
}

#[sqlx::test(migrations = "../../migrations")]
async fn names_are_unique_per_person_and_lists_are_bounded(pg: PgPool) {
    let (mine, other) = (person(&pg, "root@pam").await, person(&pg, "eve@pam").await);
    let first = package_buckets::insert(&pg, mine, &name("Web"), &[], NOW).await.unwrap();
    let taken = package_buckets::insert(&pg, mine, &name("wEB"), &[], NOW).await.unwrap_err();
    assert!(taken.is_conflict(package_buckets::NAME), "{taken}");
    package_buckets::insert(&pg, other, &name("Web"), &[], NOW).await.unwrap();
    let second = package_buckets::insert(&pg, mine, &name("db"), &[], NOW).await.unwrap();
    let taken = package_buckets::update(&pg, mine, second.id, 1, &name("WEB"), &[], NOW).await.unwrap_err();
    assert!(taken.is_conflict(package_buckets::NAME), "{taken}");
    let ids: Vec<_> = package_buckets::list(&pg, mine).await.unwrap().into_iter().map(|b| b.id).collect();
    assert_eq!(ids, [second.id, first.id]);

    let many: Vec<Package> = (0..501)
        .map(|number| Package::parse(PackageManager::Apt, &format!("package-{number}")).unwrap())
        .collect();
    assert!(package_buckets::insert(&pg, mine, &name("Many"), &many, NOW).await.is_err());
    package_buckets::insert(&pg, mine, &name("Many"), &many[..500], NOW).await.unwrap();
}
