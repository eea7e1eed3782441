//! Which VMIDs of a cluster are taken, as Proxmox last said. A cache: before a VMID is used, Proxmox is
//! asked.
//!
//! Each user has a cache of their own. Which cluster a node belongs to is the node's own word, and one that lies must
//! not read what another user's node has said.

use std::collections::BTreeMap;

use berth_domain::{UserId, Vmid};
use fred::interfaces::{KeysInterface as _, LuaInterface as _};
use fred::types::{Expiration, SetOptions};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::redis::Redis;

/// How long the cache is believed, in seconds.
const FRESH: i64 = 5 * 60;
/// How long one refresh keeps others waiting, in seconds: longer than a call to Proxmox may take.
const REFRESH: i64 = 15;

/// Stores only while the lock is still held: a refresh that began before an invalidation comes to nothing.
const STORE: &str = "
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
redis.call('DEL', KEYS[2])
return 1";

const RELEASE: &str = "
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])";

/// Who has a VMID.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guest {
    /// The guest's name on Proxmox.
    pub name: String,
    /// The PVE node it lives on.
    pub node: String,
}

/// Whose cache, and of which cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Space {
    /// Whose.
    pub user: UserId,
    /// Of which cluster.
    pub cluster: String,
}

impl Space {
    fn keys(&self, redis: &Redis) -> [String; 2] {
        ["vmids", "vmids-refresh"].map(|kind| redis.key(kind, format_args!("{}:{}", self.user, self.cluster)))
    }
}

/// The right to refresh one cache.
#[derive(Debug)]
pub struct RefreshLock {
    keys: [String; 2],
    token: String,
}

/// The taken VMIDs; none means that they are not cached, an empty map that there are no guests.
pub async fn taken(redis: &Redis, space: &Space) -> Result<Option<BTreeMap<Vmid, Guest>>> {
    let [cached, _] = space.keys(redis);
    let text: Option<String> = redis.pool().get(cached).await?;
    text.map(|text| {
        serde_json::from_str(&text).map_err(|error| Error::Corrupt(format!("cached VMIDs: {error}")))
    })
    .transpose()
}

/// The right to ask Proxmox for the cluster's guests; none while somebody else is at it.
pub async fn try_refresh_lock(redis: &Redis, space: &Space) -> Result<Option<RefreshLock>> {
    let lock = RefreshLock { keys: space.keys(redis), token: Uuid::new_v4().to_string() };
    let answer: Option<String> = redis
        .pool()
        .set(&lock.keys[1], &lock.token, Some(Expiration::EX(REFRESH)), Some(SetOptions::NX), false)
        .await?;
    Ok(answer.map(|_| lock))
}

/// Caches what Proxmox said and gives the lock back. False when the cache was invalidated meanwhile: what
/// Proxmox said may be out of date already.
pub async fn store(redis: &Redis, lock: RefreshLock, taken: &BTreeMap<Vmid, Guest>) -> Result<bool> {
    let text = serde_json::to_string(taken).expect("VMIDs are keys that JSON takes");
    let stored: i64 =
        redis.pool().eval(STORE, lock.keys.to_vec(), vec![lock.token, text, FRESH.to_string()]).await?;
    Ok(stored == 1)
}

/// Gives the lock back when Proxmox did not answer.
pub async fn release(redis: &Redis, lock: RefreshLock) -> Result<()> {
    let [_, held] = lock.keys;
    let _: i64 = redis.pool().eval(RELEASE, vec![held], vec![lock.token]).await?;
    Ok(())
}

/// Forgets a cache, after a guest was made or deleted, and undoes a refresh that is under way.
pub async fn invalidate(redis: &Redis, space: &Space) -> Result<()> {
    let _: i64 = redis.pool().del(space.keys(redis).to_vec()).await?;
    Ok(())
}
