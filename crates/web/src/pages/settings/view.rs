//! What the settings show.

use askama::Template;
use askama_web::WebTemplate;
use berth_domain::SessionHandle;
use time::OffsetDateTime;

use crate::filters;
use crate::layout::Layout;

/// `/settings`.
#[derive(Template, WebTemplate)]
#[template(path = "settings/index.html")]
pub struct SettingsPage {
    /// The frame.
    pub layout: Layout,
    /// How many nodes there are.
    pub nodes: usize,
    /// The user and host of this session.
    pub account: String,
}

/// A session where its owner sees it listed.
#[derive(Debug, Clone)]
pub struct SessionView {
    /// The one that shows this page.
    pub is_this: bool,
    /// Names it, and opens nothing.
    pub handle: SessionHandle,
    /// The browser, in a few words.
    pub browser: String,
    /// The address it logged in from.
    pub client: String,
    /// When it logged in.
    pub since: OffsetDateTime,
    /// When it was last used.
    pub seen: OffsetDateTime,
}

/// `/settings/sessions`.
#[derive(Template, WebTemplate)]
#[template(path = "settings/sessions.html")]
pub struct SessionsPage {
    /// The frame.
    pub layout: Layout,
    /// This one first.
    pub sessions: Vec<SessionView>,
}
