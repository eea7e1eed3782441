//! A log as it grows.

use std::time::Duration;

use berth_domain::{ContainerId, UserId};
use futures::Stream;
use futures::stream::unfold;
use tokio::time::{Instant, timeout_at};

use super::cursor::Cursor;
use super::decode::Decoder;
use super::lines::{LogLine, Severity};
use super::listening::{self, Listener};
use super::open::{Asked, Opened, Tag};
use super::{Log, Wanted};
use crate::{Context, Error, FieldErrors, Result};

/// Lines that come this close after each other are told together.
const TOGETHER: Duration = Duration::from_millis(100);
/// But no more than so many lines or bytes; then whoever reads comes first, and the log waits in the container.
const MOST_LINES: usize = 1000;
const MOST_BYTES: usize = 256 << 10;

/// Lines that came together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The lines; none where none of those that came was wanted.
    pub lines: Vec<LogLine>,
    /// Where to go on after them.
    pub after: String,
}

/// The lines of a log of one of the user's containers after `after`, those to come included, by one call of `pct` that ends soon after the
/// stream is dropped. Nothing is read faster than the stream is. It ends with an error, after which it can be followed on from the last batch.
pub async fn follow(
    ctx: &Context,
    user: UserId,
    id: ContainerId,
    wanted: Wanted,
    after: &str,
) -> Result<impl Stream<Item = Result<Batch>> + Send + 'static> {
    let log = Log::find(ctx, user, id, &wanted.whose).await?;
    let after: Cursor = after.parse().map_err(|_| FieldErrors::one("after", "is no place in a log"))?;
    let listener = Listener::join(user)?;
    let asked = Asked {
        mode: "follow",
        source: wanted.source.clone(),
        from: after.argument(),
        lines: 0,
        stdin: listening::beats(),
    };
    let opened = Opened::open(ctx, user, log, asked).await?;
    let Some(format) = opened.format else {
        return Err(Error::Conflict("There is no log to follow. Reload the page".into()));
    };
    let decoder = Decoder::new(format, &after, wanted.whose.is_of_many());
    let tag = opened.tag();
    let follower =
        Follower { opened, decoder, wanted, tag, ended: None, is_over: false, _listener: listener };
    Ok(unfold(follower, |mut follower| async move { Some((follower.next().await?, follower)) }))
}

struct Follower {
    opened: Opened,
    decoder: Decoder,
    wanted: Wanted,
    tag: Option<Tag>,
    /// Why it has ended, once all before that was told.
    ended: Option<Error>,
    is_over: bool,
    _listener: Listener,
}

impl Follower {
    async fn next(&mut self) -> Option<Result<Batch>> {
        if self.is_over {
            return None;
        }
        let batch = if self.ended.is_none() { self.gather().await } else { None };
        if let Some(batch) = batch {
            return Some(Ok(batch));
        }
        self.is_over = true;
        self.ended.take().map(Err)
    }

    /// What comes together; `None` where nothing came any more.
    async fn gather(&mut self) -> Option<Batch> {
        let mut lines = Vec::new();
        let (mut bytes, mut until) = (0, None);
        while lines.len() < MOST_LINES && bytes < MOST_BYTES {
            let next = match until {
                None => self.opened.next().await,
                Some(until) => match timeout_at(until, self.opened.next()).await {
                    Ok(next) => next,
                    Err(_) => break,
                },
            };
            let came = match next {
                Ok(Some(came)) => came,
                Ok(None) => {
                    self.ended = Some(self.opened.cut_off());
                    break;
                }
                Err(error) => {
                    self.ended = Some(error);
                    break;
                }
            };
            until.get_or_insert_with(|| Instant::now() + TOGETHER);
            bytes += came.len();
            let mut read = Vec::new();
            let sound = self.decoder.push(&came, &mut read);
            lines.extend(read.into_iter().filter(|line| self.wants(line)));
            if sound.is_err() {
                self.ended = Some(self.opened.cut_off());
                break;
            }
        }
        until?;
        Some(Batch { lines, after: self.decoder.cursor().to_string() })
    }

    fn wants(&self, line: &LogLine) -> bool {
        let is_own = self.tag.as_ref().is_none_or(|tag| tag.is_of(&line.text));
        line.severity == Severity::Note || (is_own && self.wanted.matches(line))
    }
}
