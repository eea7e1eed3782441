use std::time::Duration;

use berth_store::throttle::{self, Verdict};

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
