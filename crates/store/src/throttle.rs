//! Limits on how often something may be tried.

use std::time::Duration;

use fred::interfaces::{KeysInterface as _, LuaInterface as _};
use sha2::{Digest as _, Sha256};

use crate::error::Result;
use crate::redis::Redis;

/// Counts a try; answers 0 when it is allowed, else the milliseconds until the window ends. The window begins
/// with its first try, and refused tries do not extend it.
const HIT: &str = "
local tries = redis.call('INCR', KEYS[1])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  left = tonumber(ARGV[2])
end
if tries <= tonumber(ARGV[1]) then return 0 end
return math.max(left, 1)";

/// Whether a try is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Go on.
    Allowed,
    /// Too many: come back after so many seconds, at least 1.
    RetryAfter(u64),
}

/// Counts a try of `who` (an address, an account) at `what`, with at most `limit` in each `window`.
pub async fn hit(redis: &Redis, what: &str, who: &str, limit: u32, window: Duration) -> Result<Verdict> {
    let window = i64::try_from(window.as_millis()).unwrap_or(i64::MAX);
    let left: u64 =
        redis.pool().eval(HIT, vec![key(redis, what, who)], vec![i64::from(limit), window]).await?;
    Ok(if left == 0 { Verdict::Allowed } else { Verdict::RetryAfter(left.div_ceil(1000)) })
}

/// Forgets the tries of `who` at `what`.
pub async fn reset(redis: &Redis, what: &str, who: &str) -> Result<()> {
    let _: i64 = redis.pool().del(key(redis, what, who)).await?;
    Ok(())
}

/// Hashed, because people type passwords into the field for the user name.
fn key(redis: &Redis, what: &str, who: &str) -> String {
    redis.key("throttle", format_args!("{what}:{}", hex::encode(Sha256::digest(who))))
}
