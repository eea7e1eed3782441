//! What the index of the settings shows.

use askama::Template;
use askama_web::WebTemplate;

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
