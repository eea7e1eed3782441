//! A terminal of the guest's own whose other end is copied to and from the caller's descriptors.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// How often a reader of input looks whether the command has ended.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 50_000_000 };
/// How long output may follow the command's end.
const DRAIN: Duration = Duration::from_secs(2);
/// What a terminal takes for the end of input.
const END_OF_INPUT: &[u8] = b"\x04";

/// The two copying threads.
#[derive(Debug)]
pub(super) struct Relay {
    done: Arc<AtomicBool>,
    output: JoinHandle<()>,
}

impl Relay {
    /// Opens a terminal; returns the end for the command.
    pub(super) fn open(stdin: OwnedFd, stdout: OwnedFd) -> io::Result<(OwnedFd, Self)> {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let name = ptsname(master.as_fd(), Vec::new())?;
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let slave = rustix::fs::open(name.as_c_str(), flags, Mode::empty())?;
        let done = Arc::new(AtomicBool::new(false));
        let (writer, ended) = (master.try_clone()?, Arc::clone(&done));
        std::thread::spawn(move || copy_input(stdin, File::from(writer), &ended));
        let output = std::thread::spawn(move || {
            // Ends with an error when nobody has the terminal open any more.
            let _ = io::copy(&mut File::from(master), &mut File::from(stdout));
        });
        Ok((slave, Self { done, output }))
    }

    /// After the command's end: the rest of the output, and no more input.
    pub(super) fn finish(self) {
        self.done.store(true, Ordering::Release);
        let deadline = Instant::now() + DRAIN;
        while !self.output.is_finished() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn copy_input(stdin: OwnedFd, mut terminal: File, done: &AtomicBool) {
    let mut input = File::from(stdin);
    let mut buffer = [0; 4096];
    while !done.load(Ordering::Acquire) {
        let mut waiting = [PollFd::new(&input, PollFlags::IN)];
        if !matches!(poll(&mut waiting, Some(&LOOK)), Ok(1..)) {
            continue;
        }
        let Ok(size) = input.read(&mut buffer) else { return };
        let data = if size == 0 { END_OF_INPUT } else { &buffer[..size] };
        if terminal.write_all(data).is_err() || size == 0 {
            return;
        }
    }
}
