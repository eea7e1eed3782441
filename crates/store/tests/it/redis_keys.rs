use std::collections::BTreeMap;
use std::time::Duration;

use berth_domain::{UserId, Vmid};
use berth_store::throttle::{self, Verdict};
use berth_store::vmids::{self, Guest, Space};

use crate::support::{eventually, redis};

#[tokio::test]
async fn the_eleventh_try_is_refused_and_says_when_to_return() {
    let redis = redis().await;
    let window = Duration::from_mins(5);
    for _ in 0..10 {
        assert_eq!(throttle::hit(&redis, "login", "eve", 10, window).await.unwrap(), Verdict::Allowed);
    }
    let verdict = throttle::hit(&redis, "login", "eve", 10, window).await.unwrap();
    assert!(matches!(verdict, Verdict::RetryAfter(290..=300)), "{verdict:?}");
    assert_eq!(throttle::hit(&redis, "login", "bob", 10, window).await.unwrap(), Verdict::Allowed);
    assert_eq!(throttle::hit(&redis, "other", "eve", 10, window).await.unwrap(), Verdict::Allowed);
    throttle::reset(&redis, "login", "eve").await.unwrap();
    assert_eq!(throttle::hit(&redis, "login", "eve", 10, window).await.unwrap(), Verdict::Allowed);
}

#[tokio::test]
async fn of_forty_tries_at_once_ten_are_allowed_and_the_window_ends() {
    let redis = redis().await;
    let window = Duration::from_secs(2);
    let tries = (0..40).map(|_| throttle::hit(&redis, "login", "eve", 10, window));
    let verdicts = futures::future::try_join_all(tries).await.unwrap();
    assert_eq!(verdicts.iter().filter(|verdict| **verdict == Verdict::Allowed).count(), 10);
    let again = || async {
        (throttle::hit(&redis, "login", "eve", 10, window).await.unwrap() == Verdict::Allowed).then_some(())
    };
    eventually(again).await;
}

fn guests(vmids: &[u32]) -> BTreeMap<Vmid, Guest> {
    let guest = |vmid: &u32| Guest { name: format!("vm{vmid}"), node: "pve".into() };
    vmids.iter().map(|vmid| (Vmid::new(*vmid).unwrap(), guest(vmid))).collect()
}

fn space(cluster: &str) -> Space {
    Space { user: UserId::new(), cluster: cluster.into() }
}

#[tokio::test]
async fn no_guests_and_not_cached_are_different() {
    let redis = redis().await;
    let home = space("home");
    assert_eq!(vmids::taken(&redis, &home).await.unwrap(), None);
    let lock = vmids::try_refresh_lock(&redis, &home).await.unwrap().unwrap();
    assert!(vmids::store(&redis, lock, &guests(&[])).await.unwrap());
    assert_eq!(vmids::taken(&redis, &home).await.unwrap(), Some(guests(&[])));
    let lock = vmids::try_refresh_lock(&redis, &home).await.unwrap().unwrap();
    assert!(vmids::store(&redis, lock, &guests(&[100, 205])).await.unwrap());
    assert_eq!(vmids::taken(&redis, &home).await.unwrap(), Some(guests(&[100, 205])));
    let of_somebody_else = Space { user: UserId::new(), ..home.clone() };
    for other in [of_somebody_else, Space { cluster: "other".into(), ..home.clone() }] {
        assert_eq!(vmids::taken(&redis, &other).await.unwrap(), None, "{other:?}");
        vmids::invalidate(&redis, &other).await.unwrap();
    }
    assert_eq!(vmids::taken(&redis, &home).await.unwrap(), Some(guests(&[100, 205])));
    vmids::invalidate(&redis, &home).await.unwrap();
    assert_eq!(vmids::taken(&redis, &home).await.unwrap(), None);
}

#[tokio::test]
async fn one_refreshes_at_a_time_and_an_invalidation_undoes_it() {
    let redis = redis().await;
    let home = space("home");
    let lock = vmids::try_refresh_lock(&redis, &home).await.unwrap().unwrap();
    assert!(vmids::try_refresh_lock(&redis, &home).await.unwrap().is_none());
    vmids::release(&redis, lock).await.unwrap();
    let early = vmids::try_refresh_lock(&redis, &home).await.unwrap().unwrap();
    vmids::invalidate(&redis, &home).await.unwrap();
    let later = vmids::try_refresh_lock(&redis, &home).await.unwrap().unwrap();
    assert!(!vmids::store(&redis, early, &guests(&[100])).await.unwrap(), "it may be out of date");
    assert_eq!(vmids::taken(&redis, &home).await.unwrap(), None);
    assert!(vmids::store(&redis, later, &guests(&[101])).await.unwrap());
}
