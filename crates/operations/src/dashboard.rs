//! All containers of somebody, as their nodes last said: built in memory, so that a page costs no call to a node and no query.
//!
//! Each process keeps a [`Dashboard`] per person who looks, and asks their nodes in turn with the other processes
//! ([`refresh`]). What changes in PostgreSQL or is said by a node is announced to all processes ([`live`]).

mod build;
pub mod filter;
mod live;
mod refresh;

use std::sync::Arc;

use berth_domain::action::ActionKind;
use berth_domain::container::Container;
use berth_domain::creation::Creation;
use berth_domain::guest::Usage;
use berth_domain::node::Node;
use berth_domain::{ContainerId, NodeId, UserId, Vmid};
use time::OffsetDateTime;

pub use live::{Live, Watch};
pub use refresh::INTERVAL;

use crate::containers::State;
use crate::{Context, Result};

/// All containers of somebody.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dashboard {
    /// Grows with each change, within one process.
    pub version: u64,
    /// Their nodes, by name.
    pub nodes: Vec<NodeLine>,
    /// Their containers on all nodes, managed and not; not those that are being created.
    pub rows: Vec<Row>,
    /// Creations in flight, and those that ended early, the newest first.
    pub creations: Vec<CreationLine>,
    /// All tags, sorted, each once.
    pub tags: Vec<String>,
}

/// A node and how fresh its list is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeLine {
    /// The node.
    pub id: NodeId,
    /// What its owner calls it.
    pub name: String,
    /// When it last gave its list; none when it never has.
    pub seen_at: Option<OffsetDateTime>,
    /// Why it gives none now: what happened and what to do.
    pub trouble: Option<String>,
    /// How many containers it has.
    pub containers: usize,
}

/// A container.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What Berth knows of it; none where Berth neither made nor adopted it.
    pub container: Option<Arc<Container>>,
    /// Its node.
    pub node_id: NodeId,
    /// What its owner calls that.
    pub node_name: String,
    /// Its number.
    pub vmid: Vmid,
    /// Its host name.
    pub hostname: String,
    /// What it is doing.
    pub state: State,
    /// What is being done to it.
    pub under_way: Option<ActionKind>,
    /// What holds it, such as `backup`.
    pub lock: Option<String>,
    /// What it uses.
    pub usage: Usage,
    /// Its tags.
    pub tags: Vec<String>,
    /// When this was seen, where its node does not say it now.
    pub last_seen: Option<OffsetDateTime>,
    /// What a search looks at, in small letters.
    pub search: String,
}

impl Row {
    /// Its id, where Berth manages it.
    pub fn id(&self) -> Option<ContainerId> {
        self.container.as_ref().map(|container| container.id)
    }
}

/// A creation that has not ended well.
#[derive(Clone, Debug, PartialEq)]
pub struct CreationLine {
    /// The creation.
    pub creation: Creation,
    /// What its owner calls its node.
    pub node_name: String,
    /// What a search looks at, in small letters.
    pub search: String,
}

impl Dashboard {
    /// A managed container.
    pub fn row(&self, id: ContainerId) -> Option<&Row> {
        self.rows.iter().find(|row| row.id() == Some(id))
    }
}

/// The row of one managed container, without the others.
pub(crate) async fn row(ctx: &Context, user: UserId, node: &Node, container: &Container) -> Result<Row> {
    let sighting = refresh::last(ctx, node.id).await?;
    let now = ctx.clock.now();
    let current = build::current(&ctx.pg, user, now).await?;
    Ok(build::managed_row(node, &Arc::new(container.clone()), sighting.as_ref(), &current, now))
}

/// What a node has said is void: it was edited or deleted. Whoever looks has it asked anew at once.
pub(crate) async fn forget_node(ctx: &Context, node: NodeId) {
    if let Err(error) = berth_store::guests::forget(&ctx.redis, node).await {
        tracing::warn!(%node, %error, "what the node said before may be shown until it is asked again");
    }
}
