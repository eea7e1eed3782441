//! The guest's journal: one JSON document per line in `/var/log/journal/system.jsonl`.

use std::fs::{File, OpenOptions, create_dir_all};
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::clock;

/// Where the journal is kept inside.
pub(crate) const PATH: &str = "/var/log/journal/system.jsonl";

/// One line of the journal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Microseconds since the epoch.
    pub(crate) at: i64,
    pub(crate) identifier: String,
    pub(crate) pid: i32,
    /// The unit the line is about or comes from.
    pub(crate) unit: String,
    pub(crate) message: String,
}

/// Appends to the journal.
#[derive(Debug)]
pub(crate) struct Journal(Mutex<File>);

impl Journal {
    /// Opens the journal, creating it on a first boot.
    pub(crate) fn open() -> io::Result<Self> {
        create_dir_all("/var/log/journal")?;
        Ok(Self(Mutex::new(OpenOptions::new().append(true).create(true).open(PATH)?)))
    }

    /// A line of the service manager about `unit`.
    pub(crate) fn manager(&self, unit: &str, message: impl Into<String>) {
        self.append("systemd", 1, unit, message.into());
    }

    /// A line a unit's process wrote.
    pub(crate) fn append(&self, identifier: &str, pid: i32, unit: &str, message: String) {
        let at = clock::now_ms() * 1000;
        let entry = Entry { at, identifier: identifier.to_owned(), pid, unit: unit.to_owned(), message };
        let Ok(mut line) = serde_json::to_vec(&entry) else { return };
        line.push(b'\n');
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A full disk loses journal lines on a real system too.
        let _ = file.write_all(&line);
    }
}
