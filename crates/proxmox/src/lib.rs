//! REST and SSH client of one Proxmox VE host.
//!
//! [`Client`] speaks the REST API over pinned or publicly trusted TLS, [`SshConnection`] runs commands on the host, and
//! [`Pct`] runs them inside its containers. Nothing here knows of Berth's database or pages: the crate can be used alone.
//! Every call has a deadline, a read may be repeated, and a write never is.

pub mod access;
pub mod auth;
pub mod certificates;
pub mod client;
pub mod cluster;
pub mod error;
mod loose;
pub mod lxc;
pub mod network;
pub mod nodes;
pub mod pct;
pub mod property;
pub mod shell;
pub mod ssh;
pub mod storage;
pub mod tasks;
pub mod tls;

pub use auth::{Auth, LoginOutcome, Realm, SecondFactor, Ticket};
pub use client::{Client, Deadlines};
pub use error::{Error, Result};
pub use pct::Pct;
pub use property::PropertyString;
pub use shell::Command;
pub use ssh::{HostKey, SshConnection, SshCredential, SshTarget};
pub use tasks::{TaskOutcome, Upid};
pub use tls::{CertificateInfo, Trust, probe_certificate};
