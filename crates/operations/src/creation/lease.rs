//! Keeps a creation's lease while it is worked on, and learns what its owner wants.

use std::time::Duration;

use berth_domain::CreationId;
use berth_store::creations;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::failure::Stop;
use crate::Context;

/// What may end the work from outside.
#[derive(Clone, Debug)]
pub(crate) struct Signals {
    lost: CancellationToken,
    cancelled: CancellationToken,
    shutdown: CancellationToken,
}

impl Signals {
    pub(crate) fn new(shutdown: CancellationToken) -> Self {
        Self { lost: CancellationToken::new(), cancelled: CancellationToken::new(), shutdown }
    }

    /// Waits until one of them is given.
    pub(crate) async fn stopped(&self) -> Stop {
        tokio::select! {
            biased;
            () = self.lost.cancelled() => Stop::LeaseLost,
            () = self.cancelled.cancelled() => Stop::Cancelled,
            () = self.shutdown.cancelled() => Stop::Shutdown,
        }
    }
}

/// Renews the lease three times in its length until dropped.
pub(crate) fn keep(ctx: Context, id: CreationId, owner: String, signals: Signals) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(tokio::spawn(async move {
        let lease = ctx.settings.lease;
        let mut renewed = Instant::now();
        loop {
            tokio::time::sleep(lease / 3).await;
            match renew_within(&ctx, id, &owner, lease / 3).await {
                Ok(cancel_requested) => {
                    renewed = Instant::now();
                    if cancel_requested {
                        signals.cancelled.cancel();
                    }
                }
                Err(berth_store::Error::LeaseLost) => return signals.lost.cancel(),
                // While PostgreSQL is away the work goes on for as long as nobody else can have taken it over.
                Err(error) if renewed.elapsed() + lease / 3 < lease => {
                    tracing::warn!(creation = %id, %error, "could not renew the lease, trying again");
                }
                Err(error) => {
                    tracing::warn!(creation = %id, %error, "the lease ran out, leaving the work to another worker");
                    return signals.lost.cancel();
                }
            }
        }
    }))
}

async fn renew_within(
    ctx: &Context,
    id: CreationId,
    owner: &str,
    deadline: Duration,
) -> berth_store::Result<bool> {
    let renewal = creations::renew(&ctx.pg, id, owner, ctx.settings.lease);
    match tokio::time::timeout(deadline, renewal).await {
        Ok(renewed) => renewed.map(|renewed| renewed.cancel_requested),
        Err(_) => {
            Err(berth_store::Error::Unavailable { service: "PostgreSQL", cause: "no answer in time".into() })
        }
    }
}
