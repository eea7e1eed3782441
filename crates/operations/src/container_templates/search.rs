//! Which container templates somebody looks for.

use std::collections::BTreeSet;

use berth_domain::container_template::Summary;

/// What is looked for; empty means all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// Words, each of which occurs in the title, the name, the description or a tag.
    pub words: String,
    /// A tag that it has.
    pub tag: String,
}

impl Search {
    /// Whether nothing is looked for.
    pub fn is_empty(&self) -> bool {
        self.words.trim().is_empty() && self.tag.is_empty()
    }

    /// Whether this is one of them.
    pub fn finds(&self, summary: &Summary) -> bool {
        let text =
            [&summary.title, &summary.name, &summary.description].map(|text| text.to_lowercase()).join("\n");
        let tags: Vec<String> = summary.tags.iter().map(|tag| tag.to_lowercase()).collect();
        let occurs = |word: &str| text.contains(word) || tags.iter().any(|tag| tag.contains(word));
        (self.tag.is_empty() || tags.contains(&self.tag.to_lowercase()))
            && self.words.to_lowercase().split_whitespace().all(occurs)
    }
}

/// All tags, each once, in their order.
pub fn tags(summaries: &[Summary]) -> Vec<String> {
    summaries.iter().flat_map(|summary| &summary.tags).cloned().collect::<BTreeSet<_>>().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_looked_for_everywhere_and_tags_as_they_are() {
        let summary = Summary {
            id: berth_domain::ContainerTemplateId::new(),
            own: false,
            name: "docker-host".into(),
            title: "Docker".into(),
            description: "Runs Compose".into(),
            tags: vec!["containers".into(), "web".into()],
            packages: 0,
            scripts: 0,
            files: 0,
            updated_at: time::OffsetDateTime::UNIX_EPOCH,
        };
        for (words, tag, found) in [
            ("", "", true),
            ("DOCKER compose", "", true),
            ("-host", "", true),
            ("contain", "web", true),
            ("docker nginx", "", false),
            ("", "contain", false),
            ("%", "", false),
        ] {
            let search = Search { words: words.into(), tag: tag.into() };
            assert_eq!(search.finds(&summary), found, "{words:?} {tag:?}");
        }
        assert_eq!(tags(&[summary.clone(), summary]), ["containers", "web"]);
    }
}
