//! What the host's programs ask of the simulator, and its answers.

use std::ffi::OsString;

use serde::{Deserialize, Serialize};

use crate::guest::wire::Attach;

/// From a program on the host.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Ask {
    /// A command line of Proxmox's tools.
    Command { program: String, argv: Vec<OsString>, locale: Vec<(String, String)> },
    /// `lxc-attach`; descriptors: standard input, output, error. The connection becomes the reply socket.
    Attach { vmid: u32, request: Attach },
    /// `sudo` as another user than root; descriptors: standard input, output, error. The connection becomes the reply
    /// socket. Who it is the connection tells; where all have the same number, `claimed` does.
    Sudo { claimed: String, request: Attach },
    /// Descriptor: the source. The connection becomes the reply socket.
    Push { vmid: u32, path: OsString, mode: Option<u32>, user: Option<String>, group: Option<String> },
    /// The connection becomes the reply socket.
    Pull { vmid: u32, path: OsString },
}

/// To a program on the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Answer {
    /// For standard output.
    Out(String),
    /// For standard error.
    Err(String),
    /// The end.
    Exit(i32),
    /// Become `lxc-attach`.
    Attach { vmid: u32, keep_env: bool, argv: Vec<OsString> },
    /// Open the file and hand it over.
    Push {
        vmid: u32,
        from: OsString,
        to: OsString,
        mode: Option<u32>,
        user: Option<String>,
        group: Option<String>,
    },
    /// Fetch the file and write it.
    Pull { vmid: u32, from: OsString, to: OsString, mode: Option<u32> },
}
