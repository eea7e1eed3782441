//! What the page of a creation shows, live and afterwards.

use askama::Template;
use askama_web::WebTemplate;
pub use berth_domain::creation::{CreationState, StepState};
use time::OffsetDateTime;

use crate::ansi::AnsiLine;
use crate::badge::State;
use crate::filters;
use crate::layout::Layout;
use crate::pages::containers::view::ServiceLink;

/// The five phases in their order: name in events, label, what is announced when it begins.
pub const PHASES: [(&str, &str, &str); 5] = [
    ("creating", "Create", "Creating the container"),
    ("starting", "Start", "Starting the container"),
    ("deploying", "Deploy", "Copying files"),
    ("syncing", "Set up", "Installing packages and running scripts"),
    ("finalizing", "Finish", "Finding services"),
];

/// A creation's state in the page's shapes and words.
pub trait Shown {
    /// Its badge.
    fn badge(self) -> State;
    /// The word on the badge.
    fn word(self) -> &'static str;
}

impl Shown for CreationState {
    fn badge(self) -> State {
        match self {
            Self::Queued => State::Waiting,
            Self::Running => State::Creating,
            Self::Ready => State::Done,
            Self::Failed => State::Error,
            Self::Cancelled => State::Stopped,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Queued => "Waiting for a worker",
            Self::Running => "Creating",
            Self::Ready => "Ready",
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
        }
    }
}

/// One step of setting up: the packages of a manager, or a script.
#[derive(Debug, Clone)]
pub struct StepRow {
    /// Its number in events.
    pub index: usize,
    /// Its name.
    pub name: String,
    /// How far it is.
    pub state: StepState,
    /// How long it took.
    pub seconds: Option<u64>,
    /// When it began, while it runs.
    pub since: Option<OffsetDateTime>,
}

/// One line of the log.
#[derive(Debug, Clone)]
pub struct LogLine {
    /// `out`, `err`, `info`, `warn`, `error`, or `step` for a heading.
    pub level: &'static str,
    /// Its text with colours.
    pub text: AnsiLine,
}

/// Why a creation failed.
#[derive(Debug, Clone)]
pub struct CreationError {
    /// The phase, in words.
    pub phase: String,
    /// What happened.
    pub message: String,
    /// What to do about it.
    pub remedy: Option<String>,
    /// The last lines of what failed.
    pub output: Vec<AnsiLine>,
}

/// What the owner of a creation can do now.
#[derive(Debug, Clone, Copy, Default)]
pub struct CreationActions {
    /// Stop it.
    pub cancel: bool,
    /// Go on from the failed phase.
    pub retry: bool,
    /// Remove what is there and start over with the same settings.
    pub remove: bool,
}

/// A creation, for its page and for the panel that is loaded when it ends.
#[derive(Debug, Clone)]
pub struct CreationView {
    /// `/creations/{id}`, also the stem of its actions, events and panel.
    pub url: String,
    /// The wizard filled in like it, once it has ended.
    pub another_href: Option<String>,
    /// The container's hostname.
    pub hostname: String,
    /// Its VMID.
    pub vmid: u32,
    /// The node's display name.
    pub node: String,
    /// The container template's title.
    pub container_template: Option<String>,
    /// Where it stands.
    pub state: CreationState,
    /// Index into [`PHASES`].
    pub phase: usize,
    /// 0 to 100.
    pub percent: u8,
    /// When it began.
    pub started_at: OffsetDateTime,
    /// How long it took, once it has ended.
    pub seconds: Option<u64>,
    /// The steps known so far.
    pub steps: Vec<StepRow>,
    /// Why it failed.
    pub error: Option<CreationError>,
    /// What can be done.
    pub actions: CreationActions,
    /// The finished container's page.
    pub container_href: Option<String>,
    /// Its address.
    pub address: Option<String>,
    /// The services found in it.
    pub services: Vec<ServiceLink>,
}

impl CreationView {
    /// The CSS class of a phase's step.
    pub fn phase_class(&self, index: &usize) -> &'static str {
        match self.state {
            CreationState::Ready => "step-done",
            CreationState::Failed | CreationState::Cancelled if *index == self.phase => "step-failed",
            _ if *index < self.phase => "step-done",
            CreationState::Running if *index == self.phase => "step-current",
            _ => "",
        }
    }

    /// The CSS class of its bar.
    pub fn meter_class(&self) -> &'static str {
        match self.state {
            CreationState::Ready => "meter meter-done",
            CreationState::Failed | CreationState::Cancelled => "meter meter-error",
            _ => "meter",
        }
    }
}

/// `/creations/{id}`.
#[derive(Template, WebTemplate)]
#[template(path = "creations/show.html")]
pub struct CreationPage {
    /// The frame.
    pub layout: Layout,
    /// The creation.
    pub creation: CreationView,
    /// The log so far, or its end.
    pub log: Vec<LogLine>,
    /// Whether older lines are left out.
    pub log_cut: bool,
    /// The sequence number of the last event in this page: the stream goes on behind it.
    pub last_event: String,
}

/// `/creations/{id}/panel`: everything but the log.
#[derive(Template, WebTemplate)]
#[template(path = "creations/_panel.html")]
pub struct CreationPanel {
    /// The creation.
    pub creation: CreationView,
}

/// `/creations/{id}/remove`: the question before it, as a page for browsers without JavaScript.
#[derive(Template, WebTemplate)]
#[template(path = "creations/remove.html")]
pub struct CreationRemovePage {
    /// The frame.
    pub layout: Layout,
    /// The creation in question.
    pub creation: CreationView,
}

impl StepRow {
    /// The row that the browser copies for a step it hears of first.
    pub fn blank() -> Self {
        Self { index: 0, name: String::new(), state: StepState::Waiting, seconds: None, since: None }
    }
}
