//! Keeps a lease while its holder works, and learns what may end the work from outside.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// Who told the work to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Another worker has the lease, or we could not renew it in time: write nothing more.
    LeaseLost,
    /// The owner asked for it.
    Cancelled,
    /// This process ends; another goes on.
    Shutdown,
}

/// What a renewal tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Renewed {
    /// Go on.
    Held,
    /// The owner has asked to stop.
    CancelRequested,
}

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

/// Renews a lease of this length three times in it until dropped; `what` names it in the log.
pub(crate) fn keep<F>(
    what: String,
    lease: Duration,
    signals: Signals,
    renew: impl Fn() -> F + Send + 'static,
) -> AbortOnDropHandle<()>
where
    F: Future<Output = berth_store::Result<Renewed>> + Send,
{
    AbortOnDropHandle::new(tokio::spawn(async move {
        let mut renewed = Instant::now();
        loop {
            tokio::time::sleep(lease / 3).await;
            match within(lease / 3, renew()).await {
                Ok(told) => {
                    renewed = Instant::now();
                    if told == Renewed::CancelRequested {
                        signals.cancelled.cancel();
                    }
                }
                Err(berth_store::Error::LeaseLost) => return signals.lost.cancel(),
                // While PostgreSQL is away the work goes on for as long as nobody else can have taken it over.
                Err(error) if renewed.elapsed() + lease / 3 < lease => {
                    tracing::warn!(%what, %error, "could not renew the lease, trying again");
                }
                Err(error) => {
                    tracing::warn!(%what, %error, "the lease ran out, leaving the work to another worker");
                    return signals.lost.cancel();
                }
            }
        }
    }))
}

async fn within<F>(deadline: Duration, renewal: F) -> berth_store::Result<Renewed>
where
    F: Future<Output = berth_store::Result<Renewed>>,
{
    tokio::time::timeout(deadline, renewal).await.unwrap_or_else(|_| {
        Err(berth_store::Error::Unavailable { service: "PostgreSQL", cause: "no answer in time".into() })
    })
}
