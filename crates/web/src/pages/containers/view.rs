//! What the list of containers and the page of one container show.

use askama::Template;
use askama_web::WebTemplate;
use berth_domain::ContainerId;
use time::OffsetDateTime;

use super::actions::view::ActionBar;
use crate::badge::State;
use crate::chart::Chart;
use crate::error::NodeTrouble;
use crate::filters;
use crate::layout::Layout;
use crate::markdown::Markdown;

/// A port of a service, as a link.
#[derive(Debug, Clone)]
pub struct ServiceLink {
    /// Such as `nginx :80`.
    pub label: String,
    /// `http://ADDRESS:PORT`; none where a browser can do nothing with it.
    pub url: Option<String>,
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
    /// `/containers/{id}/history`.
    History,
}

impl Tab {
    /// In the order of the page: tab, what follows the container's address, label.
    pub const ALL: [(Self, &'static str, &'static str); 3] = [
        (Self::Overview, "", "Overview"),
        (Self::Services, "/services", "Services"),
        (Self::History, "/history", "History"),
    ];
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
    /// What may be done to it, and what is under way.
    pub bar: ActionBar,
    /// Its node's display name.
    pub node: String,
    /// Its address.
    pub address: Option<String>,
    /// The container template it was made from.
    pub container_template: Option<String>,
    /// The ports of its services.
    pub services: Vec<ServiceLink>,
    /// Proxmox's tags.
    pub tags: Vec<String>,
    /// When Berth made or adopted it.
    pub created_at: OffsetDateTime,
    /// The page of its creation, with the log.
    pub creation_href: Option<String>,
    /// Set when its node does not answer; the rest is as last seen.
    pub trouble: Option<NodeTrouble>,
}

/// How far back charts go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Range {
    /// An hour.
    #[default]
    Hour,
    /// A day.
    Day,
    /// A week.
    Week,
    /// A month.
    Month,
    /// A year.
    Year,
}

impl Range {
    /// With its name in addresses and on the page.
    pub const ALL: [(Self, &'static str, &'static str); 5] = [
        (Self::Hour, "hour", "Hour"),
        (Self::Day, "day", "Day"),
        (Self::Week, "week", "Week"),
        (Self::Month, "month", "Month"),
        (Self::Year, "year", "Year"),
    ];

    /// The one of that name, else an hour.
    pub fn of(name: &str) -> Self {
        Self::ALL
            .into_iter()
            .find(|(_, other, _)| *other == name)
            .map(|(range, _, _)| range)
            .unwrap_or_default()
    }
}

/// `/containers/{id}`.
#[derive(Template, WebTemplate)]
#[template(path = "containers/overview.html")]
pub struct OverviewPage {
    /// The frame of the page.
    pub layout: Layout,
    /// The container.
    pub frame: Frame,
    /// How far back the charts go.
    pub range: Range,
    /// What it has used.
    pub charts: Vec<Chart>,
    /// What its owner has noted on Proxmox.
    pub notes: Option<Markdown>,
    /// Disks besides its root.
    pub mounts: Vec<Fact>,
    /// Processors, memory, disk.
    pub resources: Vec<Fact>,
    /// Interface, addresses, DNS.
    pub network: Vec<Fact>,
    /// Operating system, features, start at boot.
    pub options: Vec<Fact>,
}
