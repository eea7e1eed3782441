//! Queues again what the queue has lost, and throws away drafts that nobody comes back to.

use std::time::Duration;

use berth_operations::{Context, creation, drafts};

/// How often old drafts are looked for; the first time is when the worker starts.
const DRAFTS: Duration = Duration::from_hours(1);

/// Looks for stranded creations until dropped.
pub(crate) async fn run(ctx: Context, interval: Duration) {
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match creation::requeue_stranded(&ctx).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "queued stranded creations"),
            Err(error) => tracing::warn!(%error, "could not look for stranded creations, trying again"),
        }
    }
}

/// Looks for old drafts until dropped.
pub(crate) async fn drafts(ctx: Context) {
    let mut ticks = tokio::time::interval(DRAFTS);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        match drafts::expire(&ctx).await {
            Ok(0) => {}
            Ok(count) => tracing::info!(count, "threw old drafts away"),
            Err(error) => tracing::warn!(%error, "could not look for old drafts, trying again in an hour"),
        }
    }
}
