//! Delivers queued creations to `berth-operations`, and keeps the health of nodes fresh.
//!
//! The queue only carries ids, and may lose, repeat or delay them: the lease in PostgreSQL decides who works, and the [`sweep`] queues
//! again what was stranded. When the queue's loop stops without being told to, [`run`] ends with an error, so that the process can be
//! started anew.

mod health;
mod sweep;

use std::time::Duration;

use apalis::layers::WorkerBuilderExt;
use apalis::prelude::{BackendExt, Data, Monitor, WorkerBuilder};
use berth_operations::queue::{CreationJob, Payload, Storage};
use berth_operations::{Context, creation};
use futures::FutureExt;
use tokio_util::sync::CancellationToken;

/// How long running creations may take to hand themselves back.
const SHUTDOWN: Duration = Duration::from_secs(15);
/// How often the queue is asked for work: it does not announce any.
const POLL: Duration = Duration::from_millis(250);

/// What a worker process needs.
#[derive(Clone, Debug)]
pub struct Config {
    /// Names this process; unique among all that ever share the queue.
    pub name: String,
    /// How many creations it works on at once.
    pub concurrency: usize,
    /// How often it looks for stranded creations.
    pub sweep_interval: Duration,
}

impl Config {
    /// A process with a name of its own.
    pub fn new(concurrency: usize) -> Self {
        Self {
            name: format!("worker-{}", uuid::Uuid::now_v7()),
            concurrency,
            sweep_interval: Duration::from_secs(5),
        }
    }
}

/// Why a worker ended without being told to.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The queue's loop stopped, as after a stall or restart of Redis.
    #[error("the job queue's loop stopped: {0}. Start the worker again")]
    QueueStopped(String),
}

#[derive(Clone)]
struct Shared {
    ctx: Context,
    owner: String,
    shutdown: CancellationToken,
}

/// Works until `shutdown` is given; then every creation is handed back and the answer is `Ok`.
pub async fn run(
    ctx: Context,
    storage: Storage,
    config: Config,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    let shared = Shared { ctx: ctx.clone(), owner: config.name.clone(), shutdown: shutdown.clone() };
    let name = config.name.clone();
    let monitor = Monitor::new()
        .register(move |_| {
            WorkerBuilder::new(name.clone())
                .backend(storage.clone().with_codec(Payload).poll_with_interval(POLL))
                .data(shared.clone())
                .concurrency(config.concurrency)
                .build(work)
        })
        // A loop that restarts within the process has been seen to run a job twice at once: let the process end instead.
        .should_restart(|_, _| false);
    tracing::info!(worker = config.name, concurrency = config.concurrency, "waiting for creations");
    let handle = monitor.context();
    // Not `run_with_signal`: it goes on waiting for the signal after the loop has died.
    let queue = monitor.run();
    tokio::pin!(queue);
    tokio::select! {
        ended = &mut queue => {
            let cause = ended.map_or_else(|error| error.to_string(), |()| "no cause given".to_owned());
            return if shutdown.is_cancelled() { Ok(()) } else { Err(Error::QueueStopped(cause)) };
        }
        () = sweep::run(ctx.clone(), config.sweep_interval) => {}
        () = sweep::left_behind(ctx.clone()) => {}
        () = health::run(ctx) => {}
        () = shutdown.cancelled() => {}
    }
    if handle.shutdown().is_err() || tokio::time::timeout(SHUTDOWN, queue).await.is_err() {
        tracing::warn!("some creations were not handed back in time; their leases run out");
    }
    Ok(())
}

/// Never fails as far as the queue is concerned: its retries know nothing of leases. What is left undone, the sweep brings again.
async fn work(job: CreationJob, shared: Data<Shared>) -> Result<(), std::convert::Infallible> {
    let Shared { ctx, owner, shutdown } = (*shared).clone();
    let delivery = creation::deliver(&ctx, job.creation_id, &owner, shutdown);
    match std::panic::AssertUnwindSafe(delivery).catch_unwind().await {
        Ok(Ok(delivery)) => tracing::info!(creation = %job.creation_id, ?delivery, "a delivery ended"),
        Ok(Err(error)) => {
            tracing::error!(creation = %job.creation_id, %error, "a delivery failed; it will be made again");
        }
        Err(_) => {
            tracing::error!(creation = %job.creation_id, "a delivery panicked; it will be made again when its lease has run out");
        }
    }
    Ok(())
}
