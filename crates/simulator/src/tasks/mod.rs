//! Tasks: what Proxmox forks a worker for. They run for a while, grow a log and end `OK`, `WARNINGS: n` or with an error.

mod registry;
mod upid;

pub use registry::{TaskContext, Tasks};
pub use upid::{Upid, UpidError};

use serde::{Deserialize, Serialize};

/// A task as the host remembers it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskRecord {
    /// `UPID:…`.
    pub upid: String,
    /// Epoch seconds when it ended; absent while it runs.
    pub endtime: Option<i64>,
    /// `OK`, `WARNINGS: n` or the error; absent while it runs.
    pub status: Option<String>,
    /// Lines without newline; the last is `TASK …` once it ended.
    pub log: Vec<String>,
}
