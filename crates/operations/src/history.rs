//! What has happened to containers, and who asked for it: kept when container and node are gone.

use berth_domain::container_event::{ContainerEvent, EventKind};
use berth_domain::{ContainerEventId, ContainerId, UserId};
use berth_store::container_events as store;
pub use berth_store::container_events::Filter;

use crate::{Context, Error, Result};

/// Events of one page.
const PAGE: u32 = 50;
/// How many events of one person are kept: years of them.
const MOST: u32 = 20_000;
/// Characters of a search that are looked for.
const LONGEST_SEARCH: usize = 200;

/// A part of the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryPage {
    /// The newest first.
    pub events: Vec<ContainerEvent>,
    /// Where the older ones begin, if there are any: [`Filter::before`] of the next page.
    pub next: Option<ContainerEventId>,
}

/// A page of the user's events.
pub async fn list(ctx: &Context, user: UserId, filter: Filter) -> Result<HistoryPage> {
    let search = filter.search.map(|text| text.trim().chars().take(LONGEST_SEARCH).collect::<String>());
    let filter = Filter { search: search.filter(|text| !text.is_empty()), ..filter };
    let mut events = store::list(&ctx.pg, user, &filter, PAGE + 1).await?;
    let has_more = events.len() > PAGE as usize;
    events.truncate(PAGE as usize);
    let next = events.last().filter(|_| has_more).map(|event| event.id);
    Ok(HistoryPage { events, next })
}

/// The user's newest event of a container that is gone or was forgotten: all that is left of it. [`Error::NotFound`] where there is none.
pub async fn trace(ctx: &Context, user: UserId, container: ContainerId) -> Result<ContainerEvent> {
    let filter = Filter { container: Some(container), ..Filter::default() };
    store::list(&ctx.pg, user, &filter, 1).await?.pop().ok_or(Error::NotFound)
}

/// Writes down what somebody did with one of their containers.
pub async fn record(
    ctx: &Context,
    user: UserId,
    container: ContainerId,
    kind: EventKind,
    text: &str,
) -> Result<()> {
    store::append(&ctx.pg, user, container, (kind, text), ctx.clock.now()).await?;
    Ok(())
}

/// Forgets what is beyond everybody's newest [`MOST`] events; returns how many.
pub async fn expire(ctx: &Context) -> Result<u64> {
    Ok(store::delete_beyond(&ctx.pg, MOST).await?)
}
