//! Proxmox VE hosts that users have added.

mod credentials;
mod delete;
mod row;
mod write;

use berth_domain::node::{Node, SshAccess};
use berth_domain::{Fingerprint, HostPort, NodeId, Secret, TokenId, UserId};
use sqlx::PgExecutor;

pub use credentials::{
    Credentials, credentials, credentials_for_action, credentials_for_check, credentials_for_creation,
};
pub use delete::{Deleted, delete};
pub use write::{insert, learn_cluster, rename, set_default, update};

use crate::error::Result;
use row::{Row, select};

/// The constraint that keeps a user's node names apart.
pub const NAME_UNIQUE: &str = "nodes_name_unique";
/// The constraint that a user who has nodes has a default.
pub const HAVE_A_DEFAULT: &str = "nodes_have_a_default";
/// The constraint that SSH access is stored whole or not at all.
pub const SSH_ALL_OR_NONE: &str = "nodes_ssh_all_or_none";

/// What is stored of a node, without secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeDetails {
    /// The name its owner gives it, 1 to 100 characters.
    pub name: String,
    /// Address of the API.
    pub address: HostPort,
    /// The pinned certificate; none where the public roots vouch for it.
    pub certificate: Option<Fingerprint>,
    /// The API token's name.
    pub token_id: TokenId,
    /// The name Proxmox uses in API paths.
    pub pve_node_name: String,
    /// What shares one VMID space.
    pub cluster: String,
    /// As `/version` says.
    pub pve_version: String,
    /// How to reach it by SSH.
    pub ssh: Option<SshAccess>,
}

/// A node to add, or as it shall be.
#[derive(Clone, Debug)]
pub struct NewNode {
    /// What is stored in clear text.
    pub details: NodeDetails,
    /// The API token's secret.
    pub token_secret: Secret,
    /// What proves who we are to the SSH server; exactly when `details.ssh` is given.
    pub ssh_secret: Option<SshSecret>,
}

/// What proves who we are to an SSH server.
#[derive(Clone, Debug)]
pub struct SshSecret {
    /// The password or the private key, as the method says.
    pub secret: Secret,
    /// The private key's passphrase.
    pub passphrase: Option<Secret>,
}

/// The user's nodes by name.
pub async fn list(pg: impl PgExecutor<'_>, user: UserId) -> Result<Vec<Node>> {
    select!("where n.user_id = $1 order by lower(n.name), n.name", user.uuid())
        .fetch_all(pg)
        .await?
        .into_iter()
        .map(Row::node)
        .collect()
}

/// One of the user's nodes.
pub async fn find(pg: impl PgExecutor<'_>, user: UserId, id: NodeId) -> Result<Option<Node>> {
    select!("where n.id = $1 and n.user_id = $2", id.uuid(), user.uuid())
        .fetch_optional(pg)
        .await?
        .map(Row::node)
        .transpose()
}

/// The node that the user's wizard starts with; none only when they have no node.
pub async fn find_default(pg: impl PgExecutor<'_>, user: UserId) -> Result<Option<Node>> {
    select!("where n.user_id = $1 and n.is_default", user.uuid())
        .fetch_optional(pg)
        .await?
        .map(Row::node)
        .transpose()
}

/// Everybody who has a node of this cluster.
pub async fn owners_in(pg: impl PgExecutor<'_>, cluster: &str) -> Result<Vec<UserId>> {
    let owners = sqlx::query_scalar!("select distinct user_id from nodes where cluster = $1", cluster);
    Ok(owners.fetch_all(pg).await?.into_iter().map(Into::into).collect())
}
