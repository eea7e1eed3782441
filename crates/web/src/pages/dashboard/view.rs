//! What the dashboard shows.

use askama::Template;
use askama_web::WebTemplate;
use berth_domain::{ContainerId, NodeId};
use berth_operations::dashboard::filter::Sort;
use time::OffsetDateTime;

use super::address::Address;
use crate::badge::{Meter, State};
use crate::error::NodeTrouble;
use crate::filters;
use crate::layout::Layout;
use crate::pages::containers::view::ServiceLink;
use crate::pages::creations::view::{CreationState, Shown as _};

/// How full something is.
#[derive(Debug, Clone)]
pub struct Gauge {
    /// What.
    pub label: &'static str,
    /// How full.
    pub meter: Meter,
    /// How much of how much.
    pub text: String,
}

/// One container.
#[derive(Debug, Clone)]
pub struct ContainerCard {
    /// Its id, where Berth manages it.
    pub id: Option<ContainerId>,
    /// Its page; containers Berth does not manage have none.
    pub href: Option<String>,
    /// The wizard filled in like it, where it has no page that links there.
    pub another_href: Option<String>,
    /// Its hostname.
    pub hostname: String,
    /// Its VMID.
    pub vmid: u32,
    /// Its state.
    pub state: State,
    /// What is being done to it, such as `Starting`; else nothing.
    pub under_way: &'static str,
    /// What holds it, such as `backup`.
    pub lock: Option<String>,
    /// Its node's display name.
    pub node: String,
    /// Its node.
    pub node_id: NodeId,
    /// Its address, once it has one.
    pub address: Option<String>,
    /// The container template it was made from.
    pub container_template: Option<String>,
    /// Proxmox's tags.
    pub tags: Vec<String>,
    /// The services found in it.
    pub services: Vec<ServiceLink>,
    /// Processors, memory, disk, while it runs.
    pub gauges: Option<[Gauge; 3]>,
    /// Seconds since its start.
    pub uptime: Option<u64>,
    /// When it was last seen, where its node does not say it now.
    pub last_seen: Option<OffsetDateTime>,
}

/// Containers that are shown together.
#[derive(Debug, Clone)]
pub struct NodeGroup {
    /// The node they are on, where they are shown node by node.
    pub node: Option<String>,
    /// The containers.
    pub containers: Vec<ContainerCard>,
}

/// A creation that is under way or has failed.
#[derive(Debug, Clone)]
pub struct CreationCard {
    /// Its page.
    pub href: String,
    /// The container's hostname.
    pub hostname: String,
    /// Its VMID.
    pub vmid: u32,
    /// The node's display name.
    pub node: String,
    /// The phase it is in, in words.
    pub phase: String,
    /// 0 to 100.
    pub percent: u8,
    /// How it goes.
    pub state: CreationState,
}

/// How many there are of a status, as a link that shows only those.
#[derive(Debug, Clone)]
pub struct StatusCount {
    /// The status.
    pub state: State,
    /// How many.
    pub count: usize,
    /// Only those; or all again, where that is so already.
    pub href: String,
    /// Whether only those are shown.
    pub chosen: bool,
}

/// A node with containers that Berth does not manage.
#[derive(Debug, Clone)]
pub struct Unmanaged {
    /// The node.
    pub id: NodeId,
    /// Its display name.
    pub name: String,
    /// How many of them it has.
    pub count: usize,
}

/// The part of the dashboard that changes.
#[derive(Debug, Clone)]
pub struct Region {
    /// Which version of the dashboard this is.
    pub version: u64,
    /// What is shown, and how.
    pub address: Address,
    /// Whether there is a node at all.
    pub has_nodes: bool,
    /// Whether there is nothing, whatever is asked for.
    pub is_empty: bool,
    /// Nodes with containers that may be adopted.
    pub unmanaged: Vec<Unmanaged>,
    /// Whether a node has never been heard of yet.
    pub waiting: bool,
    /// How many containers and creations are found.
    pub matching: usize,
    /// How many containers are found.
    pub matching_containers: usize,
    /// How many containers there are.
    pub total: usize,
    /// How many of them run.
    pub running: usize,
    /// How many there are of each status.
    pub counts: Vec<StatusCount>,
    /// Creations that go on by themselves.
    pub in_flight: Vec<CreationCard>,
    /// Creations that ended early and wait for a word.
    pub unfinished: Vec<CreationCard>,
    /// The containers of this page.
    pub groups: Vec<NodeGroup>,
    /// Nodes that do not answer.
    pub troubles: Vec<NodeTrouble>,
    /// Number of the first container of this page, from 1.
    pub first: usize,
    /// Number of the last one.
    pub last: usize,
    /// The page before.
    pub previous: Option<String>,
    /// The page after.
    pub next: Option<String>,
    /// Milliseconds until nodes are asked again.
    pub next_update: u64,
}

impl Region {
    /// The columns of the table that can be sorted by, with their heads.
    pub const COLUMNS: [(Sort, &'static str); 7] = [
        (Sort::Name, "Name"),
        (Sort::Status, "Status"),
        (Sort::Vmid, "VMID"),
        (Sort::Node, "Node"),
        (Sort::Cpu, "CPU"),
        (Sort::Memory, "Memory"),
        (Sort::Disk, "Disk"),
    ];

    /// Ways to sort, for those who see no table.
    pub const SORTS: [(&'static str, &'static str); 8] = [
        ("name", "Name"),
        ("status", "Status"),
        ("vmid", "VMID"),
        ("node", "Node"),
        ("-cpu", "CPU, most first"),
        ("-memory", "Memory, most first"),
        ("-disk", "Disk, fullest first"),
        ("-uptime", "Uptime, longest first"),
    ];

    /// The way that is chosen, as [`Self::SORTS`] names it.
    pub fn sort(&self) -> String {
        let sign = if self.address.filter.descending { "-" } else { "" };
        format!("{sign}{}", self.address.filter.sort.slug())
    }
}

/// The part of `/` that changes, for htmx.
#[derive(Template, WebTemplate)]
#[template(path = "dashboard/_region.html")]
pub struct DashboardRegion {
    /// That part.
    pub region: Region,
}

/// `/`.
#[derive(Template, WebTemplate)]
#[template(path = "dashboard/list.html")]
pub struct DashboardPage {
    /// The frame.
    pub layout: Layout,
    /// All nodes, id and name.
    pub nodes: Vec<(String, String)>,
    /// All tags.
    pub tags: Vec<String>,
    /// Whether a node is being asked anew just now: without JavaScript the page comes again soon.
    pub stale: bool,
    /// The part that changes.
    pub region: Region,
}
