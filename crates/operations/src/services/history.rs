//! What was done inside a container, for its history.

use berth_domain::UserId;

use super::inside::Inside;
use crate::{Context, Result};

/// Records that the user has done this. The one place from which events about the inside of a container go to its history.
#[allow(clippy::unused_async, reason = "storing it will wait for the database")]
pub(super) async fn record_event(
    _ctx: &Context,
    user: UserId,
    inside: &Inside,
    kind: &'static str,
    text: &str,
) -> Result<()> {
    let (container, node) = (&inside.container, &inside.node.name);
    tracing::info!(%user, container = %container.id, vmid = %container.vmid, node, kind, text, "container event");
    Ok(())
}
