//! What creations report. PostgreSQL holds every event; a Redis Stream per creation holds the latest of them
//! for the live page, and may lose any at any time.

mod append;
mod follow;
mod hub;
mod read;
mod task;

pub use append::{LogOffset, append, append_in};
pub use hub::ProgressHub;
pub use read::{events_after, last_seq};
pub use task::{TaskLines, append_task_lines, task_lines};

pub(crate) use append::announce;

use std::time::Duration;

use berth_domain::CreationId;
use berth_domain::creation::StoredEvent;
use serde::{Deserialize, Serialize};

/// How long a creation waits for Redis before it goes on without.
const REDIS: Duration = Duration::from_millis(500);

/// The stream's one field: the event as JSON.
const FIELD: &str = "event";

/// What is published when events were stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Notice {
    creation: CreationId,
    last_seq: i64,
    /// The events, unless there is too much of them.
    events: Vec<StoredEvent>,
}
