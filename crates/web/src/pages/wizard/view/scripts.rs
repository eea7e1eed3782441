//! What the scripts step shows.

use askama::Template;
use askama_web::WebTemplate;

use super::{Wizard, WizardStep};
use crate::filters;
use crate::layout::{Layout, Tone};

/// A script that can be left out or moved.
#[derive(Debug, Clone)]
pub struct ScriptItem {
    /// Its name, which is sent as `scripts` and in `move`.
    pub name: String,
    /// What it does.
    pub description: Option<String>,
    /// The address of its text and how many bytes that has; none when the container template does not have it any more.
    pub content: Option<(String, u64)>,
    /// Whether it is run.
    pub on: bool,
}

/// A script's text, for the step.
#[derive(Template, WebTemplate)]
#[template(path = "wizard/_script.html")]
pub struct ScriptFragment {
    /// Its text, or its beginning; none when it is not there any more.
    pub content: Option<String>,
    /// Where all of it is and how many bytes that has, when this is only its beginning.
    pub rest: Option<(String, u64)>,
}

/// A script's text as a page.
#[derive(Template, WebTemplate)]
#[template(path = "wizard/script.html")]
pub struct ScriptPage {
    /// The frame.
    pub layout: Layout,
    /// The step's address.
    pub back: String,
    /// Its name.
    pub name: String,
    /// Its text; none when it is not there any more.
    pub content: Option<String>,
}

/// Step 4. Moving sends `move=up:NAME` or `move=down:NAME`.
#[derive(Template, WebTemplate)]
#[template(path = "wizard/scripts.html")]
pub struct ScriptsStepPage {
    /// The frame.
    pub layout: Layout,
    /// Where we are.
    pub wizard: Wizard,
    /// The scripts in their order.
    pub scripts: Vec<ScriptItem>,
    /// What is wrong with them.
    pub error: Option<String>,
}
