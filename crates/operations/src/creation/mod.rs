//! Makes a container and provisions it, in five phases, each safe to repeat.
//!
//! The row in PostgreSQL is the truth. Whoever holds its lease works on it, and looks at the host before each act, so that a worker may die
//! at any point: the next one finds what was done and goes on. The queue only says that there is something to do.

mod bundle;
mod create;
mod deploy;
mod failure;
mod finalize;
pub mod form;
mod frames;
#[cfg(test)]
mod guest_properties;
#[cfg(test)]
mod guest_tests;
mod job;
mod lines;
mod order;
pub mod rehearsal;
mod remove;
mod start;
mod steps;
mod submit;
mod sync;
mod watch;

use std::time::Duration;

use berth_domain::CreationId;
use berth_domain::creation::{CreationSpec, Phase};
use berth_proxmox::lxc::CreateContainer;
use berth_store::creations;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::lease::{self, Renewed, Signals, Stop};
use crate::{Context, Error, Result, vmids};
pub(crate) use failure::task_text;
use failure::{Failure, Outcome};
use job::Job;
pub(crate) use job::address_of_interfaces;

pub use form::{
    BucketChoice, ChosenPackages, CreationForm, Original, PackageChoice, ScriptChoice, like, recall,
};
pub use remove::remove_and_start_over;
pub use submit::{submit, submit_as_read};
pub use watch::{Cancelled, CreationDetails, ProgressHub, cancel, follow, is_line, log, retry, show};

/// First and longest pause between attempts at a host that does not answer.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(15));

/// How often a creation is taken, since it was submitted or last retried, before it is given up: by then it breaks whoever works on it.
const MOST_DELIVERIES: u32 = 50;

/// What became of a delivered creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It came to an end: ready, failed or cancelled.
    Ended,
    /// Another worker has it, or it had ended before.
    NothingToDo,
    /// It was handed back, or taken over; it will be delivered again.
    LeftToOthers,
}

/// Goes on with a creation until it ends, or until `shutdown` is given: then it is handed back at once.
///
/// `owner` names this worker process and must be unique among all that run. It may be delivered any number of times.
pub async fn deliver(
    ctx: &Context,
    id: CreationId,
    owner: &str,
    shutdown: CancellationToken,
) -> Result<Delivery> {
    let Some(claimed) = creations::claim(&ctx.pg, id, owner, ctx.settings.lease).await? else {
        return Ok(Delivery::NothingToDo);
    };
    tracing::info!(creation = %id, phase = %claimed.creation.phase, deliveries = claimed.deliveries, "took a creation");
    if claimed.deliveries > MOST_DELIVERIES {
        return leave(ctx, id, owner).await;
    }
    let signals = Signals::new(shutdown);
    let keeper = keep_lease(ctx, id, owner, signals.clone());
    let mut job = match Job::open(ctx.clone(), claimed.creation, owner.to_owned()).await {
        Ok(job) => job,
        Err(error) => return give_up(ctx, id, owner, error).await,
    };
    let ended = tokio::select! {
        ended = all_phases(&mut job) => ended,
        stop = signals.stopped() => Err(Failure::Stopped(stop)),
    };
    let delivery = conclude(&mut job, ended).await;
    drop(keeper);
    delivery
}

fn keep_lease(ctx: &Context, id: CreationId, owner: &str, signals: Signals) -> AbortOnDropHandle<()> {
    let (pg, lease, owner) = (ctx.pg.clone(), ctx.settings.lease, owner.to_owned());
    lease::keep(format!("creation {id}"), lease, signals, move || {
        let (pg, owner) = (pg.clone(), owner.clone());
        async move {
            let renewed = creations::renew(&pg, id, &owner, lease).await?;
            Ok(if renewed.cancel_requested { Renewed::CancelRequested } else { Renewed::Held })
        }
    })
}

/// What `POST /nodes/{node}/lxc` is sent for this specification. [`Error::Conflict`] for one that no form accepts.
pub fn request(spec: &CreationSpec, id: CreationId) -> Result<CreateContainer> {
    create::request(spec, id)
        .map_err(|failure| Error::Conflict(format!("the container cannot be asked for: {failure:?}")))
}

/// Puts a creation in the queue. A push that fails is no harm: the sweep makes up for it.
async fn enqueue(ctx: &Context, id: CreationId) {
    let queued = async {
        ctx.queue.enqueue(id).await.map_err(|error| error.to_string())?;
        creations::mark_enqueued(&ctx.pg, id).await.map_err(|error| error.to_string())
    };
    if let Err(error) = queued.await {
        tracing::warn!(creation = %id, error, "could not queue a creation; the sweep will");
    }
}

/// Puts creations that nobody works on, and that were not queued lately, in the queue; returns how many.
pub async fn requeue_stranded(ctx: &Context) -> Result<usize> {
    let stranded = creations::stranded(&ctx.pg, ctx.settings.lease).await?;
    for id in &stranded {
        ctx.queue.enqueue(*id).await.map_err(|error| Error::Internal(Box::new(error)))?;
    }
    Ok(stranded.len())
}

async fn all_phases(job: &mut Job) -> Outcome<()> {
    let mut phase = job.creation.phase;
    loop {
        job.set_phase(phase, phase.percent().0.max(job.creation.percent)).await?;
        patiently(job, phase).await?;
        match phase.next() {
            Some(next) => phase = next,
            None => return Ok(()),
        }
    }
}

/// Repeats a phase while its host does not answer, for as long as the settings allow.
async fn patiently(job: &mut Job, phase: Phase) -> Outcome<()> {
    let mut waiting: Option<(Instant, String)> = None;
    let mut pause = PAUSES.0;
    loop {
        let failure = match run(job, phase).await {
            Ok(()) => return Ok(()),
            Err(failure) if failure.may_pass() => failure,
            Err(failure) => return Err(failure),
        };
        job.drop_ssh();
        let text = describe(job, &failure);
        tracing::warn!(creation = %job.creation.id, %phase, cause = %text, "a phase was interrupted, trying again");
        let since = waiting.as_ref().map_or_else(Instant::now, |(since, _)| *since);
        if since.elapsed() > job.ctx.settings.patience {
            return Err(failure);
        }
        if waiting.as_ref().is_none_or(|(_, told)| *told != text) {
            job.warn(format!("{text}. Trying again")).await?;
        }
        waiting = Some((since, text));
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}

async fn run(job: &mut Job, phase: Phase) -> Outcome<()> {
    if phase != Phase::Creating {
        create::still_ours(job).await?;
    }
    match phase {
        Phase::Creating => create::run(job).await,
        Phase::Starting => start::run(job).await,
        Phase::Deploying => deploy::run(job).await,
        Phase::Syncing => sync::run(job).await,
        Phase::Finalizing => finalize::run(job).await,
    }
}

fn describe(job: &Job, failure: &Failure) -> String {
    match failure {
        Failure::Host(error) => format!("{}: {error}", job.node_name()),
        Failure::Broken(text) => text.clone(),
        Failure::Store(error) => error.to_string(),
        Failure::Stopped(_) => "stopped".to_owned(),
    }
}

async fn conclude(job: &mut Job, ended: Outcome<()>) -> Result<Delivery> {
    let outcome = match ended {
        Ok(()) => creations::Outcome::Ready,
        Err(Failure::Stopped(Stop::LeaseLost)) => return Ok(Delivery::LeftToOthers),
        Err(Failure::Stopped(Stop::Shutdown)) => return hand_back(job).await,
        Err(Failure::Stopped(Stop::Cancelled)) => {
            stop_remote(job).await;
            creations::Outcome::Cancelled
        }
        Err(failure @ Failure::Store(_)) => {
            tracing::error!(creation = %job.creation.id, ?failure, "the database refused a creation's progress");
            return hand_back(job).await;
        }
        Err(failure) => creations::Outcome::Failed { message: describe(job, &failure) },
    };
    tracing::info!(creation = %job.creation.id, ?outcome, "a creation ended");
    let (pg, redis) = (&job.ctx.pg, &job.ctx.redis);
    let now = job.ctx.clock.now();
    let finished = creations::finish(pg, redis, job.creation.id, &job.owner, &outcome, now).await;
    // It reserves its VMID no longer: from now on only Proxmox tells whether a container has it.
    vmids::invalidate(&job.ctx, job.cluster()).await;
    match finished {
        Ok(_) => Ok(Delivery::Ended),
        Err(berth_store::Error::LeaseLost) => Ok(Delivery::LeftToOthers),
        Err(error) => Err(error.into()),
    }
}

fn too_many(most: i64) -> String {
    format!(
        "You have {most} creations under way, and may not have more at once. Wait until one has ended, or cancel one"
    )
}

async fn hand_back(job: &Job) -> Result<Delivery> {
    creations::release(&job.ctx.pg, job.creation.id, &job.owner).await?;
    enqueue(&job.ctx, job.creation.id).await;
    Ok(Delivery::LeftToOthers)
}

/// Ends what still runs on the host for a cancelled creation; what cannot be reached is left and said so.
async fn stop_remote(job: &mut Job) {
    job.drop_ssh();
    let ended = match job.creation.phase {
        Phase::Creating | Phase::Starting => stop_task(job).await,
        Phase::Syncing => sync::cancel(job).await,
        Phase::Deploying | Phase::Finalizing => Ok(()),
    };
    if let Err(failure) = ended {
        let text = describe(job, &failure);
        if job.warn(format!("What runs on the host could not be ended: {text}")).await.is_err() {
            tracing::warn!(creation = %job.creation.id, cause = %text, "what runs for a cancelled creation could not be ended");
        }
    }
}

async fn stop_task(job: &Job) -> Outcome<()> {
    let Some(upid) = job.creation.upid.as_deref().and_then(|upid| upid.parse().ok()) else { return Ok(()) };
    Ok(job.client().stop_task(&upid).await?)
}

/// A creation that so many workers have begun and none has ended.
async fn leave(ctx: &Context, id: CreationId, owner: &str) -> Result<Delivery> {
    tracing::error!(creation = %id, "a creation never comes to an end");
    let message = format!(
        "It was begun {MOST_DELIVERIES} times and never came to an end: the worker's log has the cause. Retry goes on with it"
    );
    let outcome = creations::Outcome::Failed { message };
    creations::finish(&ctx.pg, &ctx.redis, id, owner, &outcome, ctx.clock.now()).await?;
    Ok(Delivery::Ended)
}

/// A creation whose node's row or secrets cannot be read fails at once: no retry helps.
async fn give_up(ctx: &Context, id: CreationId, owner: &str, error: Error) -> Result<Delivery> {
    tracing::error!(creation = %id, %error, "a creation's node cannot be opened");
    let message = match error {
        Error::Node(trouble) => trouble.to_string(),
        Error::Conflict(text) => text,
        _ => "The node of this creation cannot be opened: the worker's log has the cause".to_owned(),
    };
    let outcome = creations::Outcome::Failed { message };
    creations::finish(&ctx.pg, &ctx.redis, id, owner, &outcome, ctx.clock.now()).await?;
    Ok(Delivery::Ended)
}
