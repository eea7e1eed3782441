use std::collections::{BTreeMap, BTreeSet};

use berth_domain::{DraftId, UserId, Vmid};
use berth_store::Redis;
use berth_store::vmids::{self, Guest, Lookup, Space};

use crate::support::redis;

fn vmid(number: u32) -> Vmid {
    Vmid::new(number).unwrap()
}

fn guest(number: u32) -> Guest {
    Guest { name: format!("vm{number}"), node: "pve".into() }
}

fn space(cluster: &str) -> Space {
    Space { user: UserId::new(), cluster: cluster.into() }
}

async fn fill(redis: &Redis, space: &Space, numbers: &[u32]) -> bool {
    let lock = vmids::try_refresh_lock(redis, space).await.unwrap().unwrap();
    let guests: BTreeMap<_, _> = numbers.iter().map(|number| (vmid(*number), guest(*number))).collect();
    vmids::store(redis, lock, &guests).await.unwrap()
}

async fn taken(redis: &Redis, space: &Space) -> Option<BTreeSet<Vmid>> {
    vmids::taken(redis, space).await.unwrap()
}

fn found(number: Option<u32>, settled: bool) -> Lookup {
    Lookup { guest: number.map(guest), settled }
}

async fn look_up(redis: &Redis, space: &Space, number: u32) -> Option<Lookup> {
    vmids::look_up(redis, space, vmid(number)).await.unwrap()
}

#[tokio::test]
async fn no_guests_and_not_cached_are_different() {
    let (redis, home) = (redis().await, space("home"));
    assert_eq!(taken(&redis, &home).await, None);
    assert_eq!(look_up(&redis, &home, 100).await, None);
    assert!(fill(&redis, &home, &[]).await);
    assert_eq!(taken(&redis, &home).await, Some(BTreeSet::new()));
    assert_eq!(look_up(&redis, &home, 100).await, Some(found(None, true)));
    assert!(fill(&redis, &home, &[100, 205]).await);
    assert_eq!(taken(&redis, &home).await, Some([vmid(100), vmid(205)].into()));
    assert_eq!(look_up(&redis, &home, 205).await, Some(found(Some(205), true)));
    assert_eq!(look_up(&redis, &home, 206).await, Some(found(None, true)));
    // What is gone by the next time is not left over.
    assert!(fill(&redis, &home, &[205]).await);
    assert_eq!(look_up(&redis, &home, 100).await, Some(found(None, true)));

    let of_somebody_else = Space { user: UserId::new(), ..home.clone() };
    for other in [of_somebody_else, Space { cluster: "other".into(), ..home.clone() }] {
        assert_eq!(taken(&redis, &other).await, None, "{other:?}");
        vmids::invalidate(&redis, &other).await.unwrap();
    }
    assert_eq!(taken(&redis, &home).await, Some([vmid(205)].into()));
    vmids::invalidate(&redis, &home).await.unwrap();
    assert_eq!(taken(&redis, &home).await, None);
}

#[tokio::test]
async fn one_refreshes_at_a_time_and_an_invalidation_undoes_it() {
    let (redis, home) = (redis().await, space("home"));
    let lock = vmids::try_refresh_lock(&redis, &home).await.unwrap().unwrap();
    assert!(vmids::is_refreshing(&redis, &home).await.unwrap());
    assert!(vmids::try_refresh_lock(&redis, &home).await.unwrap().is_none());
    vmids::release(&redis, lock).await.unwrap();
    assert!(!vmids::is_refreshing(&redis, &home).await.unwrap());
    let early = vmids::try_refresh_lock(&redis, &home).await.unwrap().unwrap();
    vmids::invalidate(&redis, &home).await.unwrap();
    let later = vmids::try_refresh_lock(&redis, &home).await.unwrap().unwrap();
    let guests = |number| BTreeMap::from([(vmid(number), guest(number))]);
    assert!(!vmids::store(&redis, early, &guests(100)).await.unwrap(), "it may be out of date");
    assert_eq!(taken(&redis, &home).await, None);
    assert!(vmids::store(&redis, later, &guests(101)).await.unwrap());
}

#[tokio::test]
async fn a_list_made_right_after_a_change_is_not_trusted_for_long() {
    let (redis, home) = (redis().await, space("home"));
    vmids::invalidate(&redis, &home).await.unwrap();
    assert!(fill(&redis, &home, &[100]).await);
    assert_eq!(look_up(&redis, &home, 100).await, Some(found(Some(100), false)));
    assert_eq!(look_up(&redis, &home, 101).await, Some(found(None, false)));
}

#[tokio::test]
async fn thousands_of_guests_fit() {
    let (redis, home) = (redis().await, space("home"));
    let numbers: Vec<u32> = (1_000..21_000).collect();
    assert!(fill(&redis, &home, &numbers).await);
    assert_eq!(taken(&redis, &home).await.map(|taken| taken.len()), Some(numbers.len()));
    assert_eq!(look_up(&redis, &home, 20_999).await, Some(found(Some(20_999), true)));
}

#[tokio::test]
async fn of_many_drafts_one_claims_a_vmid_and_gives_it_back() {
    let redis = redis().await;
    let drafts: Vec<DraftId> = (0..50).map(|_| DraftId::new()).collect();
    let claims = drafts.iter().map(|draft| vmids::claim(&redis, "home", vmid(105), *draft));
    let claims = futures::future::try_join_all(claims).await.unwrap();
    assert_eq!(claims.iter().flatten().count(), 1);
    let winner = claims.iter().position(Option::is_some).unwrap();
    let claimed =
        async |draft, cluster, number| vmids::claim(&redis, cluster, vmid(number), draft).await.unwrap();
    let again = claimed(drafts[winner], "home", 105).await;
    assert!(again.is_some(), "the same draft, from another tab");
    let other = drafts[(winner + 1) % 50];
    assert!(claimed(other, "home", 105).await.is_none());
    assert!(claimed(other, "home", 106).await.is_some() && claimed(other, "elsewhere", 105).await.is_some());
    vmids::give_back(&redis, again.unwrap()).await.unwrap();
    assert!(claimed(other, "home", 105).await.is_some());
    // Given back late, it is not taken from whoever has it by then.
    vmids::give_back(&redis, claims.into_iter().flatten().next().unwrap()).await.unwrap();
    assert!(claimed(drafts[winner], "home", 105).await.is_none());
}
