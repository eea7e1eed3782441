//! Waiting for a condition, with a deadline.

use std::time::{Duration, Instant};

/// Far more than anything in a test takes, on a busy machine too.
pub const DEADLINE: Duration = Duration::from_mins(2);
/// Between two questions: short at first, so that a moment in the middle of something is met.
const PAUSES: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(20));

/// Asks until the answer is something; fails the test with `what` when that has not happened within `deadline`.
pub async fn wait_until<T>(deadline: Duration, what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + deadline;
    let mut pause = PAUSES.0;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < end, "not within {deadline:?}: {what}");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}
