//! Start, shutdown, stop, restart, delete and adopt: asked by a person, done by a worker, once.
//!
//! The row in PostgreSQL is the truth, as with creations: whoever holds its lease works on it. Before anything is sent, what stands under the
//! VMID is compared with what Berth knows ([`crate::identity`]), and it is noted that something is about to be sent; whoever takes over after
//! a crash, or a lost answer, looks for the task on the host first.

mod adopt;
mod failure;
mod job;
mod sent;
mod whereabouts;
mod words;

use std::time::Duration;

use berth_domain::action::{Action, ActionKind, Remedy};
use berth_domain::{ActionId, ContainerId, UserId};
pub use berth_store::container_actions::Wanted;
use berth_store::container_actions::{self as store, Claimed, Requested};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

pub use crate::creation::Delivery;
use crate::lease::{self, Renewed, Signals, Stop};
use crate::{Context, Error, Result};
use failure::{Failure, Outcome};
use job::{Ended, Job};

/// How long a shutdown may take inside the container, in seconds.
pub const SHUTDOWN_SECONDS: u32 = 60;

/// How many actions of one person are worked on at once.
pub const SHARE: u32 = 8;

/// First and longest pause between attempts at a host that does not answer.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(5));
/// How long a node may be silent before anything was sent: somebody waits for it, and may ask again.
const PATIENCE: Duration = Duration::from_secs(15);
/// How often an action is taken before it is given up: by then it breaks whoever works on it.
const MOST_DELIVERIES: u32 = 50;

/// Asks for something to be done to one of the user's containers, and answers what is under way: this, or what was asked for before.
///
/// Whether the container's state allows it is the worker's to see, who looks at the host: what is known here may be older than the last click.
pub async fn request(ctx: &Context, user: UserId, container: ContainerId, wanted: Wanted) -> Result<Action> {
    let mut conn = ctx.pg.acquire().await.map_err(berth_store::Error::from)?;
    let requested = store::request(&mut conn, user, container, wanted, ctx.clock.now()).await?;
    match requested.ok_or(Error::NotFound)? {
        Requested::Queued(action) => {
            tracing::info!(%user, %container, kind = %wanted.kind, "an action was asked for");
            enqueue(ctx, action.id).await;
            Ok(action)
        }
        Requested::UnderWay(action) => Ok(action),
        Requested::BeingCreated => Err(Error::Conflict(
            "This container is still being created: wait until it is ready, or cancel its creation".into(),
        )),
    }
}

/// Deletes one of the user's containers, once its host name was typed.
pub async fn delete(
    ctx: &Context,
    user: UserId,
    container: ContainerId,
    typed: &str,
    (purge, stop_first): (bool, bool),
) -> Result<Action> {
    let found = berth_store::containers::find(&ctx.pg, user, container).await?.ok_or(Error::NotFound)?;
    if typed.trim() != found.hostname {
        let message = format!("Type {} to delete it", found.hostname);
        return Err(crate::FieldErrors::one("hostname", message).into());
    }
    request(ctx, user, container, Wanted { kind: ActionKind::Delete, purge, stop_first }).await
}

/// What was last asked of one of the user's containers, gone ones included.
pub async fn last(ctx: &Context, user: UserId, container: ContainerId) -> Result<Option<Action>> {
    Ok(store::last(&ctx.pg, user, container).await?)
}

/// Forgets that the last action on a container failed.
pub async fn dismiss(ctx: &Context, user: UserId, container: ContainerId) -> Result<()> {
    if store::dismiss(&ctx.pg, user, container).await? {
        return Ok(());
    }
    // Dismissed in another tab, or there is no such container.
    berth_store::containers::find(&ctx.pg, user, container).await?.map(drop).ok_or(Error::NotFound)
}

/// Puts an action in the queue. A push that fails is no harm: the sweep makes up for it.
pub(crate) async fn enqueue(ctx: &Context, id: ActionId) {
    let queued = async {
        ctx.queue.enqueue_action(id).await.map_err(|error| error.to_string())?;
        store::mark_enqueued(&ctx.pg, id).await.map_err(|error| error.to_string())
    };
    if let Err(error) = queued.await {
        tracing::warn!(action = %id, error, "could not queue an action; the sweep will");
    }
}

/// Puts actions that nobody works on, and that were not queued lately, in the queue; returns how many.
pub async fn requeue_stranded(ctx: &Context) -> Result<usize> {
    let stranded = store::stranded(&ctx.pg, ctx.settings.lease).await?;
    for id in &stranded {
        ctx.queue.enqueue_action(*id).await.map_err(|error| Error::Internal(Box::new(error)))?;
    }
    Ok(stranded.len())
}

/// Goes on with an action until it ends, or until `shutdown` is given: then it is handed back at once. It may be delivered any number of
/// times; `owner` names this worker process.
pub async fn deliver(
    ctx: &Context,
    id: ActionId,
    owner: &str,
    shutdown: CancellationToken,
) -> Result<Delivery> {
    let Some(claimed) = store::claim(&ctx.pg, id, owner, ctx.settings.lease, SHARE).await? else {
        return Ok(Delivery::NothingToDo);
    };
    let user = claimed.user;
    tracing::info!(action = %id, kind = %claimed.wanted.kind, deliveries = claimed.deliveries, "took an action");
    let signals = Signals::new(shutdown);
    let keeper = keep_lease(ctx, id, owner, signals.clone());
    let delivery = match Job::open(ctx.clone(), claimed.clone(), owner).await {
        Ok(mut job) => {
            let ended = tokio::select! {
                ended = patiently(&mut job) => ended,
                stop = signals.stopped() => Err(Failure::Stopped(stop)),
            };
            conclude(&job, ended).await
        }
        Err(error) => give_up(ctx, &claimed, owner, error).await,
    };
    drop(keeper);
    // What was more than this person's share was not taken: now there is room for it.
    if let Some(next) = store::waiting(&ctx.pg, user).await? {
        enqueue(ctx, next).await;
    }
    delivery
}

fn keep_lease(ctx: &Context, id: ActionId, owner: &str, signals: Signals) -> AbortOnDropHandle<()> {
    let (pg, lease, owner) = (ctx.pg.clone(), ctx.settings.lease, owner.to_owned());
    lease::keep(format!("action {id}"), lease, signals, move || {
        let (pg, owner) = (pg.clone(), owner.clone());
        async move { store::renew(&pg, id, &owner, lease).await.map(|()| Renewed::Held) }
    })
}

/// Repeats while the host does not answer: shortly before anything was sent, and afterwards for as long as the settings allow.
async fn patiently(job: &mut Job) -> Outcome<Ended> {
    if job.action.deliveries > MOST_DELIVERIES {
        return Err(Failure::refused(format!(
            "It was begun {MOST_DELIVERIES} times and never came to an end: the worker's log has the cause"
        )));
    }
    let since = Instant::now();
    let mut pause = PAUSES.0;
    loop {
        let failure = match job.attempt().await {
            Ok(ended) => return Ok(ended),
            Err(failure) if failure.may_pass() => failure,
            Err(failure) => return Err(failure),
        };
        tracing::warn!(action = %job.action.id, ?failure, "an action was interrupted, trying again");
        let patience = if job.may_be_sent() { job.ctx.settings.patience } else { PATIENCE };
        if since.elapsed() > patience {
            return Err(failure);
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}

async fn conclude(job: &Job, ended: Outcome<Ended>) -> Result<Delivery> {
    let (error, remedy) = match ended {
        Ok(ended) => return finish(job, &ended).await,
        Err(Failure::Stopped(Stop::LeaseLost)) => return Ok(Delivery::LeftToOthers),
        Err(Failure::Stopped(Stop::Shutdown | Stop::Cancelled)) => return hand_back(job).await,
        Err(Failure::Store(error)) => {
            tracing::error!(action = %job.action.id, %error, "the database refused an action's progress");
            return hand_back(job).await;
        }
        Err(Failure::Host(error)) => (format!("{}: {error}", job.node_name()), None),
        Err(Failure::Refused { text, remedy }) => (text, remedy),
    };
    if job.action.wanted.kind == ActionKind::Delete {
        // A part of it may have been done.
        job.forget_vmids().await;
    }
    let again = (job.action.wanted.kind == ActionKind::Adopt).then_some(Remedy::Adopt);
    let text = format!("{}: {error}", words::noun(job.action.wanted.kind));
    let end = store::End::Failed { error: &error, remedy: remedy.or(again), text: &text };
    ended_as(store::finish(&job.ctx.pg, &job.action, &job.owner, end, job.ctx.clock.now()).await)
}

async fn finish(job: &Job, ended: &Ended) -> Result<Delivery> {
    let kind = words::event(job.action.wanted.kind);
    let gone = job.action.wanted.kind == ActionKind::Delete;
    tracing::info!(action = %job.action.id, ?ended, "an action is done");
    let end = store::End::Done { kind, text: &ended.text, gone };
    let finished = store::finish(&job.ctx.pg, &job.action, &job.owner, end, job.ctx.clock.now()).await;
    if gone {
        job.forget_vmids().await;
    }
    ended_as(finished)
}

fn ended_as(finished: berth_store::Result<()>) -> Result<Delivery> {
    match finished {
        Ok(()) => Ok(Delivery::Ended),
        Err(berth_store::Error::LeaseLost) => Ok(Delivery::LeftToOthers),
        Err(error) => Err(error.into()),
    }
}

async fn hand_back(job: &Job) -> Result<Delivery> {
    store::release(&job.ctx.pg, job.action.id, &job.owner).await?;
    enqueue(&job.ctx, job.action.id).await;
    Ok(Delivery::LeftToOthers)
}

/// An action whose node's row or secrets cannot be read fails at once: no retry helps.
async fn give_up(ctx: &Context, action: &Claimed, owner: &str, error: Error) -> Result<Delivery> {
    tracing::error!(action = %action.id, %error, "an action's node cannot be opened");
    let error = match error {
        Error::Node(trouble) => trouble.to_string(),
        Error::Conflict(text) => text,
        _ => "The node of this container cannot be opened: the worker's log has the cause".to_owned(),
    };
    let text = format!("{}: {error}", words::noun(action.wanted.kind));
    let end = store::End::Failed { error: &error, remedy: None, text: &text };
    ended_as(store::finish(&ctx.pg, action, owner, end, ctx.clock.now()).await)
}
