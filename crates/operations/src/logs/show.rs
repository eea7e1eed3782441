//! The last lines of a log.

use std::collections::VecDeque;

use berth_domain::container::Container;
use berth_domain::discovery::Service;
use berth_domain::{ContainerId, UserId};
use berth_proxmox::ssh::Stdin;

use super::cursor::Cursor;
use super::decode::{Decoder, Format};
use super::lines::LogLine;
use super::open::{Asked, Opened, Tag};
use super::{Log, Wanted};
use crate::{Context, Result};

/// How many lines are shown where nothing is said, and at most.
pub const DEFAULT_LINES: usize = 50;
/// See [`DEFAULT_LINES`].
pub const MOST_LINES: usize = 1000;
/// How many of the last lines are searched.
pub const SEARCHED: usize = 10_000;
/// How much of the end of a file that is: to show, and to search.
const SHOWN_BYTES: usize = 1 << 20;
const SEARCHED_BYTES: usize = 8 << 20;

/// The last lines of a log, the oldest first.
#[derive(Clone, Debug)]
pub struct LogPage {
    /// The container.
    pub container: Container,
    /// The service, unless it is the system's log.
    pub service: Option<Service>,
    /// Where there are logs; none where this service leaves none that is known.
    pub sources: Vec<String>,
    /// Which of them this is.
    pub source: String,
    /// Its lines.
    pub lines: Vec<LogLine>,
    /// Whether there are, or may be, older ones.
    pub has_older: bool,
    /// Where [`super::follow`] goes on.
    pub after: String,
}

/// The last lines of a log of one of the user's containers, read by one call of `pct`.
pub async fn show(
    ctx: &Context,
    user: UserId,
    id: ContainerId,
    wanted: &Wanted,
    count: usize,
) -> Result<LogPage> {
    let log = Log::find(ctx, user, id, &wanted.whose).await?;
    let searches = !wanted.search.trim().is_empty();
    // Those of one service have to be picked out of a file with the lines of all.
    let (lines, bytes) = if searches { (SEARCHED, SEARCHED_BYTES) } else { (count, SHOWN_BYTES) };
    let asked = Asked {
        mode: "page",
        source: wanted.source.clone(),
        from: bytes.to_string(),
        lines,
        stdin: Stdin::Empty,
    };
    let mut opened = Opened::open(ctx, user, log, asked).await?;
    let mut tail = Tail { wanted, tag: opened.tag(), lines: VecDeque::new(), most: count, read: 0 };
    let mut after = Cursor::Start;
    if let Some(format) = opened.format {
        let mut decoder = Decoder::new(format, &Cursor::Now, wanted.whose.is_of_many());
        tail.read_all(&mut opened, &mut decoder).await?;
        after = decoder.cursor();
    }
    let is_file = matches!(opened.format, Some(Format::File | Format::Tagged));
    Ok(LogPage {
        has_older: tail.read > tail.lines.len() || (!is_file && tail.read >= lines),
        container: opened.inside.container,
        service: opened.service,
        sources: opened.sources,
        source: opened.source,
        lines: tail.lines.into(),
        after: after.to_string(),
    })
}

/// Keeps the last so many lines of those that are wanted.
struct Tail<'w> {
    wanted: &'w Wanted,
    tag: Option<Tag>,
    lines: VecDeque<LogLine>,
    most: usize,
    read: usize,
}

impl Tail<'_> {
    async fn read_all(&mut self, opened: &mut Opened, decoder: &mut Decoder) -> Result<()> {
        let until = opened.inside.until();
        let mut lines = Vec::new();
        loop {
            let next = tokio::time::timeout_at(until, opened.next()).await;
            let Some(bytes) = next.unwrap_or_else(|_| Err(opened.inside.late()))? else { break };
            decoder.push(&bytes, &mut lines).map_err(|_| opened.cut_off())?;
            lines.drain(..).for_each(|line| self.take(line));
        }
        decoder.finish(&mut lines);
        lines.drain(..).for_each(|line| self.take(line));
        Ok(())
    }

    fn take(&mut self, line: LogLine) {
        if self.tag.as_ref().is_some_and(|tag| !tag.is_of(&line.text)) {
            return;
        }
        self.read += 1;
        if self.wanted.matches(&line) {
            self.lines.push_back(line);
            if self.lines.len() > self.most {
                self.lines.pop_front();
            }
        }
    }
}
