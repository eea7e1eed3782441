//! Proxmox's OS templates, the tarballs that containers are made from.

use std::cmp::Ordering;

use time::OffsetDateTime;

use crate::{NodeId, OsTemplateDownloadId};

/// A download of an OS template from Proxmox's catalogue to a storage of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OsTemplateDownload {
    /// The row's id.
    pub id: OsTemplateDownloadId,
    /// The node that downloads it.
    pub node_id: NodeId,
    /// The storage it goes to.
    pub storage: String,
    /// The file, as the catalogue names it.
    pub file: String,
    /// The Proxmox task; none while it is not known whether the node has begun.
    pub upid: Option<String>,
    /// Where it stands.
    pub state: DownloadState,
    /// What went wrong, in words its owner can act on.
    pub error: Option<String>,
    /// When it was asked for.
    pub created_at: OffsetDateTime,
}

impl OsTemplateDownload {
    /// The volume id that it has once it is there.
    pub fn volid(&self) -> String {
        format!("{}:vztmpl/{}", self.storage, self.file)
    }
}

/// Where a download stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DownloadState {
    /// Asked for, or under way.
    Running,
    /// The file is there.
    Done,
    /// It failed.
    Failed,
    /// Its owner stopped it.
    Cancelled,
}

impl DownloadState {
    /// As stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// From its stored name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Running, Self::Done, Self::Failed, Self::Cancelled]
            .into_iter()
            .find(|state| state.name() == name)
    }
}

/// Compares names as people do, numbers by their value: `debian-9` comes before `debian-12`.
pub fn compare_names(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        match (next_part(&mut a), next_part(&mut b)) {
            (None, None) => return Ordering::Equal,
            (left, right) => match left.cmp(&right) {
                Ordering::Equal => {}
                unequal => return unequal,
            },
        }
    }
}

/// A run of digits or of anything else; numbers come before words.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Part<'a> {
    /// Without leading zeros, the length first: so numbers of any length compare.
    Number(usize, &'a str),
    Word(&'a str),
}

fn next_part<'a>(text: &mut &'a str) -> Option<Part<'a>> {
    let digits = text.starts_with(|first: char| first.is_ascii_digit());
    let end = text.find(|character: char| character.is_ascii_digit() != digits).unwrap_or(text.len());
    let (part, rest) = text.split_at(end);
    *text = rest;
    match (part.is_empty(), digits) {
        (true, _) => None,
        (false, true) => {
            let number = part.trim_start_matches('0');
            Some(Part::Number(number.len(), number))
        }
        (false, false) => Some(Part::Word(part)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_by_value() {
        let mut names =
            ["debian-12_12.10-1", "debian-9_9.7", "alpine-3.22", "debian-12_12.7-1", "debian-13", "debian"];
        names.sort_by(|a, b| compare_names(a, b));
        assert_eq!(
            names,
            ["alpine-3.22", "debian", "debian-9_9.7", "debian-12_12.7-1", "debian-12_12.10-1", "debian-13"]
        );
        assert_eq!(compare_names("a-010", "a-10"), Ordering::Equal);
        assert_eq!(compare_names("a-99999999999999999999999", "a-9"), Ordering::Greater);
    }
}
