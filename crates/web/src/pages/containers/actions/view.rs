//! The buttons of a container, what is under way, and what has failed.

use askama::Template;
use askama_web::WebTemplate;
use berth_domain::ContainerId;
use berth_domain::action::{Action, ActionKind, Remedy};

use crate::badge::State;
use crate::filters;
use crate::layout::{Layout, Toast};

/// What `containers/_actions.html` shows: on a container's own page, and wherever else the container is shown.
#[derive(Debug, Clone)]
pub struct ActionBar {
    /// The container; every id in the partial ends with it.
    pub id: ContainerId,
    /// Its address in Berth, the stem of its actions.
    pub url: String,
    /// Its hostname.
    pub hostname: String,
    /// What is under way.
    pub under_way: Option<ActionKind>,
    /// What has failed, until dismissed or the next action.
    pub failed: Option<FailedAction>,
    /// It was deleted in this very moment.
    pub deleted: bool,
    /// Whether this answers a click, whose button is gone: the focus is put here.
    pub focus: bool,
    state: State,
}

/// An action that did not come about.
#[derive(Debug, Clone)]
pub struct FailedAction {
    /// What was asked.
    pub kind: ActionKind,
    /// Why, and what to do.
    pub error: String,
    /// What is offered.
    pub remedy: Option<Remedy>,
}

impl ActionBar {
    /// The buttons that fit a state, and the container's last action.
    pub fn new(id: ContainerId, hostname: &str, state: State, last: Option<&Action>) -> Self {
        let live = last.filter(|action| action.state.is_live());
        let failed = last.and_then(|action| {
            let error = action.error.clone()?;
            Some(FailedAction { kind: action.kind, error, remedy: action.remedy })
        });
        Self {
            id,
            url: format!("/containers/{id}"),
            hostname: hostname.to_owned(),
            under_way: live.map(|action| action.kind),
            failed,
            deleted: false,
            focus: false,
            state,
        }
    }

    /// What is done at once.
    pub fn at_once(&self) -> &'static [(ActionKind, &'static str, &'static str)] {
        match self.state {
            State::Stopped => &[(ActionKind::Start, "play", "Start")],
            State::Running => &[(ActionKind::Shutdown, "power", "Shut down")],
            _ => &[],
        }
    }

    /// What asks before it is done.
    pub fn after_a_question(&self) -> &'static [(ActionKind, &'static str, &'static str)] {
        const DELETE: (ActionKind, &str, &str) = (ActionKind::Delete, "trash-2", "Delete");
        match self.state {
            State::Running => {
                &[(ActionKind::Restart, "rotate-cw", "Restart"), (ActionKind::Stop, "square", "Stop"), DELETE]
            }
            State::Stopped => &[DELETE],
            _ => &[],
        }
    }

    /// Whether stopping it is offered where it did not shut down.
    pub fn offers_stop(&self) -> bool {
        self.failed.as_ref().is_some_and(|failed| failed.remedy == Some(Remedy::Stop))
    }

    /// Whether it may be said to be the same container, or be forgotten.
    pub fn offers_adoption(&self) -> bool {
        self.failed.as_ref().is_some_and(|failed| failed.remedy == Some(Remedy::Adopt))
    }

    /// Whether Proxmox does not have it where it was: it may have moved.
    pub fn is_gone(&self) -> bool {
        self.state == State::Gone
    }

    /// Whether its node does not say how it is.
    pub fn is_unknown(&self) -> bool {
        self.state == State::Unknown
    }

    /// The badge: what is under way before what was seen last.
    pub fn badge(&self) -> (State, &'static str) {
        match self.under_way {
            Some(kind) => (State::Creating, kind.going_on()),
            None => (self.state, ""),
        }
    }
}

/// `GET …/actions`, and the answer to a click: the buttons, and around them what changes with them.
#[derive(Template, WebTemplate)]
#[template(path = "containers/actions.html")]
pub struct ActionsFragment {
    /// The buttons.
    pub bar: ActionBar,
    /// What happened, told once.
    pub toast: Option<Toast>,
}

/// The question before a container is stopped, restarted or deleted.
#[derive(Debug, Clone)]
pub struct Question {
    /// What is asked.
    pub kind: ActionKind,
    /// Its address in Berth.
    pub url: String,
    /// The container; its buttons follow what happens.
    pub id: ContainerId,
    /// Its hostname.
    pub hostname: String,
    /// Its VMID.
    pub vmid: u32,
    /// Its node's display name.
    pub node: String,
    /// Delete: what was typed as its hostname.
    pub typed: String,
    /// Delete: what is wrong with that.
    pub error: Option<String>,
    /// Delete: whether it is also taken out of backup jobs, replication and HA.
    pub purge: bool,
    /// Delete: whether it is stopped first.
    pub stop_first: bool,
    /// Delete: whether it runs, as far as is known.
    pub runs: bool,
}

impl Question {
    /// The question itself.
    pub fn title(&self) -> String {
        let verb = match self.kind {
            ActionKind::Stop => "Stop",
            ActionKind::Restart => "Restart",
            _ => "Delete",
        };
        format!("{verb} {}?", self.hostname)
    }
}

/// As a page, for browsers without JavaScript.
#[derive(Template, WebTemplate)]
#[template(path = "containers/ask.html")]
pub struct QuestionPage {
    /// The frame.
    pub layout: Layout,
    /// The question.
    pub question: Question,
}

/// As a dialog.
#[derive(Template, WebTemplate)]
#[template(path = "containers/_ask_dialog.html")]
pub struct QuestionDialog {
    /// The question.
    pub question: Question,
}
