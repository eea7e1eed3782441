use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use berth_domain::Vmid;
use berth_store::sessions::SessionStore;
use berth_store::throttle::{self, Verdict};
use berth_store::vmids::{self, Guest};
use tower_sessions::SessionStore as _;
use tower_sessions::session::{Id, Record};

use crate::support::{PrivateRedis, eventually, redis};

fn record(seconds: i64) -> Record {
    let data = HashMap::from([("user".to_owned(), serde_json::json!("someone"))]);
    // Redis ends sessions by its own clock.
    let expiry_date = clock().now() + Duration::from_secs(u64::try_from(seconds).unwrap());
    Record { id: Id::default(), data, expiry_date: expiry_date.replace_nanosecond(0).unwrap() }
}

fn clock() -> berth_domain::Clock {
    berth_domain::Clock::system()
}

#[tokio::test]
async fn a_session_comes_back_until_it_is_destroyed() {
    let store = SessionStore::new(redis().await);
    let mut record = record(600);
    store.create(&mut record).await.unwrap();
    assert_eq!(store.load(&record.id).await.unwrap().as_ref(), Some(&record));
    record.data.insert("more".into(), serde_json::json!(1));
    store.save(&record).await.unwrap();
    assert_eq!(store.load(&record.id).await.unwrap().as_ref(), Some(&record));
    store.delete(&record.id).await.unwrap();
    store.save(&record).await.unwrap();
    assert_eq!(store.load(&record.id).await.unwrap(), None, "a late save must not undo a logout");
    assert_eq!(store.load(&Id::default()).await.unwrap(), None);
}

#[tokio::test]
async fn a_new_session_never_takes_over_one_that_is_there() {
    let store = SessionStore::new(redis().await);
    let mut first = record(600);
    store.create(&mut first).await.unwrap();
    let mut second = Record { id: first.id, ..record(600) };
    store.create(&mut second).await.unwrap();
    assert_ne!(first.id, second.id);
}

#[tokio::test]
async fn a_session_ends_by_itself() {
    let store = SessionStore::new(redis().await);
    let mut record = record(1);
    store.create(&mut record).await.unwrap();
    eventually(|| async { store.load(&record.id).await.unwrap().is_none().then_some(()) }).await;
}

#[tokio::test]
async fn what_redis_holds_is_no_usable_session() {
    let private = PrivateRedis::start().await;
    let store = SessionStore::new(private.connect().await.unwrap());
    let mut record = record(600);
    store.create(&mut record).await.unwrap();
    let key = private.run(&["KEYS", "*"]).trim().to_owned();
    assert!(key.starts_with("berth:session:"), "{key}");
    let value = private.run(&["GET", &key]);
    for id in [record.id.to_string(), record.id.0.to_string(), format!("{:x}", record.id.0)] {
        assert!(!key.contains(&id) && !value.contains(&id), "{key} {value}");
    }
    assert!(private.run(&["TTL", &key]).trim().parse::<i64>().unwrap() > 500);
}

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

#[tokio::test]
async fn no_guests_and_not_cached_are_different() {
    let redis = redis().await;
    assert_eq!(vmids::taken(&redis, "home").await.unwrap(), None);
    let lock = vmids::try_refresh_lock(&redis, "home").await.unwrap().unwrap();
    assert!(vmids::store(&redis, lock, &guests(&[])).await.unwrap());
    assert_eq!(vmids::taken(&redis, "home").await.unwrap(), Some(guests(&[])));
    let lock = vmids::try_refresh_lock(&redis, "home").await.unwrap().unwrap();
    assert!(vmids::store(&redis, lock, &guests(&[100, 205])).await.unwrap());
    assert_eq!(vmids::taken(&redis, "home").await.unwrap(), Some(guests(&[100, 205])));
    assert_eq!(vmids::taken(&redis, "other").await.unwrap(), None);
    vmids::invalidate(&redis, "home").await.unwrap();
    assert_eq!(vmids::taken(&redis, "home").await.unwrap(), None);
}

#[tokio::test]
async fn one_refreshes_at_a_time_and_an_invalidation_undoes_it() {
    let redis = redis().await;
    let lock = vmids::try_refresh_lock(&redis, "home").await.unwrap().unwrap();
    assert!(vmids::try_refresh_lock(&redis, "home").await.unwrap().is_none());
    vmids::release(&redis, lock).await.unwrap();
    let early = vmids::try_refresh_lock(&redis, "home").await.unwrap().unwrap();
    vmids::invalidate(&redis, "home").await.unwrap();
    let later = vmids::try_refresh_lock(&redis, "home").await.unwrap().unwrap();
    assert!(!vmids::store(&redis, early, &guests(&[100])).await.unwrap(), "it may be out of date");
    assert_eq!(vmids::taken(&redis, "home").await.unwrap(), None);
    assert!(vmids::store(&redis, later, &guests(&[101])).await.unwrap());
}
