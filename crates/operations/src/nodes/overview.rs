//! The user's nodes and how they are.

use std::time::Duration;

use berth_domain::container::Container;
use berth_domain::node::Node;
use berth_domain::{Fingerprint, NodeId, UserId};
use futures::future::join_all;

use crate::{Context, NodeConnection, Result};

/// How long a node may take to say that it is there. They are all asked at once.
const HEALTH: Duration = Duration::from_secs(2);

/// A node, what Berth has on it, and how it is right now.
#[derive(Clone, Debug)]
pub struct NodeOverview {
    /// The node.
    pub node: Node,
    /// The managed containers on it.
    pub containers: Vec<Container>,
    /// How its API is.
    pub health: Health,
}

/// How a node's API is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// It answers, with this version.
    Reachable {
        /// As `/version` says.
        version: String,
    },
    /// It shows another certificate than the pinned one.
    CertificateChanged {
        /// The pinned one; none where the public roots vouched for it.
        expected: Option<Fingerprint>,
        /// What it shows now.
        found: Fingerprint,
    },
    /// It does not do what it should, and why.
    Trouble(String),
}

/// The user's nodes by name. A dead node costs its deadline once, not once per node.
pub async fn list(ctx: &Context, user: UserId) -> Result<Vec<NodeOverview>> {
    let nodes = berth_store::nodes::list(&ctx.pg, user).await?;
    let containers = berth_store::containers::list(&ctx.pg, user).await?;
    let health = join_all(nodes.iter().map(|node| health(ctx, user, node.id))).await;
    Ok(nodes
        .into_iter()
        .zip(health)
        .map(|(node, health)| {
            let on_it = containers.iter().filter(|container| container.node_id == node.id);
            NodeOverview { containers: on_it.cloned().collect(), node, health }
        })
        .collect())
}

/// The cluster's name from a node's cluster key; none for a standalone host.
pub fn cluster_name(key: &str) -> Option<&str> {
    let name = key.strip_prefix("cluster:")?;
    Some(name.split_once(':').map_or(name, |(name, _)| name))
}

async fn health(ctx: &Context, user: UserId, node: NodeId) -> Health {
    use berth_proxmox::Error::{CertificateChanged, CertificateUntrusted};
    let connection = match NodeConnection::for_user(ctx, user, node).await {
        Ok(connection) => connection,
        Err(error) => return Health::Trouble(error.to_string()),
    };
    match connection.client.within(HEALTH).version().await {
        Ok(version) => Health::Reachable { version: version.version },
        Err(CertificateChanged { expected, found, .. }) => {
            Health::CertificateChanged { expected: Some(expected), found }
        }
        Err(CertificateUntrusted { found, .. }) => Health::CertificateChanged { expected: None, found },
        Err(error) => Health::Trouble(error.to_string()),
    }
}
