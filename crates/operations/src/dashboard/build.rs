//! Puts together what is stored and what nodes have said.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use berth_domain::action::{Action, ActionKind, ActionState};
use berth_domain::container::Container;
use berth_domain::creation::Creation;
use berth_domain::guest::{Guest, Sighting, Usage};
use berth_domain::node::Node;
use berth_domain::{NodeId, UserId, Vmid};
use berth_store::PgPool;
use time::{Duration, OffsetDateTime};

use super::{CreationLine, Dashboard, NodeLine, Row};
use crate::Result;
use crate::containers::State;

/// Proxmox refreshes its list about every 10 s: so long, a container that is not in it may just be new.
const SETTLES: Duration = Duration::seconds(30);
/// So long Proxmox's list may be behind what has happened.
const LAG: Duration = Duration::seconds(10);
/// A list that is older was made while nobody looked.
const FRESH: Duration = Duration::seconds(45);
/// How many unfinished creations are shown.
const UNFINISHED: u32 = 200;

/// What PostgreSQL has.
#[derive(Debug, Default)]
pub(super) struct Stored {
    pub(super) nodes: Vec<Node>,
    containers: Vec<Arc<Container>>,
    creations: Vec<Creation>,
    actions: Vec<Action>,
    /// What was deleted a moment ago: node, VMID and when.
    deleted: Vec<(NodeId, Vmid, OffsetDateTime)>,
}

/// What each node last said.
pub(super) type Sightings = HashMap<NodeId, Arc<Sighting>>;

pub(super) async fn stored(pg: &PgPool, user: UserId, now: OffsetDateTime) -> Result<Stored> {
    let (nodes, containers, creations, actions, deleted) = tokio::try_join!(
        berth_store::nodes::list(pg, user),
        berth_store::containers::list(pg, user),
        berth_store::creations::list_unfinished(pg, user, UNFINISHED),
        berth_store::container_actions::list_current(pg, user, now - SETTLES),
        berth_store::container_actions::list_deleted(pg, user, now - SETTLES),
    )?;
    let containers = containers.into_iter().map(Arc::new).collect();
    Ok(Stored { nodes, containers, creations, actions, deleted })
}

/// What is being done, or was done a moment ago, to somebody's containers.
pub(super) async fn current(pg: &PgPool, user: UserId, now: OffsetDateTime) -> Result<Vec<Action>> {
    Ok(berth_store::container_actions::list_current(pg, user, now - SETTLES).await?)
}

pub(super) fn dashboard(stored: &Stored, sightings: &Sightings, now: OffsetDateTime) -> Dashboard {
    let building = Building { stored, sightings, now };
    let mut rows = building.managed();
    rows.extend(building.unmanaged());
    for row in &mut rows {
        row.search = search(row);
    }
    rows.sort_by(|a, b| (&a.hostname, a.vmid, a.node_id).cmp(&(&b.hostname, b.vmid, b.node_id)));
    let tags: BTreeSet<&str> = rows.iter().flat_map(|row| row.tags.iter().map(String::as_str)).collect();
    let tags = tags.into_iter().map(str::to_owned).collect();
    let nodes = stored.nodes.iter().map(|node| building.line(node, &rows)).collect();
    Dashboard { version: 0, nodes, creations: building.creations(), tags, rows }
}

struct Building<'a> {
    stored: &'a Stored,
    sightings: &'a Sightings,
    now: OffsetDateTime,
}

impl<'a> Building<'a> {
    fn node(&self, id: NodeId) -> Option<&'a Node> {
        self.stored.nodes.iter().find(|node| node.id == id)
    }

    fn sighting(&self, node: NodeId) -> Option<&'a Sighting> {
        self.sightings.get(&node).map(AsRef::as_ref)
    }

    fn line(&self, node: &Node, rows: &[Row]) -> NodeLine {
        let sighting = self.sighting(node.id);
        NodeLine {
            id: node.id,
            name: node.name.clone(),
            seen_at: sighting.and_then(|sighting| sighting.seen.as_ref()).map(|seen| seen.at),
            trouble: sighting
                .and_then(|sighting| sighting.trouble.as_ref())
                .map(|trouble| trouble.message.clone()),
            containers: rows.iter().filter(|row| row.node_id == node.id).count(),
        }
    }

    fn creations(&self) -> Vec<CreationLine> {
        let line = |creation: &Creation| {
            let node_name = self.node(creation.node_id).map(|node| node.name.clone()).unwrap_or_default();
            let search = format!("{}\n{}\n{node_name}", creation.spec.hostname, creation.spec.vmid);
            CreationLine { creation: creation.clone(), node_name, search: search.to_lowercase() }
        };
        self.stored.creations.iter().map(line).collect()
    }

    fn managed(&self) -> Vec<Row> {
        let unfinished: BTreeSet<_> = self.stored.creations.iter().map(|creation| creation.id).collect();
        let finished = |container: &&Arc<Container>| {
            container.creation_id.is_none_or(|creation| !unfinished.contains(&creation))
        };
        let row = |container: &Arc<Container>| {
            let node = self.node(container.node_id)?;
            Some(managed_row(node, container, self.sighting(node.id), &self.stored.actions, self.now))
        };
        self.stored.containers.iter().filter(finished).filter_map(row).collect()
    }

    fn unmanaged(&self) -> Vec<Row> {
        let mut known: BTreeMap<NodeId, BTreeSet<Vmid>> = BTreeMap::new();
        for container in &self.stored.containers {
            known.entry(container.node_id).or_default().insert(container.vmid);
        }
        for creation in &self.stored.creations {
            known.entry(creation.node_id).or_default().insert(creation.spec.vmid);
        }
        let none = BTreeSet::new();
        let of_node = |node: &'a Node| {
            let known = known.get(&node.id).unwrap_or(&none);
            let guests = self.sighting(node.id).map_or(&[][..], Sighting::guests);
            let seen_at =
                self.sighting(node.id).and_then(|sighting| sighting.seen.as_ref()).map(|seen| seen.at);
            let own = guests.iter().filter(|guest| {
                guest.pve_node == node.pve_node_name
                    && !guest.is_clone_source
                    && !known.contains(&guest.vmid)
                    && !self.was_deleted_after(node.id, guest.vmid, seen_at)
            });
            own.map(|guest| self.unmanaged_row(node, guest)).collect::<Vec<_>>()
        };
        self.stored.nodes.iter().flat_map(of_node).collect()
    }

    /// Whether a list that still has it was made before it was deleted, or too soon after.
    fn was_deleted_after(&self, node: NodeId, vmid: Vmid, seen_at: Option<OffsetDateTime>) -> bool {
        self.stored.deleted.iter().any(|(of, number, at)| {
            (*of, *number) == (node, vmid) && seen_at.is_some_and(|seen_at| seen_at <= *at + LAG)
        })
    }

    fn unmanaged_row(&self, node: &Node, guest: &Guest) -> Row {
        let (state, last_seen) = state(node, self.sighting(node.id), Some(guest), self.now, || State::Gone);
        row(node, guest.vmid, Some(guest), state, last_seen)
    }
}

/// A container that Berth manages, as its node last said.
pub(super) fn managed_row(
    node: &Node,
    container: &Arc<Container>,
    sighting: Option<&Sighting>,
    actions: &[Action],
    now: OffsetDateTime,
) -> Row {
    let found = sighting.and_then(|sighting| sighting.guest(container.vmid));
    let guest = found.filter(|guest| guest.pve_node == node.pve_node_name);
    let absent = || match found {
        Some(elsewhere) => State::Unknown(format!(
            "It was moved to {}. Add that node to see and steer it",
            elsewhere.pve_node
        )),
        None if now - container.created_at < SETTLES && container.discovered_at.is_none() => {
            State::Unknown(format!("{} does not list it yet", node.name))
        }
        None => State::Gone,
    };
    let (state, last_seen) = state(node, sighting, guest, now, absent);
    let action = actions.iter().find(|action| action.container_id == container.id);
    let seen_at = sighting.and_then(|sighting| sighting.seen.as_ref()).map(|seen| seen.at);
    let state = match state {
        // Somebody has been inside since that list was made.
        State::Stopped | State::Gone if was_inside_after(container, seen_at) => State::Running,
        state => state,
    };
    let state = action.and_then(|action| outcome(action, seen_at)).unwrap_or(state);
    Row {
        container: Some(container.clone()),
        under_way: action.filter(|action| action.state.is_live()).map(|action| action.kind),
        hostname: guest.and_then(|guest| guest.name.clone()).unwrap_or_else(|| container.hostname.clone()),
        ..row(node, container.vmid, guest, state, last_seen)
    }
}

/// Whether services were looked for when the node's list was not yet made, or too old to tell.
fn was_inside_after(container: &Container, seen_at: Option<OffsetDateTime>) -> bool {
    container.discovered_at.zip(seen_at).is_some_and(|(inside, seen_at)| seen_at <= inside + LAG)
}

/// What an action has left behind, where its node's list is too old to tell.
fn outcome(action: &Action, seen_at: Option<OffsetDateTime>) -> Option<State> {
    let ended = action.finished_at.filter(|_| action.state == ActionState::Done)?;
    if seen_at.is_some_and(|seen_at| seen_at > ended + LAG) {
        return None;
    }
    match action.kind {
        ActionKind::Start | ActionKind::Restart => Some(State::Running),
        ActionKind::Stop | ActionKind::Shutdown => Some(State::Stopped),
        ActionKind::Delete | ActionKind::Adopt => None,
    }
}

/// `absent` tells the state where the node's list is good and the container not in it.
fn state(
    node: &Node,
    sighting: Option<&Sighting>,
    guest: Option<&Guest>,
    now: OffsetDateTime,
    absent: impl FnOnce() -> State,
) -> (State, Option<OffsetDateTime>) {
    let Some(sighting) = sighting else {
        return (State::Unknown(format!("{} has not been asked yet", node.name)), None);
    };
    let seen_at = sighting.seen.as_ref().map(|seen| seen.at);
    if let Some(trouble) = &sighting.trouble {
        return (State::Unknown(trouble.message.clone()), seen_at);
    }
    let old = seen_at.filter(|at| now - *at > FRESH);
    match guest {
        Some(Guest { running: Some(true), .. }) => (State::Running, old),
        Some(Guest { running: Some(false), .. }) => (State::Stopped, old),
        Some(_) => (State::Unknown(format!("{} does not know its state", node.name)), old),
        None => (absent(), old),
    }
}

fn row(
    node: &Node,
    vmid: Vmid,
    guest: Option<&Guest>,
    state: State,
    last_seen: Option<OffsetDateTime>,
) -> Row {
    Row {
        container: None,
        node_id: node.id,
        node_name: node.name.clone(),
        vmid,
        hostname: guest.and_then(|guest| guest.name.clone()).unwrap_or_else(|| format!("CT {vmid}")),
        usage: if state == State::Running {
            guest.map_or_else(Usage::default, |guest| guest.usage)
        } else {
            idle(guest)
        },
        under_way: None,
        lock: guest.and_then(|guest| guest.lock.clone()),
        tags: guest.map(|guest| guest.tags.clone()).unwrap_or_default(),
        state,
        last_seen,
        search: String::new(),
    }
}

/// One line each, so that no word is found across two of them.
fn search(row: &Row) -> String {
    let mut text = format!("{}\n{}\n{}", row.hostname, row.vmid, row.node_name);
    let container = row.container.as_deref();
    let services = container.map(|container| container.services.as_slice()).unwrap_or_default();
    let apps = services.iter().filter(|service| !service.system).map(|service| &service.name);
    let known = container.into_iter().flat_map(|it| it.address.iter().chain(&it.container_template));
    for part in row.tags.iter().chain(known).chain(apps) {
        text.push('\n');
        text.push_str(part);
    }
    text.to_lowercase()
}

/// What is given to a container that does not run, or of which it is not known: nothing of it is in use.
fn idle(guest: Option<&Guest>) -> Usage {
    let Some(guest) = guest else { return Usage::default() };
    Usage { cpu: None, uptime: None, memory: None, disk: None, ..guest.usage }
}

#[cfg(test)]
mod tests;
