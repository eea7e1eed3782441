//! One watcher of one creation.

use std::collections::VecDeque;
use std::time::Duration;

use berth_domain::CreationId;
use berth_domain::creation::StoredEvent;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::hub::{ProgressHub, Signal};
use super::{Notice, read};
use crate::error::Result;

/// How often a watcher reads without being told to: the net for when Redis is down.
const NET: Duration = Duration::from_secs(3);
/// How many events are read at once.
const BATCH: u32 = 500;

/// Yields a creation's events, each once and in order.
#[derive(Debug)]
pub(super) struct Following {
    hub: ProgressHub,
    id: CreationId,
    signals: broadcast::Receiver<Signal>,
    /// Number of the last event that is pending or was yielded.
    last: i64,
    last_is_terminal: bool,
    pending: VecDeque<StoredEvent>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It is not known whether `last` exists, and whether it ended the creation.
    Unsure,
    /// There may be more to read.
    Behind,
    /// All that was stored has been read.
    Waiting,
    /// The creation is over, or gone with its node.
    Ended,
}

impl Following {
    pub(super) fn new(hub: ProgressHub, id: CreationId, after: i64) -> Self {
        // Subscribed before the first read: what is stored in between is heard.
        let signals = hub.signals.subscribe();
        let last_is_terminal = false;
        Self {
            hub,
            id,
            signals,
            last: after,
            last_is_terminal,
            pending: VecDeque::new(),
            state: State::Unsure,
        }
    }

    /// The next event; none when the creation is over. While PostgreSQL is away it waits.
    pub(super) async fn next(&mut self) -> Option<StoredEvent> {
        loop {
            if let Some(event) = self.pending.pop_front() {
                return Some(event);
            }
            match self.state {
                State::Ended => return None,
                State::Waiting => self.wait().await,
                State::Unsure | State::Behind => {
                    if let Err(error) = self.read().await {
                        tracing::warn!(creation = %self.id, %error, "reading progress");
                        tokio::time::sleep(NET).await;
                    }
                }
            }
        }
    }

    async fn read(&mut self) -> Result<()> {
        if self.state == State::Unsure {
            let last = read::event(&self.hub.pg, self.id, self.last).await?;
            // A number that was never given out: the watcher gets everything.
            self.last = last.as_ref().map_or(0, |event| event.seq);
            self.last_is_terminal = last.is_some_and(|event| event.event.is_terminal());
            self.state = State::Behind;
        }
        let events = read::events_after(&self.hub.pg, &self.hub.redis, self.id, self.last, BATCH).await?;
        if events.is_empty() {
            let goes_on = !self.last_is_terminal && read::exists(&self.hub.pg, self.id).await?;
            self.state = if goes_on { State::Waiting } else { State::Ended };
        }
        for event in events {
            self.push(event);
        }
        Ok(())
    }

    async fn wait(&mut self) {
        match tokio::time::timeout(NET, self.signals.recv()).await {
            Ok(Ok(Signal::Stored(notice))) if notice.creation == self.id => self.hear(&notice),
            Ok(Ok(Signal::Stored(_))) => {}
            Ok(Ok(Signal::Missed) | Err(RecvError::Lagged(_) | RecvError::Closed)) | Err(_) => {
                self.state = State::Behind;
            }
        }
    }

    fn hear(&mut self, notice: &Notice) {
        let next = self.last + 1;
        let fresh = notice.events.iter().skip_while(|event| event.seq < next);
        for (event, _) in fresh.zip(next..).take_while(|(event, seq)| event.seq == *seq) {
            self.push(event.clone());
        }
        // A gap, a notice without its events, or an end that may have been followed by a retry.
        if self.last < notice.last_seq || (self.last_is_terminal && !self.pending.is_empty()) {
            self.state = State::Behind;
        }
    }

    fn push(&mut self, event: StoredEvent) {
        self.last = event.seq;
        self.last_is_terminal = event.event.is_terminal();
        self.pending.push_back(event);
    }
}
