//! Where a container is: most often where it was.

use berth_domain::action::{ActionKind, Remedy};
use berth_domain::container_event::EventKind;
use berth_domain::node::Node;
use berth_proxmox::cluster::ResourceKind;
use berth_proxmox::lxc::ContainerConfig;
use berth_store::{container_events, containers, nodes};

use super::failure::{Failure, Outcome};
use super::job::Job;
use crate::identity::{self, Found};
use crate::{Error, NodeConnection};

/// Where the container is.
pub(super) enum Place {
    /// On its node, or on the one that the job goes on with; its configuration.
    Here(Box<ContainerConfig>),
    /// Nowhere in its cluster.
    Gone,
}

impl Job {
    /// Compares what stands under the VMID with what Berth knows, and follows the container to another of its owner's nodes. Nothing is sent
    /// to another container.
    pub(super) async fn find_container(&mut self) -> Outcome<Place> {
        match identity::look(&self.connection, &self.container).await? {
            Found::Same(config) => Ok(Place::Here(config)),
            // Whoever adopts says that it is the one.
            Found::Another(_) if self.kind() == ActionKind::Adopt => self.whatever_is_there().await,
            Found::Another(name) => Err(self.another(&name)),
            Found::Missing => self.follow().await,
        }
    }

    async fn whatever_is_there(&self) -> Outcome<Place> {
        let config = self.client().container_config(self.connection.pve_node(), self.container.vmid).await?;
        Ok(Place::Here(Box::new(config)))
    }

    fn another(&self, name: &str) -> Failure {
        Failure::Refused {
            text: identity::another(&self.container, self.node_name(), name),
            remedy: Some(Remedy::Adopt),
        }
    }

    /// The container is not on its node any more: it may have been moved to another member of the cluster.
    async fn follow(&mut self) -> Outcome<Place> {
        let vmid = self.container.vmid;
        let guests = self.client().resources(Some(ResourceKind::Vm)).await?;
        let there = guests.into_iter().find(|guest| guest.kind == "lxc" && guest.vmid == Some(vmid.get()));
        let Some(member) = there.and_then(|guest| guest.node) else { return Ok(Place::Gone) };
        if member == self.connection.pve_node() {
            // Proxmox refreshes that list every 10 s or so.
            return Ok(Place::Gone);
        }
        let line = identity::line(&self.container);
        let Found::Same(_) = identity::look_at(&self.connection, &member, vmid, &line).await? else {
            return Ok(Place::Gone);
        };
        let Some(node) = self.node_of(&member).await? else {
            let (name, from) = (self.hostname(), self.node_name());
            return Err(Failure::refused(format!(
                "{name} has moved from {from} to {member}, which is none of your nodes. Add that member under Settings, Nodes, and try again"
            )));
        };
        self.move_to(&node).await
    }

    /// The user's node that is this member of the cluster.
    async fn node_of(&self, member: &str) -> Outcome<Option<Node>> {
        let here = &self.connection.node;
        let nodes = nodes::list(&self.ctx.pg, self.action.user).await?;
        Ok(nodes.into_iter().find(|node| node.cluster == here.cluster && node.pve_node_name == member))
    }

    async fn move_to(&mut self, node: &Node) -> Outcome<Place> {
        let connection = NodeConnection::for_user(&self.ctx, self.action.user, node.id).await.map_err(
            |error| match error {
                Error::Node(trouble) => Failure::from(trouble.error),
                error => Failure::refused(error.to_string()),
            },
        )?;
        // Asked once more, of the node itself: it is the one that is told what to do.
        let config = match identity::look(&connection, &self.container).await? {
            Found::Same(config) => config,
            Found::Another(name) => return Err(self.another(&name)),
            Found::Missing => return Ok(Place::Gone),
        };
        let now = self.ctx.clock.now();
        let (user, id) = (self.action.user, self.container.id);
        let mut tx = self.ctx.pg.begin().await.map_err(berth_store::Error::from)?;
        if containers::move_to(&mut tx, user, id, node.id, now).await? {
            let text = format!("From {} to {}", self.node_name(), node.name);
            container_events::append(&mut *tx, user, id, (EventKind::Moved, &text), now).await?;
        }
        tx.commit().await.map_err(berth_store::Error::from)?;
        self.container.node_id = node.id;
        self.connection = connection;
        Ok(Place::Here(config))
    }
}
