//! The dashboard's address: what is shown, in which order and how, so that it can be kept and sent.

use berth_domain::NodeId;
use berth_operations::dashboard::filter::{Filter, Sort, Status};
use serde::Deserialize;
use url::form_urlencoded::Serializer;

/// Characters of a search.
const LONGEST: usize = 200;

/// The parameters as they come. What cannot be is as if it were not there.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Typed {
    q: String,
    node: String,
    status: String,
    tag: String,
    sort: String,
    group: String,
    view: String,
    page: String,
}

/// The dashboard's address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Address {
    /// What is shown, in which order.
    pub filter: Filter,
    /// In rows instead of cards.
    pub table: bool,
    /// Which page of it, from 1.
    pub page: usize,
}

impl From<Typed> for Address {
    fn from(typed: Typed) -> Self {
        let (sort, descending) =
            typed.sort.strip_prefix('-').map_or((typed.sort.as_str(), false), |sort| (sort, true));
        let sort = Sort::of(sort);
        Self {
            filter: Filter {
                text: typed.q.chars().take(LONGEST).collect(),
                node: typed.node.parse().ok(),
                status: Status::of(&typed.status),
                tag: Some(typed.tag).filter(|tag| !tag.is_empty()),
                sort: sort.unwrap_or_default(),
                descending: descending && sort.is_some(),
                by_node: typed.group == "node",
            },
            table: typed.view == "table",
            page: typed.page.parse().unwrap_or(1).max(1),
        }
    }
}

impl Address {
    fn sort(&self) -> String {
        let sign = if self.filter.descending { "-" } else { "" };
        format!("{sign}{}", self.filter.sort.slug())
    }

    /// The address as text; what is as usual is left out.
    pub fn href(&self) -> String {
        let mut query = Serializer::new(String::new());
        let mut add = |name: &str, value: &str| {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        };
        let filter = &self.filter;
        add("q", filter.text.trim());
        add("node", &filter.node.map(|node| node.to_string()).unwrap_or_default());
        add("status", filter.status.map_or("", Status::slug));
        add("tag", filter.tag.as_deref().unwrap_or_default());
        let sort = self.sort();
        add("sort", if sort == Sort::default().slug() { "" } else { &sort });
        add("group", if filter.by_node { "node" } else { "" });
        add("view", if self.table { "table" } else { "" });
        add("page", &if self.page > 1 { self.page.to_string() } else { String::new() });
        let query = query.finish();
        if query.is_empty() { "/".into() } else { format!("/?{query}") }
    }

    fn changed(&self, change: impl FnOnce(&mut Self)) -> String {
        let mut changed = Self { page: 1, ..self.clone() };
        change(&mut changed);
        changed.href()
    }

    /// The same with this status alone, or with any where it is that already.
    pub fn with_status(&self, status: Status) -> String {
        let wanted = (self.filter.status != Some(status)).then_some(status);
        self.changed(|address| address.filter.status = wanted)
    }

    /// The same with any status.
    pub fn with_any_status(&self) -> String {
        self.changed(|address| address.filter.status = None)
    }

    /// The same with this tag.
    pub fn with_tag(&self, tag: &str) -> String {
        self.changed(|address| address.filter.tag = Some(tag.to_owned()))
    }

    /// The same of this node alone.
    pub fn with_node(&self, node: NodeId) -> String {
        self.changed(|address| address.filter.node = Some(node))
    }

    /// The same in this order, or in its opposite where it is so already.
    pub fn with_sort(&self, sort: Sort) -> String {
        let descending = self.filter.sort == sort && !self.filter.descending;
        self.changed(|address| (address.filter.sort, address.filter.descending) = (sort, descending))
    }

    /// The same in rows, or in cards.
    pub fn with_table(&self, table: bool) -> String {
        self.changed(|address| address.table = table)
    }

    /// Another page of the same.
    pub fn with_page(&self, page: usize) -> String {
        Self { page, ..self.clone() }.href()
    }

    /// The same without any filter.
    pub fn without_filter(&self) -> String {
        let Filter { sort, descending, by_node, .. } = self.filter;
        self.changed(|address| address.filter = Filter { sort, descending, by_node, ..Filter::default() })
    }

    /// How a column is sorted, for `aria-sort`; none where by another.
    pub fn direction(&self, sort: Sort) -> Option<&'static str> {
        let direction = if self.filter.descending { "descending" } else { "ascending" };
        (self.filter.sort == sort).then_some(direction)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Address {
        let pairs: Vec<(String, String)> =
            url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let value = |name: &str| {
            pairs.iter().find(|(it, _)| it == name).map(|(_, value)| value.clone()).unwrap_or_default()
        };
        Address::from(Typed {
            q: value("q"),
            node: value("node"),
            status: value("status"),
            tag: value("tag"),
            sort: value("sort"),
            group: value("group"),
            view: value("view"),
            page: value("page"),
        })
    }

    #[test]
    fn an_address_comes_back_as_it_was() {
        let node = NodeId::new();
        for href in [
            "/".to_owned(),
            "/?q=web+%26+db&status=running&tag=a%3Db&sort=-memory&group=node&view=table&page=3".to_owned(),
            format!("/?node={node}"),
        ] {
            assert_eq!(read(href.trim_start_matches(['/', '?'])).href(), href);
        }
        assert_eq!(read("status=nonsense&sort=-&page=-1&node=x").href(), "/");
    }

    #[test]
    fn a_change_of_what_is_shown_begins_at_the_first_page() {
        let address = read("status=running&page=4");
        assert_eq!(address.with_page(5), "/?status=running&page=5");
        assert_eq!(address.with_tag("web"), "/?status=running&tag=web");
        assert_eq!(address.with_status(Status::Running), "/");
        assert_eq!(address.with_sort(Sort::Vmid), "/?status=running&sort=vmid");
        assert_eq!(read("sort=vmid").with_sort(Sort::Vmid), "/?sort=-vmid");
        assert_eq!(address.without_filter(), "/");
    }
}
