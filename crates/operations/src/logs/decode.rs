//! Understands what `guest/log.sh` tells after its header.

mod file;
mod journal;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use self::file::Parts;
use super::cursor::{self, Cursor};
use super::lines::{LONGEST, LogLine, Severity, Splitter, shown};

/// An entry of the journal as JSON; a longer one is not shown.
const LONGEST_ENTRY: usize = 512 << 10;

/// What follows the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Entries of the journal, one JSON object a line.
    Journal,
    /// Lines that begin with Docker's time.
    Docker,
    /// Parts of a file.
    File,
    /// Parts of a file with the lines of other services in it.
    Tagged,
}

impl Format {
    pub(super) fn parse(word: &str) -> Option<Self> {
        match word {
            "journal" => Some(Self::Journal),
            "docker" => Some(Self::Docker),
            "file" => Some(Self::File),
            "tagged" => Some(Self::Tagged),
            _ => None,
        }
    }
}

/// What came is not what the script tells.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Garbled;

/// Takes bytes as they come, gives lines, and knows where it stands.
pub(super) struct Decoder {
    splitter: Splitter,
    place: Place,
    names_services: bool,
}

enum Place {
    Journal(Option<String>),
    Docker { at: String, lines: u32, skip: u32 },
    File(Parts),
}

impl Decoder {
    /// Goes on after `from`. The lines of a log of many services say whose they are.
    pub(super) fn new(format: Format, from: &Cursor, names_services: bool) -> Self {
        let (most, place) = match (format, from) {
            (Format::Journal, Cursor::Journal(cursor)) => {
                (LONGEST_ENTRY, Place::Journal(Some(cursor.clone())))
            }
            (Format::Journal, _) => (LONGEST_ENTRY, Place::Journal(None)),
            (Format::Docker, Cursor::Docker { at, lines }) => {
                (LONGEST, Place::Docker { at: at.clone(), lines: *lines, skip: *lines })
            }
            (Format::Docker, _) => (LONGEST, Place::Docker { at: String::new(), lines: 0, skip: 0 }),
            (Format::File | Format::Tagged, Cursor::File { inode, byte }) => {
                (LONGEST, Place::File(Parts::after(*inode, *byte)))
            }
            (Format::File | Format::Tagged, _) => (LONGEST, Place::File(Parts::default())),
        };
        Self { splitter: Splitter::new(most), place, names_services }
    }

    /// Reads on.
    pub(super) fn push(&mut self, bytes: &[u8], lines: &mut Vec<LogLine>) -> Result<(), Garbled> {
        let names_services = self.names_services;
        match &mut self.place {
            Place::File(parts) => return parts.push(bytes, &mut self.splitter, lines),
            Place::Journal(last) => self.splitter.push(bytes, |line, omitted| {
                let entry = journal::read(line, omitted, names_services);
                if entry.cursor.is_some() {
                    *last = entry.cursor;
                }
                lines.extend(entry.lines);
            }),
            Place::Docker { at, lines: told, skip } => self.splitter.push(bytes, |line, omitted| {
                let text = String::from_utf8_lossy(line);
                let Some((time, rest)) = text.split_once(' ').filter(|(time, _)| cursor::is_time(time))
                else {
                    return lines.push(plain(shown(line, omitted)));
                };
                if time != at {
                    (*at, *told, *skip) = (time.to_owned(), 0, 0);
                } else if *skip > 0 {
                    *skip -= 1;
                    return;
                }
                *told += 1;
                let at = OffsetDateTime::parse(time, &Rfc3339).ok();
                lines.push(LogLine { at, ..plain(shown(rest.as_bytes(), omitted)) });
            }),
        }
        Ok(())
    }

    /// What is left when a page's part of the log has come to its end.
    pub(super) fn finish(&mut self, lines: &mut Vec<LogLine>) {
        if let Place::File(parts) = &mut self.place {
            parts.finish(&mut self.splitter, lines);
        }
    }

    /// Where to go on after all that was given.
    pub(super) fn cursor(&self) -> Cursor {
        match &self.place {
            Place::Journal(Some(cursor)) => Cursor::Journal(cursor.clone()),
            Place::Docker { at, lines, .. } if !at.is_empty() => {
                Cursor::Docker { at: at.clone(), lines: *lines }
            }
            Place::File(parts) => parts.cursor().unwrap_or(Cursor::Start),
            Place::Journal(None) | Place::Docker { .. } => Cursor::Start,
        }
    }
}

/// A line whose log tells nothing but its text.
fn plain(text: String) -> LogLine {
    LogLine { at: None, severity: Severity::Normal, text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(decoder: &mut Decoder, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        decoder.push(bytes, &mut lines).unwrap();
        lines.into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn lines_of_docker_that_share_a_time_come_once() {
        let log = b"2026-11-21T01:22:37.1Z one\n2026-11-21T01:22:37.1Z two\n2026-11-21T01:22:37.1Z three\n2026-11-21T01:22:37.2Z four\n";
        let mut first = Decoder::new(Format::Docker, &Cursor::Start, false);
        assert_eq!(texts(&mut first, &log[..54]), ["one", "two"]);
        let stopped = first.cursor();
        assert_eq!(stopped.to_string(), "d:2026-11-21T01:22:37.1Z#2");
        // What --since tells begins with all lines of that time.
        let mut second = Decoder::new(Format::Docker, &stopped, false);
        assert_eq!(texts(&mut second, log), ["three", "four"]);
        assert_eq!(second.cursor().to_string(), "d:2026-11-21T01:22:37.2Z#1");
        assert_eq!(texts(&mut second, b"Error: No such container: x\n"), ["Error: No such container: x"]);
    }
}
