use berth_domain::discovery::{Credential, Service, ServiceKind, ServiceState};
use berth_store::containers::Found;
use berth_store::creations::{self, Outcome};
use berth_store::{PgPool, containers, nodes};

use crate::support::{LEASE, NOW, creation, held_by, person, redis};

#[sqlx::test(migrations = "../../migrations")]
async fn a_created_container_is_stored_once_and_linked(pg: PgPool) {
    let (user, id) = held_by(&pg, "w1").await;
    let mut conn = pg.acquire().await.unwrap();
    let container = containers::upsert_created(&mut conn, id, "w1", NOW).await.unwrap();
    assert_eq!(containers::upsert_created(&mut conn, id, "w1", NOW).await.unwrap(), container);
    let found = containers::find(&pg, user, container).await.unwrap().unwrap();
    assert_eq!((found.vmid.get(), found.hostname.as_str()), (100, "ct100"));
    assert_eq!((found.creation_id, found.container_template.as_deref()), (Some(id), Some("Web server")));
    assert_eq!(creations::find(&pg, user, id).await.unwrap().unwrap().container_id, Some(container));
    assert_eq!(containers::list(&pg, user).await.unwrap(), [found]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_is_found_inside_is_kept(pg: PgPool) {
    let (user, id) = held_by(&pg, "w1").await;
    let mut conn = pg.acquire().await.unwrap();
    let container = containers::upsert_created(&mut conn, id, "w1", NOW).await.unwrap();
    let services = [Service {
        name: "nginx".into(),
        kind: ServiceKind::Systemd,
        state: ServiceState::Running,
        description: "a\0b".into(),
        ports: vec![80],
        system: false,
    }];
    let credentials = [Credential { service: "nginx".into(), key: "STATUS_PASSWORD".into() }];
    let inside = Found { address: Some("10.0.0.5"), services: &services, credentials: &credentials };
    assert!(containers::set_discovery(&pg, user, container, &inside, NOW).await.unwrap());
    assert_eq!(containers::credentials(&pg, user, container).await.unwrap().unwrap(), credentials);
    let found = containers::find(&pg, user, container).await.unwrap().unwrap();
    assert_eq!((found.address.as_deref(), found.discovered_at), (Some("10.0.0.5"), Some(NOW)));
    assert_eq!(
        (found.services[0].ports.as_slice(), found.services[0].description.as_str()),
        (&[80][..], "a␀b")
    );
}

#[sqlx::test(migrations = "../../migrations")]
async fn somebody_elses_container_is_absent_and_a_gone_one_too(pg: PgPool) {
    let (user, id) = held_by(&pg, "w1").await;
    let other = person(&pg, "eve@pam").await;
    let mut conn = pg.acquire().await.unwrap();
    let container = containers::upsert_created(&mut conn, id, "w1", NOW).await.unwrap();
    assert!(containers::find(&pg, other, container).await.unwrap().is_none());
    assert!(containers::list(&pg, other).await.unwrap().is_empty());
    assert!(!containers::set_discovery(&pg, other, container, &Found::default(), NOW).await.unwrap());
    assert_eq!(containers::credentials(&pg, other, container).await.unwrap(), None);
    assert!(!containers::mark_gone(&pg, other, container, NOW).await.unwrap());
    assert!(containers::mark_gone(&pg, user, container, NOW).await.unwrap());
    assert!(!containers::mark_gone(&pg, user, container, NOW).await.unwrap());
    assert!(!containers::set_discovery(&pg, user, container, &Found::default(), NOW).await.unwrap());
    assert_eq!(containers::credentials(&pg, user, container).await.unwrap(), None);
    assert!(containers::find(&pg, user, container).await.unwrap().is_none());
    assert!(containers::list(&pg, user).await.unwrap().is_empty());
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_container_deleted_on_proxmox_makes_way_for_its_successor(pg: PgPool) {
    let (user, first) = held_by(&pg, "w1").await;
    let mut conn = pg.acquire().await.unwrap();
    let old = containers::upsert_created(&mut conn, first, "w1", NOW).await.unwrap();
    creations::finish(&pg, &redis().await, first, "w1", &Outcome::Ready, NOW).await.unwrap();
    let node = nodes::find_default(&pg, user).await.unwrap().unwrap().id;
    let second = creation(&pg, user, node, 100).await;
    creations::claim(&pg, second, "w1", LEASE).await.unwrap().unwrap();
    let new = containers::upsert_created(&mut conn, second, "w1", NOW).await.unwrap();
    assert_ne!(old, new);
    let listed: Vec<_> = containers::list(&pg, user).await.unwrap().into_iter().map(|it| it.id).collect();
    assert_eq!(listed, [new]);
}
