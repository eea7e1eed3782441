//! Which cluster a node belongs to is its own word: one that claims another's learns nothing by it.

use std::collections::BTreeMap;

use berth_domain::{CreationId, Vmid};
use berth_operations::Settings;
use berth_operations::vmids::{self, Availability, By};
use berth_store::vmids::{Guest, Space};
use berth_store::{PgPool, creations};

use crate::support::{NOW, context, new_creation, node, person};

/// The cluster that every node of these tests says it belongs to.
const CLUSTER: &str = "host:pve";

#[sqlx::test(migrations = "../../migrations")]
async fn a_node_that_claims_a_cluster_reads_nobody_elses_names(pg: PgPool) {
    let ctx = context(pg, Settings::default()).await;
    let (alice, eve) = (person(&ctx, "alice@pve").await, person(&ctx, "eve@pve").await);
    let (attic, forged) = (node(&ctx, alice, "attic").await, node(&ctx, eve, "forged").await);
    let space = Space { user: alice, cluster: CLUSTER.into() };
    let lock = berth_store::vmids::try_refresh_lock(&ctx.redis, &space).await.unwrap().unwrap();
    let guest = Guest { name: "payroll".into(), node: "pve".into() };
    let guests = BTreeMap::from([(Vmid::new(101).unwrap(), guest)]);
    assert!(berth_store::vmids::store(&ctx.redis, lock, &guests).await.unwrap());
    let mut conn = ctx.pg.acquire().await.unwrap();
    let new = new_creation(attic);
    creations::insert_as(&mut conn, CreationId::new(), alice, &new, NOW).await.unwrap().unwrap();

    let answer = async |user, node, vmid| vmids::check(&ctx, user, node, vmid).await.unwrap();
    let by_guest = By::Guest { name: "payroll".into(), node: "pve".into() };
    assert_eq!(answer(alice, attic, "101").await, Availability::Taken(by_guest));
    assert_eq!(answer(alice, attic, "105").await, Availability::Taken(By::Creation("web".into())));
    assert!(
        matches!(answer(eve, forged, "101").await, Availability::Unknown(_)),
        "it is asked, and does not answer"
    );
    assert_eq!(answer(eve, forged, "105").await, Availability::Taken(By::SomebodyElsesCreation));

    vmids::invalidate(&ctx, CLUSTER).await;
    assert_eq!(
        berth_store::vmids::taken(&ctx.redis, &space).await.unwrap(),
        None,
        "all of the cluster's caches"
    );
}
