//! What of a dashboard is shown, and in which order.

use std::cmp::Ordering;

use berth_domain::NodeId;
use berth_domain::creation::CreationState;

use super::{CreationLine, Dashboard, Row};
use crate::containers::State;

/// How something stands, in the words of the summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is being created.
    Creating,
    /// It runs.
    Running,
    /// It does not.
    Stopped,
    /// Its creation ended early.
    Error,
    /// Its node does not say.
    Unknown,
    /// It is not on Proxmox any more.
    Gone,
}

impl Status {
    /// All of them, in the order of the summary.
    pub const ALL: [Self; 6] =
        [Self::Running, Self::Stopped, Self::Creating, Self::Error, Self::Unknown, Self::Gone];

    /// Its name in addresses.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Error => "error",
            Self::Unknown => "unknown",
            Self::Gone => "gone",
        }
    }

    /// The status of that name.
    pub fn of(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.slug() == slug)
    }

    const fn of_row(row: &Row) -> Self {
        match row.state {
            State::Running => Self::Running,
            State::Stopped => Self::Stopped,
            State::Unknown(_) => Self::Unknown,
            State::Gone => Self::Gone,
        }
    }

    const fn of_creation(line: &CreationLine) -> Self {
        match line.creation.state {
            CreationState::Queued | CreationState::Running | CreationState::Ready => Self::Creating,
            CreationState::Failed | CreationState::Cancelled => Self::Error,
        }
    }
}

/// What rows are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// The host name.
    #[default]
    Name,
    /// The number.
    Vmid,
    /// What it is doing.
    Status,
    /// The node's name.
    Node,
    /// The share of its processors in use.
    Cpu,
    /// The share of its memory in use.
    Memory,
    /// The share of its disk in use.
    Disk,
    /// How long it has been up.
    Uptime,
}

impl Sort {
    /// All of them, as the table has them.
    pub const ALL: [Self; 8] =
        [Self::Name, Self::Vmid, Self::Status, Self::Node, Self::Cpu, Self::Memory, Self::Disk, Self::Uptime];

    /// Its name in addresses.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Vmid => "vmid",
            Self::Status => "status",
            Self::Node => "node",
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Disk => "disk",
            Self::Uptime => "uptime",
        }
    }

    /// The order of that name.
    pub fn of(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sort| sort.slug() == slug)
    }

    fn compare(self, a: &Row, b: &Row) -> Ordering {
        let share = |pair: Option<(u64, u64)>| {
            pair.filter(|(_, all)| *all > 0).map_or(-1.0, |(used, all)| used as f64 / all as f64)
        };
        match self {
            Self::Name => Ordering::Equal,
            Self::Vmid => a.vmid.cmp(&b.vmid),
            Self::Status => position(a).cmp(&position(b)),
            Self::Node => a.node_name.cmp(&b.node_name),
            Self::Cpu => a.usage.cpu.unwrap_or(-1.0).total_cmp(&b.usage.cpu.unwrap_or(-1.0)),
            Self::Memory => share(a.usage.memory).total_cmp(&share(b.usage.memory)),
            Self::Disk => share(a.usage.disk).total_cmp(&share(b.usage.disk)),
            Self::Uptime => a.usage.uptime.cmp(&b.usage.uptime),
        }
    }
}

fn position(row: &Row) -> usize {
    let status = Status::of_row(row);
    Status::ALL.iter().position(|other| *other == status).unwrap_or(Status::ALL.len())
}

/// What is asked for; the default is everything, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Words that must all be found in a name, number, address, tag, service, template or node.
    pub text: String,
    /// Only of this node.
    pub node: Option<NodeId>,
    /// Only what stands so.
    pub status: Option<Status>,
    /// Only with this tag.
    pub tag: Option<String>,
    /// The order.
    pub sort: Sort,
    /// The other way round.
    pub descending: bool,
    /// Node by node.
    pub by_node: bool,
}

/// What is found.
#[derive(Debug)]
pub struct Selection<'a> {
    /// Containers, in order.
    pub rows: Vec<&'a Row>,
    /// Creations that have not ended well, the newest first.
    pub creations: Vec<&'a CreationLine>,
    /// How many there are of each status, whatever status is asked for.
    pub counts: [(Status, usize); 6],
}

impl Filter {
    /// Whether anything is left out.
    pub fn narrows(&self) -> bool {
        !self.text.trim().is_empty() || self.node.is_some() || self.status.is_some() || self.tag.is_some()
    }

    /// What of a dashboard is asked for.
    pub fn select<'a>(&self, dashboard: &'a Dashboard) -> Selection<'a> {
        let lower = self.text.to_lowercase();
        let words: Vec<&str> = lower.split_whitespace().collect();
        let has = |search: &str| words.iter().all(|word| search.contains(word));
        let mut counts = Status::ALL.map(|status| (status, 0));
        let mut admit = |status: Status| {
            counts.iter_mut().filter(|(other, _)| *other == status).for_each(|(_, count)| *count += 1);
            self.status.is_none_or(|wanted| wanted == status)
        };
        let of_node = |node: NodeId| self.node.is_none_or(|wanted| wanted == node);
        let mut rows: Vec<&Row> = dashboard
            .rows
            .iter()
            .filter(|row| of_node(row.node_id) && has(&row.search))
            .filter(|row| self.tag.as_ref().is_none_or(|tag| row.tags.contains(tag)))
            .filter(|row| admit(Status::of_row(row)))
            .collect();
        // Rows come by name, which a stable sort keeps among equals.
        if self.sort != Sort::Name {
            rows.sort_by(|a, b| self.sort.compare(a, b));
        }
        if self.descending {
            rows.reverse();
        }
        if self.by_node {
            rows.sort_by(|a, b| (&a.node_name, a.node_id).cmp(&(&b.node_name, b.node_id)));
        }
        let creations = dashboard
            .creations
            .iter()
            .filter(|line| self.tag.is_none() && of_node(line.creation.node_id) && has(&line.search))
            .filter(|line| admit(Status::of_creation(line)))
            .collect();
        Selection { rows, creations, counts }
    }
}

#[cfg(test)]
mod tests {
    use berth_domain::Vmid;
    use berth_domain::guest::Usage;

    use super::*;

    fn row(hostname: &str, vmid: u32, state: State) -> Row {
        Row {
            container: None,
            node_id: NodeId::new(),
            node_name: "attic".into(),
            vmid: Vmid::new(vmid).unwrap(),
            hostname: hostname.into(),
            state,
            under_way: None,
            lock: None,
            usage: Usage { memory: Some((u64::from(vmid), 1000)), ..Usage::default() },
            tags: vec![hostname[..1].to_owned()],
            last_seen: None,
            search: format!("{hostname}\n{vmid}\nattic"),
        }
    }

    fn dashboard() -> Dashboard {
        Dashboard {
            rows: vec![
                row("db", 300, State::Running),
                row("web-1", 101, State::Stopped),
                row("web-2", 200, State::Running),
            ],
            ..Dashboard::default()
        }
    }

    fn names(filter: &Filter) -> Vec<String> {
        filter.select(&dashboard()).rows.iter().map(|row| row.hostname.clone()).collect()
    }

    #[test]
    fn words_must_all_be_found_and_counts_ignore_the_status() {
        let text = |text: &str| Filter { text: text.into(), ..Filter::default() };
        assert_eq!(names(&text("WEB attic")), ["web-1", "web-2"]);
        assert_eq!(names(&text("web 200")), ["web-2"]);
        assert!(names(&text("web cellar")).is_empty());
        let running = Filter { status: Some(Status::Running), ..text("web") };
        assert_eq!(names(&running), ["web-2"]);
        let dashboard = dashboard();
        let counts = running.select(&dashboard).counts;
        assert_eq!(counts[..2], [(Status::Running, 1), (Status::Stopped, 1)]);
    }

    #[test]
    fn orders_and_their_opposites() {
        let sorted = |sort, descending| names(&Filter { sort, descending, ..Filter::default() });
        assert_eq!(sorted(Sort::Name, false), ["db", "web-1", "web-2"]);
        assert_eq!(sorted(Sort::Vmid, false), ["web-1", "web-2", "db"]);
        assert_eq!(sorted(Sort::Memory, true), ["db", "web-2", "web-1"]);
        assert_eq!(sorted(Sort::Status, false), ["db", "web-2", "web-1"]);
        assert_eq!(names(&Filter { tag: Some("d".into()), ..Filter::default() }), ["db"]);
    }
}
