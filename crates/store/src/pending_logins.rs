//! Logins that still need a second factor: what Proxmox gave for the password, sealed, for a few minutes.
//!
//! Whoever reads Redis learns nothing: the key is a hash of the id, and the id is part of what the value was sealed with.

use std::fmt;

use berth_domain::Secret;
use fred::interfaces::KeysInterface as _;
use fred::types::Expiration;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use time::Duration;
use uuid::Uuid;

use crate::crypto::{Context, Keyring};
use crate::error::Result;
use crate::redis::Redis;

/// Finds a pending login. It is only in the session of the browser that began it, and opens nothing by itself.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PendingLoginId(Uuid);

impl PendingLoginId {
    /// One that nobody can guess.
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }

    fn key(self, redis: &Redis) -> String {
        redis.key("pending-login", hex::encode(Sha256::digest(self.0.as_bytes())))
    }

    fn sealed(self) -> Context {
        Context { table: "redis", column: "pending-login", row: self.0 }
    }
}

impl fmt::Debug for PendingLoginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PendingLoginId(…)")
    }
}

/// Keeps it for so long.
pub async fn put(
    redis: &Redis,
    keyring: &Keyring,
    id: PendingLoginId,
    login: &Secret,
    left: Duration,
) -> Result<()> {
    let sealed = hex::encode(keyring.seal(login, id.sealed()));
    let expires = Some(Expiration::EX(left.whole_seconds().max(1)));
    let () = redis.pool().set(id.key(redis), sealed, expires, None, false).await?;
    Ok(())
}

/// Reads it and leaves it where it is.
pub async fn find(redis: &Redis, keyring: &Keyring, id: PendingLoginId) -> Result<Option<Secret>> {
    Ok(open(keyring, id, redis.pool().get(id.key(redis)).await?))
}

/// Takes it: of several who come at once, one gets it.
pub async fn take(redis: &Redis, keyring: &Keyring, id: PendingLoginId) -> Result<Option<Secret>> {
    Ok(open(keyring, id, redis.pool().getdel(id.key(redis)).await?))
}

/// One that does not open has ended: its key may have been taken away since, and to begin anew costs a minute.
fn open(keyring: &Keyring, id: PendingLoginId, sealed: Option<String>) -> Option<Secret> {
    let envelope = hex::decode(sealed?).ok()?;
    let opened = keyring.open(&envelope, id.sealed());
    opened.inspect_err(|error| tracing::warn!(%error, "a pending login does not open")).ok()
}
