//! What the history shows.

use askama::Template;
use askama_web::WebTemplate;
use berth_domain::container_event::{ContainerEvent, EventKind};

use crate::badge::State;
use crate::filters;
use crate::layout::Layout;
use crate::pages::containers::view::{Frame, Tab};

/// A page of events, with how it was asked for.
#[derive(Debug, Clone)]
pub struct History {
    /// Where it is, without a query.
    pub url: String,
    /// The newest first.
    pub events: Vec<ContainerEvent>,
    /// What was looked for.
    pub search: String,
    /// Of which kind.
    pub kind: Option<EventKind>,
    /// The page with older ones.
    pub older: Option<String>,
    /// Whether this is not the first page.
    pub is_older: bool,
    /// Whether each row names its container.
    pub names_containers: bool,
}

impl History {
    /// All kinds of events: kind, name, label.
    pub fn kinds(&self) -> &'static [(EventKind, &'static str, &'static str)] {
        &EventKind::ALL
    }

    /// Whether only events of the kind with this name are shown.
    pub fn is_kind(&self, name: &str) -> bool {
        self.kind.is_some_and(|kind| kind.name() == name)
    }

    /// The badge's colour and shape of an event.
    pub fn shape(&self, event: &ContainerEvent) -> State {
        shape(event.kind)
    }

    /// Whether some are left out on request.
    pub fn is_filtered(&self) -> bool {
        self.kind.is_some() || !self.search.is_empty()
    }
}

const fn shape(kind: EventKind) -> State {
    match kind {
        EventKind::Created | EventKind::Adopted | EventKind::Moved | EventKind::Revealed => State::Done,
        EventKind::Started | EventKind::Restarted => State::Running,
        EventKind::ShutDown | EventKind::Stopped => State::Stopped,
        EventKind::Deleted | EventKind::Forgotten => State::Gone,
        EventKind::CreationFailed | EventKind::Failed => State::Error,
    }
}

/// `/history`.
#[derive(Template, WebTemplate)]
#[template(path = "history/list.html")]
pub struct HistoryPage {
    /// The frame.
    pub layout: Layout,
    /// The events.
    pub history: History,
}

/// `/containers/{id}/history`.
#[derive(Template, WebTemplate)]
#[template(path = "history/container.html")]
pub struct ContainerHistoryPage {
    /// The frame of the page.
    pub layout: Layout,
    /// The container.
    pub frame: Frame,
    /// Its events.
    pub history: History,
}

/// The same of a container that is gone.
#[derive(Template, WebTemplate)]
#[template(path = "history/gone.html")]
pub struct GoneHistoryPage {
    /// The frame of the page.
    pub layout: Layout,
    /// Its last event, with what it was called.
    pub last: ContainerEvent,
    /// Its events.
    pub history: History,
}
