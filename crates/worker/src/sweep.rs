//! Queues again what the queue has lost, and throws away what nobody comes back to.

use std::time::Duration;

use berth_operations::container_templates::authoring;
use berth_operations::{Context, creation, drafts};

/// How often old drafts and uploads are looked for; the first time is when the worker starts.
const LEFT_BEHIND: Duration = Duration::from_hours(1);

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

/// Looks for old drafts and uploads until dropped.
pub(crate) async fn left_behind(ctx: Context) {
    let mut ticks = tokio::time::interval(LEFT_BEHIND);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        for (what, thrown_away) in
            [("drafts", drafts::expire(&ctx).await), ("uploads", authoring::expire_uploads(&ctx).await)]
        {
            match thrown_away {
                Ok(0) => {}
                Ok(count) => tracing::info!(count, what, "threw away what nobody came back to"),
                Err(error) => {
                    tracing::warn!(%error, what, "could not look for old ones, trying again in an hour");
                }
            }
        }
    }
}
