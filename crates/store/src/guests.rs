//! What nodes last said of their containers. Redis keeps it for all web processes; it is asked for anew while somebody looks.

use std::time::Duration;

use berth_domain::NodeId;
use berth_domain::guest::Sighting;
use fred::interfaces::{KeysInterface as _, LuaInterface as _};
use fred::types::{Expiration, SetOptions};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::redis::Redis;

/// How long a list is kept that nobody looks at, in seconds.
const KEEP: i64 = 30 * 24 * 3600;

/// The lists of those whose version is not the one that the caller has.
const READ: &str = "
local found = {}
for at, key in ipairs(KEYS) do
  local version = redis.call('HGET', key, 'version')
  if not version then found[at] = ''
  elseif version == ARGV[at] then found[at] = '='
  else found[at] = version .. redis.call('HGET', key, 'sighting') end
end
return found";

const STORE: &str = "
redis.call('HSET', KEYS[1], 'version', ARGV[1], 'sighting', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1";

/// Names what was stored, so that it need not be read twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version(Uuid);

/// What is stored of a node, compared with what the caller has.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// Nothing is stored.
    Nothing,
    /// What the caller has.
    Same,
    /// Something else.
    New(Version, Sighting),
}

/// What is stored of these nodes, in their order; of those whose version the caller has, only that.
pub async fn read(redis: &Redis, nodes: &[(NodeId, Option<Version>)]) -> Result<Vec<News>> {
    if nodes.is_empty() {
        return Ok(Vec::new());
    }
    let keys: Vec<String> = nodes.iter().map(|(node, _)| redis.key("guests", node)).collect();
    let known: Vec<String> = nodes
        .iter()
        .map(|(_, version)| version.map(|version| version.0.to_string()).unwrap_or_default())
        .collect();
    let found: Vec<String> = redis.pool().eval(READ, keys, known).await?;
    found.iter().map(|text| news(text)).collect()
}

fn news(text: &str) -> Result<News> {
    match text {
        "" => return Ok(News::Nothing),
        "=" => return Ok(News::Same),
        _ => {}
    }
    let corrupt = |cause: String| Error::Corrupt(format!("a node's stored list of containers: {cause}"));
    let (version, sighting) = text.split_at_checked(36).ok_or_else(|| corrupt("it has no version".into()))?;
    let version = version.parse().map_err(|_| corrupt("its version is none".into()))?;
    let sighting = serde_json::from_str(sighting).map_err(|error| corrupt(error.to_string()))?;
    Ok(News::New(Version(version), sighting))
}

/// Stores what a node said.
pub async fn store(redis: &Redis, node: NodeId, sighting: &Sighting) -> Result<()> {
    let text = serde_json::to_string(sighting).expect("a sighting is plain data");
    let arguments = vec![Uuid::new_v4().to_string(), text, KEEP.to_string()];
    let _: i64 = redis.pool().eval(STORE, vec![redis.key("guests", node)], arguments).await?;
    Ok(())
}

/// Forgets what a node said, and lets it be asked at once: it was edited or deleted.
pub async fn forget(redis: &Redis, node: NodeId) -> Result<()> {
    let _: i64 = redis.pool().del(vec![redis.key("guests", node), redis.key("guests-turn", node)]).await?;
    Ok(())
}

/// Whether it is the caller's turn to ask a node: of all processes one gets it in each `interval`.
pub async fn take_turn(redis: &Redis, node: NodeId, interval: Duration) -> Result<bool> {
    let milliseconds = i64::try_from(interval.as_millis()).unwrap_or(i64::MAX);
    let taken: Option<String> = redis
        .pool()
        .set(
            redis.key("guests-turn", node),
            1,
            Some(Expiration::PX(milliseconds)),
            Some(SetOptions::NX),
            false,
        )
        .await?;
    Ok(taken.is_some())
}
