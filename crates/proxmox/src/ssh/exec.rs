//! Commands and their streams.

use std::time::Duration;

use bytes::Bytes;
use russh::ChannelMsg;
use russh::client::Msg;
use tokio::io::{AsyncRead, AsyncWriteExt as _};
use tokio::task::JoinHandle;

use super::SshConnection;
use crate::Result;

/// What a command reads.
#[derive(Default)]
pub enum Stdin {
    /// Nothing.
    #[default]
    Empty,
    /// These bytes.
    Bytes(Bytes),
    /// Whatever this yields, read no faster than the command takes it.
    Reader(Box<dyn AsyncRead + Send + Unpin>),
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    /// By itself, with this exit code.
    Code(u32),
    /// By this signal, without `SIG`.
    Signal(String),
}

impl Exit {
    /// Whether it ended with exit code 0.
    pub fn success(&self) -> bool {
        *self == Self::Code(0)
    }

    /// The exit code as a shell would show it: 128 and more for a signal that is known, 255 for others.
    pub fn code(&self) -> u32 {
        match self {
            Self::Code(code) => *code,
            Self::Signal(name) => match name.as_str() {
                "HUP" => 129,
                "INT" => 130,
                "KILL" => 137,
                "PIPE" => 141,
                "TERM" => 143,
                _ => 255,
            },
        }
    }
}

/// A piece of what a command does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExecEvent {
    /// Bytes on standard output.
    Stdout(Bytes),
    /// Bytes on standard error.
    Stderr(Bytes),
    /// Its end; nothing follows.
    Exit(Exit),
}

/// How long a command may take and how much it may print.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From opening the channel to the command's end. The command itself may go on after it.
    pub deadline: Duration,
    /// How many bytes are kept of each of its two outputs.
    pub max_output: usize,
}

impl Limits {
    /// This deadline, and 1 MiB of each output.
    pub const fn within(deadline: Duration) -> Self {
        Self { deadline, max_output: 1 << 20 }
    }
}

/// A command's end and what it printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// How it ended.
    pub exit: Exit,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
    /// Whether it printed more than was kept.
    pub truncated: bool,
}

impl Output {
    /// An output to be filled.
    pub(crate) const fn new() -> Self {
        Self { exit: Exit::Code(0), stdout: Vec::new(), stderr: Vec::new(), truncated: false }
    }

    /// Takes one event in, keeping at most `max` bytes of each output.
    pub(crate) fn take(&mut self, event: ExecEvent, max: usize) {
        let (kept, bytes) = match event {
            ExecEvent::Stdout(bytes) => (&mut self.stdout, bytes),
            ExecEvent::Stderr(bytes) => (&mut self.stderr, bytes),
            ExecEvent::Exit(exit) => return self.exit = exit,
        };
        let room = max.saturating_sub(kept.len());
        self.truncated |= bytes.len() > room;
        kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    /// Standard output as text.
    pub fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard error as text.
    pub fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

/// A running command. Dropping it closes the channel; the command on the host may go on.
///
/// All commands of a connection share its socket: one whose output is not read for long holds up the others.
pub struct ExecStream {
    connection: SshConnection,
    reader: russh::ChannelReadHalf,
    writer: Option<russh::ChannelWriteHalf<Msg>>,
    stdin: Option<JoinHandle<()>>,
    exit: Option<Exit>,
    ended: bool,
}

impl ExecStream {
    pub(super) async fn open(connection: SshConnection, line: String, stdin: Stdin) -> Result<Self> {
        let lost = |error: russh::Error| connection.dropped(error);
        let channel = connection.shared.handle.channel_open_session().await.map_err(lost)?;
        let (reader, writer) = channel.split();
        let mut stream = Self {
            connection: connection.clone(),
            reader,
            writer: Some(writer),
            stdin: None,
            exit: None,
            ended: false,
        };
        stream.request(line).await?;
        stream.feed(stdin).await?;
        Ok(stream)
    }

    fn writer(&self) -> &russh::ChannelWriteHalf<Msg> {
        self.writer.as_ref().expect("taken only by drop")
    }

    async fn request(&mut self, line: String) -> Result<()> {
        self.writer().exec(true, line).await.map_err(|error| self.connection.dropped(error))?;
        loop {
            match self.reader.wait().await {
                Some(ChannelMsg::Success) => return Ok(()),
                Some(ChannelMsg::Failure) => {
                    return Err(self.connection.dropped("the server refuses to run commands"));
                }
                Some(ChannelMsg::WindowAdjusted { .. }) => {}
                _ => return Err(self.connection.dropped("no answer to a command")),
            }
        }
    }

    async fn feed(&mut self, stdin: Stdin) -> Result<()> {
        let mut source: Box<dyn AsyncRead + Send + Unpin> = match stdin {
            Stdin::Empty => return self.writer().eof().await.map_err(|error| self.connection.dropped(error)),
            Stdin::Bytes(bytes) => Box::new(std::io::Cursor::new(bytes)),
            Stdin::Reader(reader) => reader,
        };
        let mut sink = self.writer().make_writer();
        self.stdin = Some(tokio::spawn(async move {
            // A command may end without reading all of it, and its exit says what came of that.
            if let Err(error) = tokio::io::copy(&mut source, &mut sink).await {
                tracing::debug!(%error, "standard input was not taken to its end");
            }
            let _ = sink.shutdown().await;
        }));
        Ok(())
    }

    /// The next piece, `None` after the exit. [`crate::Error::SshDropped`] when the connection broke before the end.
    ///
    /// May be dropped and called again without losing anything.
    pub async fn next(&mut self) -> Result<Option<ExecEvent>> {
        while !self.ended {
            match self.reader.wait().await {
                Some(ChannelMsg::Data { data }) => return Ok(Some(ExecEvent::Stdout(data))),
                Some(ChannelMsg::ExtendedData { data, ext: 1 }) => return Ok(Some(ExecEvent::Stderr(data))),
                Some(ChannelMsg::ExitStatus { exit_status }) => self.exit = Some(Exit::Code(exit_status)),
                Some(ChannelMsg::ExitSignal { signal_name, .. }) => {
                    self.exit = Some(Exit::Signal(signal(&signal_name)));
                }
                // Output may follow the exit status, so only the channel's end is the end.
                Some(ChannelMsg::Close) => return self.finish(),
                Some(_) => {}
                None => {
                    self.ended = true;
                    return Err(self.connection.dropped("the connection ended before the command"));
                }
            }
        }
        Ok(None)
    }

    fn finish(&mut self) -> Result<Option<ExecEvent>> {
        self.ended = true;
        match self.exit.take() {
            Some(exit) => Ok(Some(ExecEvent::Exit(exit))),
            None => Err(self.connection.dropped("the command ended without an exit status")),
        }
    }

    /// Reads to the end.
    pub async fn collect(mut self, max_output: usize) -> Result<Output> {
        let mut output = Output::new();
        while let Some(event) = self.next().await? {
            output.take(event, max_output);
        }
        Ok(output)
    }
}

fn signal(name: &russh::Sig) -> String {
    match name {
        russh::Sig::Custom(name) => name.clone(),
        known => format!("{known:?}"),
    }
}

impl Drop for ExecStream {
    fn drop(&mut self) {
        if let Some(stdin) = &self.stdin {
            stdin.abort();
        }
        let Some(writer) = self.writer.take().filter(|_| !self.ended) else { return };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { writer.close().await });
        }
    }
}
