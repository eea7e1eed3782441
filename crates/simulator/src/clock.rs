//! The simulated host's wall clock.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Added to the machine's clock, so that a test can let a ticket or a token expire.
static OFFSET_MS: AtomicI64 = AtomicI64::new(0);

/// Milliseconds since the epoch.
// The simulator stands in for another machine: it shares no code with Berth, hence not Berth's clock either.
#[allow(clippy::disallowed_methods)]
pub fn now_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX) + OFFSET_MS.load(Ordering::Relaxed)
}

/// Seconds since the epoch.
pub fn now() -> i64 {
    now_ms() / 1000
}

/// Moves the simulated clock of this process forward by `seconds`.
pub fn advance(seconds: i64) {
    OFFSET_MS.fetch_add(seconds * 1000, Ordering::Relaxed);
}
