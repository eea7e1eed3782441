use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use berth_domain::user::User;
use berth_domain::{Clock, SessionHandle, UserId};
use berth_store::Redis;
use berth_store::sessions::{LOGIN, Login, SessionStore};
use time::Duration;
use tower_sessions::SessionStore as _;
use tower_sessions::session::{Id, Record};

use crate::support::{NOW, PrivateRedis, redis};

/// A store whose clock stands still until the test moves it.
struct Rig {
    store: SessionStore,
    minutes: Arc<AtomicI64>,
}

impl Rig {
    fn new(redis: Redis) -> Self {
        let minutes = Arc::new(AtomicI64::new(0));
        let told = minutes.clone();
        let clock = Clock::from_fn(move || NOW + Duration::minutes(told.load(Ordering::SeqCst)));
        Self { store: SessionStore::new(redis, clock), minutes }
    }

    fn at(&self, minutes: i64) -> &Self {
        self.minutes.store(minutes, Ordering::SeqCst);
        self
    }

    async fn is_open(&self, record: &Record) -> bool {
        self.store.load(&record.id).await.unwrap().is_some()
    }

    async fn log_in(&self, user: UserId) -> (Record, SessionHandle) {
        let handle = SessionHandle::new();
        let login = Login {
            user: User { id: user, login_host: "pve.lan:8006".parse().unwrap(), userid: "root@pam".into() },
            at: NOW + Duration::minutes(self.minutes.load(Ordering::SeqCst)),
            handle,
            client: "192.0.2.7".parse().unwrap(),
            browser: "Firefox on Linux".into(),
        };
        let mut record = record(HashMap::from([(LOGIN.to_owned(), serde_json::to_value(login).unwrap())]));
        self.store.create(&mut record).await.unwrap();
        (record, handle)
    }
}

fn record(data: HashMap<String, serde_json::Value>) -> Record {
    Record { id: Id::default(), data, expiry_date: NOW }
}

fn nobody() -> Record {
    record(HashMap::from([("more".to_owned(), serde_json::json!("text"))]))
}

#[tokio::test]
async fn a_session_comes_back_until_it_is_destroyed() {
    let rig = Rig::new(redis().await);
    let mut record = nobody();
    rig.store.create(&mut record).await.unwrap();
    record.data.insert("and".into(), serde_json::json!(1));
    rig.store.save(&record).await.unwrap();
    assert_eq!(rig.store.load(&record.id).await.unwrap().unwrap().data, record.data);
    rig.store.delete(&record.id).await.unwrap();
    rig.store.save(&record).await.unwrap();
    assert!(!rig.is_open(&record).await, "a late save must not undo a logout");
    assert!(!rig.is_open(&nobody()).await);
}

#[tokio::test]
async fn a_new_session_never_takes_over_one_that_is_there() {
    let rig = Rig::new(redis().await);
    let mut first = nobody();
    rig.store.create(&mut first).await.unwrap();
    let mut second = Record { id: first.id, ..nobody() };
    rig.store.create(&mut second).await.unwrap();
    assert_ne!(first.id, second.id);
}

#[tokio::test]
async fn it_ends_two_hours_after_the_last_request() {
    let rig = Rig::new(redis().await);
    let (record, _) = rig.log_in(UserId::new()).await;
    assert!(rig.at(119).is_open(&record).await);
    // Looking at it is no request.
    assert!(!rig.at(120).is_open(&record).await);
    assert!(!rig.at(0).is_open(&record).await, "what has ended stays ended");
    let (record, _) = rig.at(0).log_in(UserId::new()).await;
    rig.at(119).store.save(&record).await.unwrap();
    assert!(rig.at(238).is_open(&record).await);
    assert!(!rig.at(239).is_open(&record).await);
}

#[tokio::test]
async fn it_ends_twelve_hours_after_the_login_however_busy() {
    let rig = Rig::new(redis().await);
    let (record, _) = rig.log_in(UserId::new()).await;
    for minutes in (0..12 * 60).step_by(60) {
        assert!(rig.at(minutes).is_open(&record).await);
        rig.store.save(&record).await.unwrap();
    }
    assert!(rig.at(12 * 60 - 1).is_open(&record).await);
    rig.at(12 * 60).store.save(&record).await.unwrap();
    assert!(!rig.is_open(&record).await);
}

#[tokio::test]
async fn a_person_sees_their_sessions_and_ends_the_others() {
    let rig = Rig::new(redis().await);
    let (me, you) = (UserId::new(), UserId::new());
    let (old, _) = rig.log_in(me).await;
    let (third, third_handle) = rig.at(10).log_in(me).await;
    let (mine, my_handle) = rig.at(20).log_in(me).await;
    let (yours, your_handle) = rig.log_in(you).await;
    let list = rig.store.list(me).await.unwrap();
    let [first, second, _] = &list[..] else { panic!("{list:?}") };
    assert_eq!((first.login.handle, second.login.handle), (my_handle, third_handle));
    assert_eq!(first.seen.unix_timestamp(), (NOW + Duration::minutes(20)).unix_timestamp());

    assert!(!rig.store.end(me, your_handle).await.unwrap(), "it is somebody else's");
    assert!(rig.store.end(me, third_handle).await.unwrap());
    assert!(!rig.store.end(me, third_handle).await.unwrap());
    assert!(!rig.is_open(&third).await);
    assert_eq!(rig.store.end_others(me, my_handle).await.unwrap(), 1);
    rig.store.save(&old).await.unwrap();
    assert_eq!((rig.is_open(&old).await, rig.is_open(&mine).await), (false, true));
    assert!(rig.is_open(&yours).await);
    assert_eq!(rig.store.list(me).await.unwrap().len(), 1);
    rig.store.delete(&mine.id).await.unwrap();
    assert!(rig.store.list(me).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_has_ended_by_itself_is_not_listed() {
    let rig = Rig::new(redis().await);
    let me = UserId::new();
    rig.log_in(me).await;
    let (_, later) = rig.at(60).log_in(me).await;
    let list = rig.at(121).store.list(me).await.unwrap();
    assert_eq!(list.iter().map(|session| session.login.handle).collect::<Vec<_>>(), [later]);
}

#[tokio::test]
async fn what_redis_holds_is_no_usable_session() {
    let private = PrivateRedis::start().await;
    let rig = Rig::new(private.connect().await.unwrap());
    let (record, handle) = rig.log_in(UserId::new()).await;
    let keys = private.run(&["KEYS", "*"]);
    let keys: Vec<&str> = keys.lines().map(str::trim).filter(|key| !key.is_empty()).collect();
    assert_eq!(keys.len(), 2, "{keys:?}");
    let mut all = keys.join(" ");
    for key in &keys {
        let read: &[&str] = if key.contains("sessions-of") { &["SMEMBERS", key] } else { &["GET", key] };
        all.push_str(&private.run(read));
        assert!((7100..=43200).contains(&private.run(&["TTL", key]).trim().parse::<i64>().unwrap()), "{key}");
    }
    assert!(all.contains(&handle.to_string()), "{all}");
    for id in [record.id.to_string(), record.id.0.to_string(), format!("{:x}", record.id.0)] {
        assert!(!all.contains(&id), "{all}");
    }
}

#[tokio::test]
async fn what_nobody_can_read_is_no_session() {
    let private = PrivateRedis::start().await;
    let rig = Rig::new(private.connect().await.unwrap());
    let (record, _) = rig.log_in(UserId::new()).await;
    let keys = private.run(&["KEYS", "berth:session:*"]);
    for text in
        ["{", "{\"data\":{},\"expires\":1}", "{\"data\":{\"login\":{\"user\":1}},\"seen\":1893553445}"]
    {
        private.run(&["SET", keys.trim(), text]);
        assert!(!rig.is_open(&record).await, "{text}");
    }
}

#[tokio::test]
async fn a_session_that_begins_while_others_are_listed_is_not_lost() {
    let rig = Rig::new(redis().await);
    let user = UserId::new();
    let store = rig.store.clone();
    let looking = tokio::spawn(async move {
        loop {
            store.list(user).await.unwrap();
        }
    });
    let mut begun = Vec::new();
    for _ in 0..60 {
        begun.push(rig.log_in(user).await.1);
    }
    looking.abort();
    let listed = rig.store.list(user).await.unwrap();
    let lost = begun.iter().filter(|handle| !listed.iter().any(|each| each.login.handle == **handle));
    assert_eq!(lost.count(), 0);
}
