//! The user's nodes and how they are.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use berth_domain::UserId;
use berth_domain::node::Node;
use berth_domain::node_health::{ClusterMember, NodeHealth};
use berth_store::node_health::{self, ContainerName};

use crate::{Context, Result};

/// A check that nobody makes for so long says that no worker runs.
const GRACE: Duration = Duration::from_mins(1);

/// A node, what Berth has on it, and how it was when a worker last looked.
#[derive(Clone, Debug)]
pub struct NodeOverview {
    /// The node.
    pub node: Node,
    /// The managed containers on it, by number.
    pub containers: Vec<ContainerName>,
    /// How it was.
    pub health: NodeHealth,
    /// Nobody looks: what is known of its health is out of date.
    pub is_overdue: bool,
    /// Members of its cluster that the user has not added. Each is offered by one of their nodes.
    pub offers: Vec<ClusterMember>,
}

/// The user's nodes by name. No node is asked anything.
pub async fn list(ctx: &Context, user: UserId) -> Result<Vec<NodeOverview>> {
    let nodes = berth_store::nodes::list(&ctx.pg, user).await?;
    let known = node_health::overview(&ctx.pg, user, GRACE).await?;
    let mut known: HashMap<_, _> = known.into_iter().map(|each| (each.node_id, each)).collect();
    let overviews = nodes.into_iter().filter_map(|node| {
        let node_health::Overview { health, is_overdue, containers, .. } = known.remove(&node.id)?;
        Some(NodeOverview { node, containers, health, is_overdue, offers: Vec::new() })
    });
    let mut overviews: Vec<_> = overviews.collect();
    offer_members(&mut overviews);
    Ok(overviews)
}

fn offer_members(overviews: &mut [NodeOverview]) {
    let place = |node: &Node, name: &str| (node.cluster.clone(), name.to_owned());
    let mut there: HashSet<_> =
        overviews.iter().map(|each| place(&each.node, &each.node.pve_node_name)).collect();
    for NodeOverview { node, health, offers, .. } in overviews {
        let members = health.members.iter();
        offers.extend(members.filter(|member| there.insert(place(node, &member.name))).cloned());
    }
}

/// The cluster's name from a node's cluster key; none for a standalone host.
pub fn cluster_name(key: &str) -> Option<&str> {
    let name = key.strip_prefix("cluster:")?;
    Some(name.split_once(':').map_or(name, |(name, _)| name))
}
