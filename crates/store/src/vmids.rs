//! Which VMIDs of a cluster are taken, as Proxmox last said. A cache: before a VMID is used, Proxmox is
//! asked.

use std::collections::BTreeMap;

use berth_domain::Vmid;
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

/// The right to refresh one cluster's cache.
#[derive(Debug)]
pub struct RefreshLock {
    cluster: String,
    token: String,
}

/// The taken VMIDs; none means that they are not cached, an empty map that there are no guests.
pub async fn taken(redis: &Redis, cluster: &str) -> Result<Option<BTreeMap<Vmid, Guest>>> {
    let text: Option<String> = redis.pool().get(redis.key("vmids", cluster)).await?;
    text.map(|text| {
        serde_json::from_str(&text).map_err(|error| Error::Corrupt(format!("cached VMIDs: {error}")))
    })
    .transpose()
}

/// The right to ask Proxmox for the cluster's guests; none while somebody else is at it.
pub async fn try_refresh_lock(redis: &Redis, cluster: &str) -> Result<Option<RefreshLock>> {
    let lock = RefreshLock { cluster: cluster.into(), token: Uuid::new_v4().to_string() };
    let answer: Option<String> = redis
        .pool()
        .set(
            redis.key("vmids-refresh", cluster),
            &lock.token,
            Some(Expiration::EX(REFRESH)),
            Some(SetOptions::NX),
            false,
        )
        .await?;
    Ok(answer.map(|_| lock))
}

/// Caches what Proxmox said and gives the lock back. False when the cache was invalidated meanwhile: what
/// Proxmox said may be out of date already.
pub async fn store(redis: &Redis, lock: RefreshLock, taken: &BTreeMap<Vmid, Guest>) -> Result<bool> {
    let keys = vec![redis.key("vmids", &lock.cluster), redis.key("vmids-refresh", &lock.cluster)];
    let text = serde_json::to_string(taken).expect("VMIDs are keys that JSON takes");
    let stored: i64 = redis.pool().eval(STORE, keys, vec![lock.token, text, FRESH.to_string()]).await?;
    Ok(stored == 1)
}

/// Gives the lock back when Proxmox did not answer.
pub async fn release(redis: &Redis, lock: RefreshLock) -> Result<()> {
    let keys = vec![redis.key("vmids-refresh", &lock.cluster)];
    let _: i64 = redis.pool().eval(RELEASE, keys, vec![lock.token]).await?;
    Ok(())
}

/// Forgets a cluster's cache, after a guest was made or deleted, and undoes a refresh that is under way.
pub async fn invalidate(redis: &Redis, cluster: &str) -> Result<()> {
    let keys = vec![redis.key("vmids", cluster), redis.key("vmids-refresh", cluster)];
    let _: i64 = redis.pool().del(keys).await?;
    Ok(())
}
