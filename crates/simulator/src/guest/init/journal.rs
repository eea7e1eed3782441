//! The guest's journal: one JSON document per line in `/var/log/journal/system.jsonl`.

use std::fs::{File, OpenOptions, create_dir_all};
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::macros::format_description;

use crate::clock;

/// Where the journal is kept inside.
pub(crate) const PATH: &str = "/var/log/journal/system.jsonl";

/// What busybox's syslogd writes, where there is no journal to be asked.
const SYSLOG: &str = "/var/log/messages";
/// `info`, as what a program prints has by itself.
const INFO: u8 = 6;

/// One line of the journal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Microseconds since the epoch, another in each entry.
    pub(crate) at: i64,
    /// 0 (emergency) to 7 (debug).
    #[serde(default = "info")]
    pub(crate) priority: u8,
    pub(crate) identifier: String,
    pub(crate) pid: i32,
    /// The unit the line is about or comes from.
    pub(crate) unit: String,
    pub(crate) message: String,
}

const fn info() -> u8 {
    INFO
}

/// Appends to the journal.
#[derive(Debug)]
pub(crate) struct Journal(Mutex<Files>);

#[derive(Debug)]
struct Files {
    journal: File,
    syslog: Option<File>,
    last: i64,
}

impl Journal {
    /// Opens the journal, creating it on a first boot; with a syslog beside it on systems that have that instead.
    pub(crate) fn open(syslog: bool) -> io::Result<Self> {
        create_dir_all("/var/log/journal")?;
        let append = |path| OpenOptions::new().append(true).create(true).open(path);
        let syslog = if syslog { Some(append(SYSLOG)?) } else { None };
        Ok(Self(Mutex::new(Files { journal: append(PATH)?, syslog, last: 0 })))
    }

    /// A line of the service manager about `unit`.
    pub(crate) fn manager(&self, unit: &str, message: impl Into<String>) {
        let message = message.into();
        let priority = if message.contains("Failed with result") { 4 } else { INFO };
        self.write("systemd", 1, unit, priority, message);
    }

    /// A line a unit's process wrote, perhaps with its priority in front: `<3>no luck`.
    pub(crate) fn append(&self, identifier: &str, pid: i32, unit: &str, message: String) {
        let marked = message.strip_prefix('<').and_then(|rest| rest.split_once('>'));
        match marked.and_then(|(digit, rest)| Some((digit.parse().ok().filter(|it| *it < 8)?, rest))) {
            Some((priority, rest)) => self.write(identifier, pid, unit, priority, rest.to_owned()),
            None => self.write(identifier, pid, unit, INFO, message),
        }
    }

    fn write(&self, identifier: &str, pid: i32, unit: &str, priority: u8, message: String) {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        files.last = (clock::now_ms() * 1000).max(files.last + 1);
        let (identifier, unit) = (identifier.to_owned(), unit.to_owned());
        let entry = Entry { at: files.last, priority, identifier, pid, unit, message };
        // A full disk loses lines on a real system too.
        if let Some(syslog) = files.syslog.as_mut().filter(|_| pid != 1) {
            let _ = syslog.write_all(syslog_line(&entry).as_bytes());
        }
        let Ok(mut line) = serde_json::to_vec(&entry) else { return };
        line.push(b'\n');
        let _ = files.journal.write_all(&line);
    }
}

/// `Nov 21 01:22:37 web daemon.info nginx[20]: started`
fn syslog_line(entry: &Entry) -> String {
    const LEVELS: [&str; 8] = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"];
    let at = OffsetDateTime::from_unix_timestamp(entry.at / 1_000_000).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let format = format_description!("[month repr:short] [day padding:space] [hour]:[minute]:[second]");
    let (at, level) = (at.format(&format).unwrap_or_default(), LEVELS[usize::from(entry.priority % 8)]);
    let Entry { identifier, pid, message, .. } = entry;
    format!("{at} {} daemon.{level} {identifier}[{pid}]: {message}\n", super::hostname())
}
