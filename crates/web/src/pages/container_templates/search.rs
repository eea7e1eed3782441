//! The search of container templates, on their own page and in the wizard; what is looked for is in the address.

use berth_domain::container_template::Summary;
use berth_operations::container_templates::search::{self, Search};
use serde::Deserialize;

/// What is looked for, as the address has it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct Wanted {
    q: String,
    tag: String,
}

/// The search as a page shows it.
#[derive(Debug, Clone)]
pub struct SearchView {
    /// Where it is.
    pub action: String,
    /// The words.
    pub words: String,
    /// The chosen tag, or nothing.
    pub tag: String,
    /// All tags with their addresses.
    pub tags: Vec<(String, String)>,
    /// Whether anything is looked for.
    pub active: bool,
}

impl Wanted {
    fn search(&self) -> Search {
        Search { words: self.q.clone(), tag: self.tag.clone() }
    }

    /// Whether this is one of those that are looked for.
    pub(in crate::pages) fn finds(&self, summary: &Summary) -> bool {
        self.search().finds(summary)
    }

    /// The search on the page at `action`.
    pub(in crate::pages) fn view(&self, action: &str, all: &[Summary]) -> SearchView {
        let link = |tag: String| {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            if !self.q.is_empty() {
                query.append_pair("q", &self.q);
            }
            // The chosen one leads back to all.
            if tag != self.tag {
                query.append_pair("tag", &tag);
            }
            let address = format!("{action}?{}", query.finish());
            (tag, address)
        };
        SearchView {
            action: action.into(),
            words: self.q.clone(),
            tag: self.tag.clone(),
            tags: search::tags(all).into_iter().map(link).collect(),
            active: !self.search().is_empty(),
        }
    }
}
