//! Which VMIDs of a cluster are taken, as Proxmox last said. A cache: before a VMID is used, Proxmox is
//! asked.
//!
//! Each user has a cache of their own. Which cluster a node belongs to is the node's own word, and one that lies must
//! not read what another user's node has said.
//!
//! A cache is a hash with a field for each taken VMID, so that looking one up costs the same however many there are, and the field
//! [`STATE`], without which it is no cache: no guests and not cached are different.

use std::collections::{BTreeMap, BTreeSet};

use berth_domain::{DraftId, UserId, Vmid};
use fred::interfaces::{HashesInterface as _, KeysInterface as _, LuaInterface as _};
use fred::types::{Expiration, SetOptions};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::redis::Redis;

/// How long the cache is believed, in seconds.
const FRESH: i64 = 5 * 60;
/// How long one refresh keeps others waiting, in seconds: longer than a call to Proxmox may take.
const REFRESH: i64 = 15;
/// Proxmox renews its list of guests about every 10 s: so many seconds after a guest was made or deleted the list may not know it.
const SETTLES: i64 = 15;
/// How long a list is believed that was made while it settles, in seconds.
const UNSETTLED: i64 = 5;
/// How long a submission may keep a VMID to itself, in seconds: longer than it takes.
const CLAIM: i64 = 30;

/// The field of a hash that is a cache, with [`SETTLED`] or something else.
const STATE: &str = "state";
const SETTLED: &str = "settled";

/// Stores only while the lock is still held: a refresh that began before an invalidation comes to nothing. Field by field: a script can
/// unpack only some thousand values at once.
const STORE: &str = "
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
local state, fresh = 'settled', ARGV[2]
if redis.call('EXISTS', KEYS[3]) == 1 then state, fresh = 'settling', ARGV[3] end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'state', state)
for at = 4, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 1]) end
redis.call('EXPIRE', KEYS[1], fresh)
redis.call('DEL', KEYS[2])
return 1";

const RELEASE: &str = "
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])";

/// Claims, and answers who holds it.
const TAKE: &str = "
redis.call('SET', KEYS[1], ARGV[1], 'NX', 'EX', ARGV[2])
return redis.call('GET', KEYS[1])";

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
    /// Cache, lock of the refresh, mark of a change.
    fn keys(&self, redis: &Redis) -> [String; 3] {
        ["vmids", "vmids-refresh", "vmids-changed"]
            .map(|kind| redis.key(kind, format_args!("{}:{}", self.user, self.cluster)))
    }
}

/// What a cache says of one VMID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    /// Who has it.
    pub guest: Option<Guest>,
    /// Whether Proxmox's list had time to follow the last guest that was made or deleted. If not, it may say anything of that guest.
    pub settled: bool,
}

/// The right to refresh one cache.
#[derive(Debug)]
pub struct RefreshLock {
    keys: [String; 3],
    token: String,
}

/// A VMID that a submission keeps to itself while it asks the host.
#[derive(Debug)]
pub struct Claim {
    key: String,
    by: String,
}

/// What is cached of one VMID; none means that nothing is cached.
pub async fn look_up(redis: &Redis, space: &Space, vmid: Vmid) -> Result<Option<Lookup>> {
    let [cached, ..] = space.keys(redis);
    let (state, guest): (Option<String>, Option<String>) =
        redis.pool().hmget(cached, vec![STATE.to_owned(), vmid.to_string()]).await?;
    let Some(state) = state else { return Ok(None) };
    let guest = guest.map(|text| {
        serde_json::from_str(&text).map_err(|error| Error::Corrupt(format!("a cached VMID: {error}")))
    });
    Ok(Some(Lookup { guest: guest.transpose()?, settled: state == SETTLED }))
}

/// The taken VMIDs; none means that they are not cached, an empty set that there are no guests.
pub async fn taken(redis: &Redis, space: &Space) -> Result<Option<BTreeSet<Vmid>>> {
    let [cached, ..] = space.keys(redis);
    let fields: Vec<String> = redis.pool().hkeys(cached).await?;
    let is_cached = fields.iter().any(|field| field == STATE);
    Ok(is_cached.then(|| fields.iter().filter_map(|field| field.parse().ok()).collect()))
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

/// Whether somebody is asking Proxmox for the cluster's guests.
pub async fn is_refreshing(redis: &Redis, space: &Space) -> Result<bool> {
    let [_, lock, _] = space.keys(redis);
    let found: i64 = redis.pool().exists(lock).await?;
    Ok(found == 1)
}

/// Caches what Proxmox said and gives the lock back. False when the cache was invalidated meanwhile: what
/// Proxmox said may be out of date already.
pub async fn store(redis: &Redis, lock: RefreshLock, taken: &BTreeMap<Vmid, Guest>) -> Result<bool> {
    let mut arguments = vec![lock.token, FRESH.to_string(), UNSETTLED.to_string()];
    for (vmid, guest) in taken {
        arguments.push(vmid.to_string());
        arguments.push(serde_json::to_string(guest).expect("a guest has only text"));
    }
    let stored: i64 = redis.pool().eval(STORE, lock.keys.to_vec(), arguments).await?;
    Ok(stored == 1)
}

/// Gives the lock back when Proxmox did not answer.
pub async fn release(redis: &Redis, lock: RefreshLock) -> Result<()> {
    let [_, held, _] = lock.keys;
    let _: i64 = redis.pool().eval(RELEASE, vec![held], vec![lock.token]).await?;
    Ok(())
}

/// Forgets a cache, after a guest was made or deleted, and undoes a refresh that is under way.
pub async fn invalidate(redis: &Redis, space: &Space) -> Result<()> {
    let [cached, lock, changed] = space.keys(redis);
    // Before the lock goes: whoever takes it next must see that there was a change.
    let () = redis.pool().set(changed, 1, Some(Expiration::EX(SETTLES)), None, false).await?;
    let _: i64 = redis.pool().del(vec![cached, lock]).await?;
    Ok(())
}

/// Keeps a VMID of a cluster to a draft that is being submitted; none while another draft has it.
pub async fn claim(redis: &Redis, cluster: &str, vmid: Vmid, draft: DraftId) -> Result<Option<Claim>> {
    let claim =
        Claim { key: redis.key("vmid-claim", format_args!("{vmid}:{cluster}")), by: draft.to_string() };
    let holder: String =
        redis.pool().eval(TAKE, vec![claim.key.clone()], vec![claim.by.clone(), CLAIM.to_string()]).await?;
    Ok((holder == claim.by).then_some(claim))
}

/// Gives a claim back, whether it led to a creation or not.
pub async fn give_back(redis: &Redis, claim: Claim) -> Result<()> {
    let _: i64 = redis.pool().eval(RELEASE, vec![claim.key], vec![claim.by]).await?;
    Ok(())
}
