//! What a creation's owner sees of it, and may do with it.

use berth_domain::creation::{Creation, ProgressEvent, Step, StoredEvent};
use berth_domain::{CreationId, UserId};
pub use berth_store::creations::Cancelled;
pub use berth_store::progress::ProgressHub;
use berth_store::{containers, creations, progress};
use futures::Stream;

use crate::{Context, Error, Result};

/// How many events of a page's log are read at most: the newest.
const LOG_EVENTS: i64 = 2000;

/// A creation with what its page shows.
#[derive(Clone, Debug)]
pub struct CreationDetails {
    /// The creation.
    pub creation: Creation,
    /// Its steps, in order.
    pub steps: Vec<Step>,
    /// The name its owner gave the node.
    pub node_name: String,
    /// The container it made.
    pub container: Option<berth_domain::container::Container>,
}

/// One of the user's creations.
pub async fn show(ctx: &Context, user: UserId, id: CreationId) -> Result<CreationDetails> {
    let creation = creations::find(&ctx.pg, user, id).await?.ok_or(Error::NotFound)?;
    let steps = creations::steps(&ctx.pg, user, id).await?;
    let node = berth_store::nodes::find(&ctx.pg, user, creation.node_id).await?.ok_or(Error::NotFound)?;
    let container = match creation.container_id {
        Some(container) => containers::find(&ctx.pg, user, container).await?,
        None => None,
    };
    Ok(CreationDetails { creation, steps, node_name: node.name, container })
}

/// The newest events of one of the user's creations, and whether there are older ones.
pub async fn log(ctx: &Context, user: UserId, id: CreationId) -> Result<(Vec<StoredEvent>, bool)> {
    existing(ctx, user, id).await?;
    let after = progress::last_seq(&ctx.pg, id).await? - LOG_EVENTS;
    let limit = u32::try_from(LOG_EVENTS).unwrap_or(u32::MAX);
    let events = progress::events_after(&ctx.pg, &ctx.redis, id, after.max(0), limit).await?;
    Ok((events, after > 0))
}

/// The events of one of the user's creations after number `after`, those to come included.
pub async fn follow(
    ctx: &Context,
    hub: &ProgressHub,
    user: UserId,
    id: CreationId,
    after: i64,
) -> Result<impl Stream<Item = StoredEvent> + Send + 'static> {
    existing(ctx, user, id).await?;
    Ok(hub.follow(id, after))
}

/// Stops one of the user's creations.
pub async fn cancel(ctx: &Context, user: UserId, id: CreationId) -> Result<Cancelled> {
    let asked = creations::request_cancel(&ctx.pg, &ctx.redis, user, id, ctx.clock.now()).await?;
    if let Some(asked) = asked {
        return Ok(asked);
    }
    existing(ctx, user, id).await?;
    Err(Error::Conflict("This creation has ended already".into()))
}

/// Goes on with a failed or cancelled creation in the phase where it ended.
pub async fn retry(ctx: &Context, user: UserId, id: CreationId) -> Result<()> {
    let queued = creations::retry(&ctx.pg, &ctx.redis, user, id, ctx.clock.now()).await;
    let queued = queued.map_err(|error| match error {
        berth_store::Error::TooManyLive { most } => Error::Conflict(super::too_many(most)),
        error if error.is_conflict(creations::LIVE_VMID) => Error::Conflict(
            "Another creation is using this VMID by now: wait for it, or remove this one and start over"
                .into(),
        ),
        error => error.into(),
    })?;
    if queued {
        super::enqueue(ctx, id).await;
        return Ok(());
    }
    existing(ctx, user, id).await?;
    Err(Error::Conflict("Only a creation that failed or was cancelled can be retried".into()))
}

async fn existing(ctx: &Context, user: UserId, id: CreationId) -> Result<()> {
    if creations::exists(&ctx.pg, user, id).await? { Ok(()) } else { Err(Error::NotFound) }
}

/// Whether the log's reader sees this event as a line.
pub const fn is_line(event: &ProgressEvent) -> bool {
    matches!(event, ProgressEvent::Line { .. } | ProgressEvent::Error { .. } | ProgressEvent::Step { .. })
}
