//! Containers that Berth manages.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::discovery::Service;
use crate::{ContainerId, CreationId, NodeId, Vmid};

/// A container that Berth created or adopted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    /// The row's id.
    pub id: ContainerId,
    /// The node it lives on.
    pub node_id: NodeId,
    /// The creation that made it.
    pub creation_id: Option<CreationId>,
    /// Its number on Proxmox.
    pub vmid: Vmid,
    /// Its host name.
    pub hostname: String,
    /// The title of the recipe it was made from, as it was then.
    pub container_template: Option<String>,
    /// Its address as last seen.
    pub address: Option<String>,
    /// What runs in it, as last discovered.
    pub services: Vec<Service>,
    /// When that was.
    pub discovered_at: Option<OffsetDateTime>,
    /// When Berth created or adopted it.
    pub created_at: OffsetDateTime,
}
