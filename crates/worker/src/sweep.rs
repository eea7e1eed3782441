//! Queues again what the queue has lost.

use std::time::Duration;

use berth_operations::{Context, creation};

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
