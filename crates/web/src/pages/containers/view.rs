//! What the list of containers and the page of one container show.

use askama::Template;
use askama_web::WebTemplate;
use berth_domain::ContainerId;
use time::OffsetDateTime;

use crate::badge::State;
use crate::error::NodeTrouble;
use crate::filters;
use crate::layout::Layout;
use crate::pages::creations::view::{CreationState, Shown as _};

/// A port of a service, as a link.
#[derive(Debug, Clone)]
pub struct ServiceLink {
    /// Such as `nginx :80`.
    pub label: String,
    /// `http://ADDRESS:PORT`; none where a browser can do nothing with it.
    pub url: Option<String>,
}

/// One container in the list.
#[derive(Debug, Clone)]
pub struct ContainerCard {
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
    /// Its node's display name.
    pub node: String,
    /// Its address, once it has one.
    pub address: Option<String>,
    /// The container template it was made from.
    pub container_template: Option<String>,
    /// Proxmox's tags.
    pub tags: Vec<String>,
    /// The services found in it.
    pub services: Vec<ServiceLink>,
    /// Set when its node does not answer: when it was last seen.
    pub last_seen: Option<OffsetDateTime>,
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

/// `/`.
#[derive(Template, WebTemplate)]
#[template(path = "containers/list.html")]
pub struct ContainersPage {
    /// The frame.
    pub layout: Layout,
    /// Whether there is a node at all.
    pub has_nodes: bool,
    /// Creations in flight, and those that ended early and wait for a word; newest first.
    pub creations: Vec<CreationCard>,
    /// All containers.
    pub containers: Vec<ContainerCard>,
    /// Nodes that do not answer.
    pub troubles: Vec<NodeTrouble>,
}

impl ContainersPage {
    /// Creations that go on by themselves.
    pub fn in_flight(&self) -> Vec<&CreationCard> {
        self.creations.iter().filter(|creation| creation.state.is_live()).collect()
    }

    /// Creations that ended early.
    pub fn unfinished(&self) -> Vec<&CreationCard> {
        self.creations.iter().filter(|creation| !creation.state.is_live()).collect()
    }

    /// How many containers run, for the line under the title.
    pub fn running(&self) -> usize {
        self.containers.iter().filter(|container| container.state == State::Running).count()
    }
}

/// A line of the configuration.
#[derive(Debug, Clone)]
pub struct Fact {
    /// What it is.
    pub label: String,
    /// Its value.
    pub value: String,
    /// Whether it is set in the fixed-width face: addresses, ids, paths.
    pub mono: bool,
}

impl Fact {
    /// A fact in words.
    pub fn new(label: impl Into<String>, value: impl Into<String>) -> Self {
        Self { label: label.into(), value: value.into(), mono: false }
    }

    /// An address, id or path.
    pub fn mono(label: impl Into<String>, value: impl Into<String>) -> Self {
        Self { label: label.into(), value: value.into(), mono: true }
    }
}

/// A part of a container's pages, each with an address of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    /// `/containers/{id}`.
    Overview,
    /// `/containers/{id}/services`.
    Services,
}

impl Tab {
    /// In the order of the page: tab, what follows the container's address, label.
    pub const ALL: [(Self, &'static str, &'static str); 2] =
        [(Self::Overview, "", "Overview"), (Self::Services, "/services", "Services")];
}

/// What stands above each of a container's pages.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Its id.
    pub id: ContainerId,
    /// Its address in Berth, the stem of its tabs and actions.
    pub url: String,
    /// The tab that is shown.
    pub tab: Tab,
    /// Its hostname.
    pub hostname: String,
    /// Its VMID.
    pub vmid: u32,
    /// Its state.
    pub state: State,
    /// Its node's display name.
    pub node: String,
    /// Its address.
    pub address: Option<String>,
    /// The container template it was made from.
    pub container_template: Option<String>,
    /// Proxmox's tags.
    pub tags: Vec<String>,
    /// When Berth made or adopted it.
    pub created_at: OffsetDateTime,
    /// The page of its creation, with the log.
    pub creation_href: Option<String>,
    /// Set when its node does not answer; the rest is as last seen.
    pub trouble: Option<NodeTrouble>,
}

/// `/containers/{id}`.
#[derive(Template, WebTemplate)]
#[template(path = "containers/overview.html")]
pub struct OverviewPage {
    /// The frame of the page.
    pub layout: Layout,
    /// The container.
    pub frame: Frame,
    /// Processors, memory, disk.
    pub resources: Vec<Fact>,
    /// Interface, addresses, DNS.
    pub network: Vec<Fact>,
    /// Operating system, features, start at boot.
    pub options: Vec<Fact>,
}
