//! Messages with file descriptors over unix sockets: a length, JSON, and the descriptors beside the length.

use std::ffi::OsString;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A longer message is a broken peer.
const MAX_BODY: usize = 64 << 20;
const MAX_FDS: usize = 4;

/// A command to run inside, with standard input, output, error and the reply socket as descriptors.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Attach {
    pub(crate) argv: Vec<OsString>,
    pub(crate) env: Vec<(OsString, OsString)>,
    /// Used when it exists inside, else `/`.
    pub(crate) cwd: OsString,
    /// Standard input is a terminal: the command gets a terminal of its own.
    pub(crate) terminal: bool,
}

/// From the simulator to the init of a guest.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ToInit {
    /// Descriptors: standard input, output, error, reply.
    Attach(Attach),
    /// Descriptors: source, reply.
    Push { path: OsString, mode: Option<u32>, user: Option<String>, group: Option<String> },
    /// Descriptors: reply. The answer carries the opened file.
    Pull { path: OsString },
    /// Stop the units in order; the simulator ends the rest.
    Shutdown,
    /// Whether writes fail with `No space left on device`.
    DiskFull(bool),
}

/// From the init of a guest to the simulator.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum FromInit {
    /// Attaching is possible now.
    Ready,
    /// A program inside connected to the host's socket; descriptor: its connection.
    Client,
    /// All units are down.
    Halted,
}

/// The answer on a reply socket.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Reply {
    /// Ended with this code; 128 + n after signal n.
    Exit(i32),
    /// Could not be started: the system's error number.
    NotStarted(i32),
    /// Refused with a text.
    Failed(String),
    /// Done; descriptors as the request says.
    Done,
}

/// From the caller to the init while a command runs.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Signal(pub(crate) i32);

/// Sends one message with descriptors.
pub(crate) fn send(stream: &UnixStream, body: &impl Serialize, fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    let body = serde_json::to_vec(body)?;
    let length = u32::try_from(body.len()).map_err(io::Error::other)?.to_be_bytes();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(io::Error::other("too many descriptors in one message"));
    }
    let sent = rustix::net::sendmsg(stream, &[IoSlice::new(&length)], &mut control, SendFlags::NOSIGNAL)?;
    let mut writer = stream;
    writer.write_all(&length[sent..])?;
    writer.write_all(&body)
}

/// Receives one message; `None` when the peer has closed.
pub(crate) fn receive<T: DeserializeOwned>(stream: &UnixStream) -> io::Result<Option<(T, Vec<OwnedFd>)>> {
    let mut length = [0_u8; 4];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let got = loop {
        let mut parts = [IoSliceMut::new(&mut length)];
        match rustix::net::recvmsg(stream, &mut parts, &mut control, RecvFlags::CMSG_CLOEXEC) {
            Err(rustix::io::Errno::INTR) => {}
            other => break other?.bytes,
        }
    };
    if got == 0 {
        return Ok(None);
    }
    let mut fds = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(passed) = message {
            fds.extend(passed);
        }
    }
    let mut reader = stream;
    reader.read_exact(&mut length[got..])?;
    let size = usize::try_from(u32::from_be_bytes(length)).map_err(io::Error::other)?;
    if size > MAX_BODY {
        return Err(io::Error::other("message too long"));
    }
    let mut body = vec![0; size];
    reader.read_exact(&mut body)?;
    Ok(Some((serde_json::from_slice(&body)?, fds)))
}
