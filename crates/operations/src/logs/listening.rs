//! That somebody listens to what is told without end: how many may, and how the container is shown that they still do.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::task::{Context as Task, Poll, ready};
use std::time::Duration;

use berth_domain::UserId;
use berth_proxmox::ssh::Stdin;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::{Error, Result};

/// How many logs somebody may follow or download at once, and all of this process: each holds a connection to a node.
const MOST_OF_A_USER: usize = 8;
const MOST: usize = 64;
/// How often the container is shown that somebody listens; after a minute without it the script ends.
const BEAT: Duration = Duration::from_secs(15);

static LISTENERS: LazyLock<Mutex<HashMap<UserId, usize>>> = LazyLock::new(Mutex::default);

fn listeners() -> MutexGuard<'static, HashMap<UserId, usize>> {
    LISTENERS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The place of one who listens, until it is dropped.
pub(super) struct Listener(UserId);

impl Listener {
    /// [`Error::Conflict`] where there are too many.
    pub(super) fn join(user: UserId) -> Result<Self> {
        let mut all = listeners();
        let own = all.get(&user).copied().unwrap_or(0);
        if own >= MOST_OF_A_USER {
            return Err(Error::Conflict(format!(
                "You follow or download {own} logs at once, and more are not possible. Close one of them and try again"
            )));
        }
        if all.values().sum::<usize>() >= MOST {
            return Err(Error::Conflict(
                "Too many logs are followed on this Berth. Try again in a moment".into(),
            ));
        }
        all.insert(user, own + 1);
        Ok(Self(user))
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let mut all = listeners();
        if let Some(count) = all.get_mut(&self.0) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.0);
            }
        }
    }
}

/// A sign of life now and then, without end.
pub(super) fn beats() -> Stdin {
    let mut beats = interval(BEAT);
    beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
    Stdin::Reader(Box::new(Beats(beats)))
}

struct Beats(Interval);

impl AsyncRead for Beats {
    fn poll_read(
        mut self: Pin<&mut Self>,
        task: &mut Task<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.0.poll_tick(task));
        buffer.put_slice(b".");
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_has_so_many_places_and_gets_them_back() {
        let user = UserId::new();
        let mut places: Vec<_> = (0..MOST_OF_A_USER).map(|_| Listener::join(user).unwrap()).collect();
        assert!(matches!(Listener::join(user), Err(Error::Conflict(_))));
        assert!(Listener::join(UserId::new()).is_ok(), "that is none of others' business");
        places.pop();
        places.push(Listener::join(user).unwrap());
        drop(places);
        assert!(!listeners().contains_key(&user));
    }
}
