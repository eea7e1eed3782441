//! What the page of a log shows.

use askama::Template;
use askama_web::WebTemplate;
use time::OffsetDateTime;

use crate::ansi::AnsiLine;
use crate::badge::State;
use crate::error::NodeTrouble;
use crate::filters;
use crate::layout::Layout;
use crate::pages::containers::view::{Frame, Tab};

/// A line.
#[derive(Debug, Clone)]
pub struct Line {
    /// When it was written, where the log tells.
    pub at: Option<OffsetDateTime>,
    /// The end of its class `log-…`.
    pub level: &'static str,
    /// Its text.
    pub text: AnsiLine,
}

/// One of several.
#[derive(Debug, Clone)]
pub struct Choice {
    /// What it is, and what is shown.
    pub value: String,
    /// Whether it is the one.
    pub is_chosen: bool,
}

impl Choice {
    pub(super) fn of(value: String, is_chosen: bool) -> Self {
        Self { value, is_chosen }
    }
}

/// What was read of a log.
#[derive(Debug, Clone, Default)]
pub struct Content {
    /// What kind of service it is, and whether it ran when that was last looked for.
    pub service: Option<(&'static str, State)>,
    /// Where the lines come from.
    pub sources: Vec<Choice>,
    /// The lines, the newest last.
    pub lines: Vec<Line>,
    /// Whether there are older ones.
    pub has_older: bool,
    /// After which place new ones are; none where there is no log.
    pub after: Option<String>,
}

/// `/containers/{id}/log` and `/containers/{id}/services/{name}/log`.
#[derive(Template, WebTemplate)]
#[template(path = "containers/log.html")]
pub struct LogsPage {
    /// The frame of the page.
    pub layout: Layout,
    /// The container.
    pub frame: Frame,
    /// Whose log it is.
    pub title: String,
    /// The page's own address, without what was searched.
    pub path: String,
    /// The kind in the address.
    pub kind: Option<&'static str>,
    /// What is searched.
    pub q: String,
    /// How many lines are offered.
    pub counts: Vec<Choice>,
    /// What was read of it.
    pub log: Content,
    /// How many of the last lines are searched.
    pub searched: usize,
    /// Where new lines come from.
    pub follow_url: String,
    /// The whole log as a file.
    pub download_url: String,
    /// Why there are no lines.
    pub trouble: Option<NodeTrouble>,
}
