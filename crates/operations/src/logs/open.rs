//! Running `guest/log.sh` inside a container, and its header.

use berth_domain::UserId;
use berth_domain::discovery::Service;
use berth_proxmox::pct::PctExec;
use berth_proxmox::ssh::{ExecEvent, Stdin};
use bytes::{Bytes, BytesMut};

use super::decode::Format;
use super::{Log, Whose};
use crate::services::inside::Inside;
use crate::{Context, Error, Result};

const SCRIPT: &str = include_str!("guest/log.sh");
const LONGEST_HEADER: usize = 64 << 10;
/// How many sources are offered, and how much of what the script complains about is kept.
const MOST_SOURCES: usize = 30;
const COMPLAINTS: usize = 1000;

/// How the script is to tell a log.
pub(super) struct Asked {
    pub(super) mode: &'static str,
    pub(super) source: Option<String>,
    pub(super) from: String,
    pub(super) lines: usize,
    pub(super) stdin: Stdin,
}

/// A log that is being told.
pub(super) struct Opened {
    pub(super) inside: Inside,
    pub(super) exec: PctExec,
    pub(super) service: Option<Service>,
    pub(super) sources: Vec<String>,
    pub(super) source: String,
    /// `None` where there is no log at all.
    pub(super) format: Option<Format>,
    /// What has come behind the header.
    first: Option<Bytes>,
    complaints: Vec<u8>,
}

impl Opened {
    /// Starts the script by one call of `pct` and reads its header.
    pub(super) async fn open(ctx: &Context, user: UserId, log: Log, asked: Asked) -> Result<Self> {
        let Log { container, kind, name, service } = log;
        let inside = Inside::enter(ctx, user, container).await?;
        let (source, lines) = (asked.source.unwrap_or_default(), asked.lines.to_string());
        let arguments = [asked.mode, kind, &name, &source, &asked.from, &lines];
        let argv = [&["sh", "-c", SCRIPT, "berth"], &arguments[..]].concat();
        let exec = inside.in_time(inside.start(&argv, asked.stdin)).await?;
        let mut opened = Self {
            inside,
            exec,
            service,
            sources: Vec::new(),
            source,
            format: None,
            first: None,
            complaints: Vec::new(),
        };
        opened.read_header().await?;
        Ok(opened)
    }

    /// The next bytes of the log; `None` at its end, of which [`Self::verdict`] tells more.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        loop {
            match self.exec.next().await.map_err(|error| self.inside.trouble(error))? {
                Some(ExecEvent::Stdout(bytes)) => return Ok(Some(bytes)),
                Some(ExecEvent::Stderr(bytes)) => {
                    let room = COMPLAINTS.saturating_sub(self.complaints.len());
                    self.complaints.extend_from_slice(&bytes[..bytes.len().min(room)]);
                }
                Some(ExecEvent::Exit(exit)) if !exit.success() => return Err(self.cut_off()),
                Some(ExecEvent::Exit(_)) | None => return Ok(None),
            }
        }
    }

    /// What to say of a log that ended before its time.
    pub(super) fn cut_off(&self) -> Error {
        let complaints = String::from_utf8_lossy(&self.complaints);
        let cause = complaints.lines().map(str::trim).rfind(|line| !line.is_empty());
        let name = &self.inside.container.hostname;
        Error::Conflict(match cause {
            Some(cause) => format!("The log could not be read in {name}: {cause}"),
            None => format!("The log was cut off in {name}. Try again"),
        })
    }

    /// Whose lines are the service's, in a file with those of others in between.
    pub(super) fn tag(&self) -> Option<Tag> {
        let name = self.service.as_ref().map(|service| service.name.clone())?;
        (self.format == Some(Format::Tagged)).then_some(Tag(name))
    }

    async fn read_header(&mut self) -> Result<()> {
        let mut buffer = BytesMut::new();
        loop {
            while let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
                let line = buffer.split_to(end + 1);
                let line = String::from_utf8_lossy(&line[..end]).into_owned();
                if self.hear(&line)? {
                    self.first = Some(buffer.freeze()).filter(|rest| !rest.is_empty());
                    return Ok(());
                }
            }
            let deadline = self.inside.until();
            let more = tokio::time::timeout_at(deadline, self.next()).await;
            let more = more.unwrap_or_else(|_| Err(self.inside.late()))?;
            let Some(more) = more.filter(|_| buffer.len() <= LONGEST_HEADER) else {
                return Err(self.cut_off());
            };
            buffer.extend_from_slice(&more);
        }
    }

    /// Whether that was the header's last line.
    fn hear(&mut self, line: &str) -> Result<bool> {
        match line.strip_prefix("@ ").unwrap_or_default().split_once(' ') {
            Some(("source", source)) => {
                if self.sources.len() < MOST_SOURCES {
                    self.sources.push(source.to_owned());
                }
                Ok(false)
            }
            Some(("from", source)) => {
                source.clone_into(&mut self.source);
                Ok(false)
            }
            None if line == "@ none" => Ok(true),
            None if line == "@ gone" => Err(Error::Conflict(format!(
                "{} is not in {} any more. Choose another log",
                self.source, self.inside.container.hostname
            ))),
            None => {
                self.format = line.strip_prefix("@ ").and_then(Format::parse);
                if self.format.is_some() { Ok(true) } else { Err(self.cut_off()) }
            }
            Some(_) => Err(self.cut_off()),
        }
    }
}

/// The name by which syslog says whose a line is: `Nov 21 01:22:37 web daemon.info nginx[20]: …`.
pub(super) struct Tag(String);

impl Tag {
    pub(super) fn is_of(&self, line: &str) -> bool {
        let Self(name) = self;
        line.match_indices(name.as_str())
            .any(|(at, _)| line[..at].ends_with(' ') && line[at + name.len()..].starts_with(['[', ':']))
    }
}

impl Whose {
    /// Whether lines of many services are in it.
    pub(super) fn is_of_many(&self) -> bool {
        *self == Self::System
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_syslog_is_its_services() {
        let tag = Tag("nginx".into());
        assert!(tag.is_of("Nov 21 01:22:37 web daemon.info nginx[20]: started"));
        assert!(tag.is_of("Nov 21 01:22:37 web daemon.info nginx: started"));
        assert!(!tag.is_of("Nov 21 01:22:37 web daemon.info crond[20]: nginx started"));
        assert!(!tag.is_of("Nov 21 01:22:37 web daemon.info mynginx[20]: x"));
    }
}
