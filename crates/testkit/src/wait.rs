//! Waiting for a condition, with a deadline.

use std::time::{Duration, Instant};

/// Far more than anything in a test takes.
pub const DEADLINE: Duration = Duration::from_secs(60);
/// Short, so that a moment in the middle of something is met.
const PAUSE: Duration = Duration::from_millis(3);

/// Asks until the answer is something; fails the test with `what` when that has not happened within `deadline`.
pub async fn wait_until<T, F>(deadline: Duration, what: &str, mut ask: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let end = Instant::now() + deadline;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < end, "not within {deadline:?}: {what}");
        tokio::time::sleep(PAUSE).await;
    }
}
