//! Asks nodes how they are, so that pages need not.

use std::time::Duration;

use berth_operations::Context;
use berth_operations::nodes::health::{self, Taken};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{MissedTickBehavior, interval, timeout};

/// How many nodes are asked at once by one worker.
const AT_ONCE: usize = 16;
/// How often it is looked for nodes that are due.
const LOOK: Duration = Duration::from_secs(1);
/// Far more than a check takes: each of its calls has a deadline of its own.
const WHOLE: Duration = Duration::from_mins(1);

/// Checks nodes until dropped; checks that are under way then end, too.
pub(crate) async fn run(ctx: Context) {
    let mut checks = JoinSet::new();
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        while let Some(ended) = checks.try_join_next() {
            log(ended);
        }
        let free = AT_ONCE - checks.len();
        if free == 0 {
            continue;
        }
        match health::take_due(&ctx, free).await {
            Ok(taken) => taken.into_iter().for_each(|taken| drop(checks.spawn(check(ctx.clone(), taken)))),
            Err(error) => tracing::warn!(%error, "could not look for nodes to check, trying again"),
        }
    }
}

async fn check(ctx: Context, taken: Taken) {
    match timeout(WHOLE, health::check(&ctx, taken)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::warn!(node = %taken.lease.node, %error, "a node was not checked, trying again");
        }
        Err(_) => tracing::error!(node = %taken.lease.node, "the check of a node did not end"),
    }
}

fn log(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "the check of a node panicked");
    }
}
