//! Delivers queued creations and actions to `berth-operations`, and keeps the health of nodes fresh.
//!
//! The queues only carry ids, and may lose, repeat or delay them: the lease in PostgreSQL decides who works, and the [`sweep`] queues
//! again what was stranded. When the loop of one of them stops without being told to, [`run`] ends with an error, so that the process can be
//! started anew.

mod health;
mod sweep;

use std::convert::Infallible;
use std::time::Duration;

use apalis::layers::WorkerBuilderExt;
use apalis::prelude::{BackendExt, Data, Monitor, WorkerBuilder};
use berth_operations::creation::Delivery;
use berth_operations::queue::{ActionJob, CreationJob, Payload, Storage};
use berth_operations::{Context, actions, creation};
use futures::FutureExt;
use tokio_util::sync::CancellationToken;

/// How long running creations may take to hand themselves back.
const SHUTDOWN: Duration = Duration::from_secs(15);
/// How often a queue is asked for work: it does not announce any.
const POLL: Duration = Duration::from_millis(250);
/// How many actions a process works on at once, several people's share. They mostly wait, for Proxmox.
const ACTIONS_AT_ONCE: usize = 4 * actions::SHARE as usize;

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
    let Storage { creations, actions } = storage;
    let (name, for_creations) = (config.name.clone(), shared.clone());
    let creations = Monitor::new()
        .register(move |_| {
            WorkerBuilder::new(name.clone())
                .backend(creations.clone().with_codec(Payload).poll_with_interval(POLL))
                .data(for_creations.clone())
                .concurrency(config.concurrency)
                .build(create)
        })
        // A loop that restarts within the process has been seen to run a job twice at once: let the process end instead.
        .should_restart(|_, _| false);
    let name = config.name.clone();
    // A monitor of its own: one that has two loops goes on when one of them has died.
    let actions = Monitor::new()
        .register(move |_| {
            WorkerBuilder::new(name.clone())
                .backend(actions.clone().with_codec(Payload).poll_with_interval(POLL))
                .data(shared.clone())
                .concurrency(ACTIONS_AT_ONCE)
                .build(act)
        })
        .should_restart(|_, _| false);
    tracing::info!(worker = config.name, concurrency = config.concurrency, "waiting for creations");
    let handles = [creations.context(), actions.context()];
    // Not `run_with_signal`: it goes on waiting for the signal after the loop has died.
    let (creations, actions) = (creations.run(), actions.run());
    tokio::pin!(creations, actions);
    let stopped = |ended: Result<(), String>| {
        let cause = ended.err().unwrap_or_else(|| "no cause given".to_owned());
        if shutdown.is_cancelled() { Ok(()) } else { Err(Error::QueueStopped(cause)) }
    };
    tokio::select! {
        ended = &mut creations => return stopped(ended.map_err(|error| error.to_string())),
        ended = &mut actions => return stopped(ended.map_err(|error| error.to_string())),
        () = sweep::run(ctx.clone(), config.sweep_interval) => {}
        () = sweep::left_behind(ctx.clone()) => {}
        () = health::run(ctx) => {}
        () = shutdown.cancelled() => {}
    }
    let told = handles.iter().all(|handle| handle.shutdown().is_ok());
    let both = futures::future::join(creations, actions);
    if !told || tokio::time::timeout(SHUTDOWN, both).await.is_err() {
        tracing::warn!("not everything was handed back in time; the leases run out");
    }
    Ok(())
}

/// Never fails as far as the queue is concerned: its retries know nothing of leases. What is left undone, the sweep brings again.
async fn create(job: CreationJob, shared: Data<Shared>) -> Result<(), Infallible> {
    let Shared { ctx, owner, shutdown } = (*shared).clone();
    let what = format!("creation {}", job.creation_id);
    see_to(what, Box::pin(creation::deliver(&ctx, job.creation_id, &owner, shutdown))).await;
    Ok(())
}

/// The same with an action.
async fn act(job: ActionJob, shared: Data<Shared>) -> Result<(), Infallible> {
    let Shared { ctx, owner, shutdown } = (*shared).clone();
    let what = format!("action {}", job.action_id);
    see_to(what, Box::pin(actions::deliver(&ctx, job.action_id, &owner, shutdown))).await;
    Ok(())
}

async fn see_to(what: String, delivery: impl Future<Output = berth_operations::Result<Delivery>>) {
    match std::panic::AssertUnwindSafe(delivery).catch_unwind().await {
        Ok(Ok(delivery)) => tracing::info!(what, ?delivery, "a delivery ended"),
        Ok(Err(error)) => tracing::error!(what, %error, "a delivery failed; it will be made again"),
        Err(_) => {
            tracing::error!(what, "a delivery panicked; it will be made again when its lease has run out");
        }
    }
}
