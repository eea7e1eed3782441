use berth_domain::Secret;
use berth_store::pending_logins::{self, PendingLoginId};
use secrecy::ExposeSecret as _;
use time::Duration;

use crate::support::{PrivateRedis, keyring, redis};

const LEFT: Duration = Duration::minutes(5);

#[tokio::test]
async fn of_many_who_come_at_once_one_gets_it() {
    let (redis, keyring, id) = (redis().await, keyring(), PendingLoginId::random());
    pending_logins::put(&redis, &keyring, id, &Secret::from("PLANTED"), LEFT).await.unwrap();
    let found = pending_logins::find(&redis, &keyring, id).await.unwrap().unwrap();
    assert_eq!(found.expose_secret(), "PLANTED");
    let tries = (0..20).map(|_| pending_logins::take(&redis, &keyring, id));
    let taken = futures::future::try_join_all(tries).await.unwrap();
    assert_eq!(taken.iter().flatten().count(), 1);
    assert!(pending_logins::find(&redis, &keyring, id).await.unwrap().is_none());
}

#[tokio::test]
async fn redis_holds_neither_the_login_nor_what_finds_it() {
    let private = PrivateRedis::start().await;
    let (redis, keyring, id) = (private.connect().await.unwrap(), keyring(), PendingLoginId::random());
    pending_logins::put(&redis, &keyring, id, &Secret::from("PLANTED"), LEFT).await.unwrap();
    let key = private.run(&["KEYS", "*"]).trim().to_owned();
    let value = private.run(&["GET", &key]).trim().to_owned();
    let id = serde_json::to_string(&id).unwrap().replace(['"', '-'], "");
    assert!(key.starts_with("berth:pending-login:") && !key.replace('-', "").contains(&id), "{key}");
    let clear = String::from_utf8_lossy(&hex::decode(&value).unwrap()).into_owned();
    assert!(!clear.contains("PLANTED") && !value.contains(&id), "{value}");
    assert!((250..=300).contains(&private.run(&["TTL", &key]).trim().parse::<i64>().unwrap()));

    // Moved to where another id looks for it, it does not open.
    let other = PendingLoginId::random();
    pending_logins::put(&redis, &keyring, other, &Secret::from("other"), LEFT).await.unwrap();
    let keys = private.run(&["KEYS", "*"]);
    let other_key = keys.lines().map(str::trim).find(|found| *found != key).unwrap().to_owned();
    private.run(&["SET", &other_key, &value]);
    assert!(pending_logins::take(&redis, &keyring, other).await.unwrap().is_none());
}
