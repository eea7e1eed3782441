//! Queues again what the queue has lost, and throws away what nobody comes back to.

use std::time::Duration;

use berth_operations::container_templates::authoring;
use berth_operations::{Context, actions, creation, drafts, history};

/// How often old drafts and uploads are looked for; the first time is when the worker starts.
const LEFT_BEHIND: Duration = Duration::from_hours(1);

/// Looks for stranded creations and actions until dropped.
pub(crate) async fn run(ctx: Context, interval: Duration) {
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        for (what, queued) in [
            ("creations", creation::requeue_stranded(&ctx).await),
            ("actions", actions::requeue_stranded(&ctx).await),
        ] {
            match queued {
                Ok(0) => {}
                Ok(count) => tracing::info!(count, what, "queued what was stranded"),
                Err(error) => {
                    tracing::warn!(%error, what, "could not look for what is stranded, trying again");
                }
            }
        }
    }
}

/// Looks for old drafts and uploads until dropped.
pub(crate) async fn left_behind(ctx: Context) {
    let mut ticks = tokio::time::interval(LEFT_BEHIND);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        for (what, thrown_away) in [
            ("drafts", drafts::expire(&ctx).await),
            ("uploads", authoring::expire_uploads(&ctx).await),
            ("events", history::expire(&ctx).await),
        ] {
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
