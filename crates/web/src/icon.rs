//! SVG icons. Only drawings from the build's own list become markup, never a string from elsewhere. A page has each drawing once, in its [`Sprite`], and
//! points to it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use askama::filters::HtmlSafe;

static DRAWINGS: LazyLock<BTreeMap<String, String>> =
    LazyLock::new(|| crate::assets::json("icons.json").into_iter().collect());

static SPRITE: LazyLock<String> = LazyLock::new(|| {
    let symbol = |(name, drawing): (&String, &String)| {
        format!(r#"<symbol id="i-{name}" viewBox="0 0 24 24">{drawing}</symbol>"#)
    };
    format!("<svg hidden>{}</svg>", DRAWINGS.iter().map(symbol).collect::<String>())
});

/// An icon of the front end's list (`static/icons.json`), shown at the size of the text around it, in a page that has the [`Sprite`].
#[derive(Debug, Clone, Copy)]
pub struct Icon(&'static str);

impl Icon {
    /// The icon of that name, or `None` if it is not in `static/icons.json`.
    pub fn find(name: &str) -> Option<Self> {
        DRAWINGS.get_key_value(name).map(|(name, _)| Self(name))
    }
}

impl fmt::Display for Icon {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, r##"<svg class="icon" aria-hidden="true"><use href="#i-{}"/></svg>"##, self.0)
    }
}

impl HtmlSafe for Icon {}

/// All drawings, unseen.
#[derive(Debug, Clone, Copy)]
pub struct Sprite;

impl fmt::Display for Sprite {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&SPRITE)
    }
}

impl HtmlSafe for Sprite {}
