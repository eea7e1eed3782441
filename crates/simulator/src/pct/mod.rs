//! The command line of a Proxmox host: `pct` and its sisters over [`crate::state::Host`].

mod cluster;
mod commands;
mod options;
mod power;
pub(crate) mod protocol;
mod pveum;
mod services;
mod storage;
mod sudo;
mod table;
mod view;

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use tokio::runtime::Handle;

use self::protocol::{Answer, Ask};
use crate::faults::Fault;
use crate::guest::wire::{self, Reply, ToInit};
use crate::guest::{HOST, borrow};
use crate::state::{ApiError, Host};

/// The subcommands, as printed after an unknown one.
const USAGE: &str = include_str!("usage.txt");
/// Starting Perl takes about this long on ordinary hardware.
const START_UP: Duration = Duration::from_millis(100);

/// What a command ends with when it fails.
#[derive(Debug)]
struct Failure {
    text: String,
    code: i32,
}

impl Failure {
    fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), code: 255 }
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        // Perl exits with the error number that was left behind: 2 for a missing file.
        let code = if error.message.starts_with("Configuration file '") { 2 } else { 255 };
        Self { text: error.message, code }
    }
}

/// A command line being run.
struct Session<'a> {
    host: &'a Host,
    runtime: &'a Handle,
    stream: &'a UnixStream,
    /// Whether the caller's locale has more than ASCII.
    utf8: bool,
}

impl Session<'_> {
    fn say(&self, answer: &Answer) {
        // Who asked may be gone; what was asked for is done all the same.
        let _ = wire::send(self.stream, answer, &[]);
    }

    fn out(&self, text: impl Into<String>) {
        self.say(&Answer::Out(text.into()));
    }

    fn err(&self, text: impl Into<String>) {
        self.say(&Answer::Err(text.into()));
    }
}

/// Serves one program on the host until it has what it asked for; blocks.
pub(crate) fn serve(host: &Host, runtime: &Handle, stream: &UnixStream) {
    while let Ok(Some((ask, fds))) = wire::receive::<Ask>(stream) {
        match ask {
            Ask::Command { program, argv, locale } => {
                std::thread::sleep(START_UP.div_f64(host.speed().max(0.01)));
                let utf8 = locale.iter().any(|(_, value)| value.to_ascii_lowercase().contains("utf"));
                let session = Session { host, runtime, stream, utf8 };
                session.complain_about_locale(&locale);
                session.run(&program, &argv);
            }
            Ask::Attach { vmid, request } => {
                return forward(host, vmid, &ToInit::Attach(request), fds, stream);
            }
            Ask::Sudo { claimed, request } => {
                match sudo::allow(host, stream, &claimed, request) {
                    Ok(request) => forward(host, HOST, &ToInit::Attach(request), fds, stream),
                    // Who asked may be gone.
                    Err(text) => drop(wire::send(stream, &Reply::Failed(text), &[])),
                }
                return;
            }
            Ask::Push { vmid, path, mode, user, group } => {
                if disk_full(host) {
                    let _ = wire::send(
                        stream,
                        &Reply::Failed("failed to write: No space left on device".to_owned()),
                        &[],
                    );
                    return;
                }
                return forward(host, vmid, &ToInit::Push { path, mode, user, group }, fds, stream);
            }
            Ask::Pull { vmid, path } => return forward(host, vmid, &ToInit::Pull { path }, fds, stream),
        }
    }
}

fn disk_full(host: &Host) -> bool {
    host.faults().any(|fault| matches!(fault, Fault::DiskFull))
}

/// Hands the connection to the guest's init, which answers on it.
fn forward(host: &Host, vmid: u32, request: &ToInit, mut fds: Vec<OwnedFd>, stream: &UnixStream) {
    let Ok(reply) = stream.as_fd().try_clone_to_owned() else { return };
    fds.push(reply);
    host.guests().set_disk_full(disk_full(host));
    if host.guests().request(vmid, request, &borrow(&fds)).is_err() {
        let text = format!(
            "lxc-attach: {vmid}: ../src/lxc/attach.c: get_attach_context: 406 Connection refused - Failed to get init pid"
        );
        let _ = wire::send(stream, &Reply::Failed(text), &[]);
    }
}
