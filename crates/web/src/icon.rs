//! Inline SVG icons. Only drawings from the build's own list become markup, never a string from elsewhere.

use std::collections::HashMap;
use std::fmt;
use std::sync::LazyLock;

use askama::filters::HtmlSafe;

static DRAWINGS: LazyLock<HashMap<String, String>> = LazyLock::new(|| crate::assets::json("icons.json"));

/// An icon of the front end's list (`static/icons.json`), shown at the size of the text around it.
#[derive(Debug, Clone, Copy)]
pub struct Icon(&'static str);

impl Icon {
    /// The icon of that name, or `None` if it is not in `static/icons.json`.
    pub fn find(name: &str) -> Option<Self> {
        DRAWINGS.get(name).map(|drawing| Self(drawing))
    }
}

impl fmt::Display for Icon {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            r#"<svg class="icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">{}</svg>"#,
            self.0
        )
    }
}

impl HtmlSafe for Icon {}
