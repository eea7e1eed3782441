//! Sessions in Redis. The key is the SHA-256 of the session's id, and the id is not in the value: what Redis
//! holds lets nobody in. The store itself keeps an index of each person's sessions, so that none is forgotten
//! when they log out everywhere.

mod index;

use std::collections::HashMap;
use std::net::IpAddr;

use async_trait::async_trait;
use berth_domain::user::User;
use berth_domain::{Clock, SessionHandle};
use fred::interfaces::KeysInterface as _;
use fred::types::{Expiration, SetOptions};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use time::{Duration, OffsetDateTime};
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store;

pub use index::OpenSession;

use crate::redis::Redis;

/// A session ends after this long without a request.
pub const IDLE: Duration = Duration::hours(2);
/// A session ends this long after its login in any case.
pub const LONGEST: Duration = Duration::hours(12);
/// Under this name a session holds its [`Login`].
pub const LOGIN: &str = "login";

/// What a session holds of a login: nothing of Proxmox but the name.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Login {
    /// Who.
    pub user: User,
    /// When.
    pub at: OffsetDateTime,
    /// Names the session where it is listed, and opens nothing.
    pub handle: SessionHandle,
    /// From where.
    pub client: IpAddr,
    /// By which browser, in a few words.
    pub browser: String,
}

/// Keeps the sessions of tower-sessions, and ends them by its own clock. Its errors and its `Debug` name no session.
#[derive(Clone, Debug)]
pub struct SessionStore {
    redis: Redis,
    clock: Clock,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    data: HashMap<String, serde_json::Value>,
    /// Epoch seconds of the last request.
    seen: i64,
}

impl Stored {
    /// The login, if any. Fails for what an older version has written.
    fn login(&self) -> serde_json::Result<Option<Login>> {
        self.data.get(LOGIN).map(Login::deserialize).transpose()
    }

    /// How long it has still to live, unless somebody comes back; none when it has ended.
    fn left(&self, now: OffsetDateTime) -> Option<Duration> {
        let idle = Duration::seconds(self.seen) + IDLE - Duration::seconds(now.unix_timestamp());
        let left = match self.login().ok()? {
            Some(login) => idle.min(login.at + LONGEST - now),
            None => idle,
        };
        left.is_positive().then_some(left)
    }
}

fn backend(error: impl std::fmt::Display) -> session_store::Error {
    session_store::Error::Backend(error.to_string())
}

fn hash(id: Id) -> String {
    hex::encode(Sha256::digest(id.0.to_le_bytes()))
}

impl SessionStore {
    /// Sessions in that Redis, by that clock.
    pub const fn new(redis: Redis, clock: Clock) -> Self {
        Self { redis, clock }
    }

    fn key(&self, hash: &str) -> String {
        self.redis.key("session", hash)
    }

    /// Stores the record under `condition`; says whether it held.
    async fn set(&self, record: &Record, condition: SetOptions) -> session_store::Result<bool> {
        let now = self.clock.now();
        let stored = Stored { data: record.data.clone(), seen: now.unix_timestamp() };
        // What has ended is not kept.
        let Some(left) = stored.left(now) else { return Ok(true) };
        let value = serde_json::to_string(&stored)
            .map_err(|error| session_store::Error::Encode(error.to_string()))?;
        let hash = hash(record.id);
        let login = stored.login().ok().flatten();
        // First: a session that is not in the index could not be ended from elsewhere.
        if let Some(login) = &login {
            self.enter(login.user.id, &hash).await.map_err(backend)?;
        }
        let expires = Some(Expiration::EX(left.whole_seconds().max(1)));
        let answer: Option<String> = self
            .redis
            .pool()
            .set(self.key(&hash), value, expires, Some(condition), false)
            .await
            .map_err(backend)?;
        match (&answer, &login) {
            (None, Some(login)) => self.leave(login.user.id, &[hash]).await.map_err(backend)?,
            // Again: whoever listed the sessions in between may have found none behind it, and taken it out.
            (Some(_), Some(login)) => self.enter(login.user.id, &hash).await.map_err(backend)?,
            (_, None) => {}
        }
        Ok(answer.is_some())
    }

    /// What is stored under a key, unless it has ended or nobody can read it.
    fn alive(&self, text: &str) -> Option<Stored> {
        let stored: Stored = serde_json::from_str(text).ok()?;
        stored.left(self.clock.now()).is_some().then_some(stored)
    }
}

#[async_trait]
impl session_store::SessionStore for SessionStore {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        while !self.set(record, SetOptions::NX).await? {
            record.id = Id::default();
        }
        Ok(())
    }

    /// Changes a session that is still there: a request that ends after the logout does not bring it back.
    async fn save(&self, record: &Record) -> session_store::Result<()> {
        self.set(record, SetOptions::XX).await.map(|_| ())
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        let text: Option<String> = self.redis.pool().get(self.key(&hash(*id))).await.map_err(backend)?;
        let Some(text) = text else { return Ok(None) };
        let Some(stored) = self.alive(&text) else {
            self.delete(id).await?;
            return Ok(None);
        };
        let seen = OffsetDateTime::from_unix_timestamp(stored.seen).map_err(backend)?;
        Ok(Some(Record { id: *id, data: stored.data, expiry_date: seen + IDLE }))
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        let hash = hash(*id);
        let text: Option<String> = self.redis.pool().getdel(self.key(&hash)).await.map_err(backend)?;
        let stored = text.and_then(|text| serde_json::from_str::<Stored>(&text).ok());
        if let Some(login) = stored.and_then(|stored| stored.login().ok().flatten()) {
            self.leave(login.user.id, &[hash]).await.map_err(backend)?;
        }
        Ok(())
    }
}
