//! Sessions in Redis. The key is the SHA-256 of the session's id, and the id is not in the value: what Redis
//! holds lets nobody in.

use std::collections::HashMap;

use async_trait::async_trait;
use fred::interfaces::KeysInterface as _;
use fred::types::{Expiration, SetOptions};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store;

use crate::redis::Redis;

/// Keeps the sessions of tower-sessions. Its errors and its `Debug` name no session.
#[derive(Clone, Debug)]
pub struct SessionStore {
    redis: Redis,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    data: HashMap<String, serde_json::Value>,
    expires: i64,
}

fn backend(error: impl std::fmt::Display) -> session_store::Error {
    session_store::Error::Backend(error.to_string())
}

impl SessionStore {
    /// Sessions in that Redis.
    pub const fn new(redis: Redis) -> Self {
        Self { redis }
    }

    fn key(&self, id: Id) -> String {
        self.redis.key("session", hex::encode(Sha256::digest(id.0.to_le_bytes())))
    }

    /// Stores the record under `condition`; says whether it held.
    async fn set(&self, record: &Record, condition: SetOptions) -> session_store::Result<bool> {
        let expires = record.expiry_date.unix_timestamp();
        let value = serde_json::to_string(&Stored { data: record.data.clone(), expires })
            .map_err(|error| session_store::Error::Encode(error.to_string()))?;
        let key = self.key(record.id);
        let answer: Option<String> = self
            .redis
            .pool()
            .set(key, value, Some(Expiration::EXAT(expires)), Some(condition), false)
            .await
            .map_err(backend)?;
        Ok(answer.is_some())
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
        let text: Option<String> = self.redis.pool().get(self.key(*id)).await.map_err(backend)?;
        let Some(text) = text else { return Ok(None) };
        let stored: Stored = serde_json::from_str(&text)
            .map_err(|_| session_store::Error::Decode("a stored session does not parse".into()))?;
        let expiry_date = OffsetDateTime::from_unix_timestamp(stored.expires)
            .map_err(|error| session_store::Error::Decode(error.to_string()))?;
        Ok(Some(Record { id: *id, data: stored.data, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        let _: i64 = self.redis.pool().del(self.key(*id)).await.map_err(backend)?;
        Ok(())
    }
}
