//! What reached the simulated host: counted, listed and reset through `GET` and `DELETE /calls`.
//!
//! This log is evidence: it holds the passwords and token secrets it was sent, in clear, so that a test can show that a
//! secret never left. The accounts exist for tests only.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::clock;

/// Which door a call came through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CallKind {
    /// A TCP connection that was accepted: `what` is `api` or `ssh`.
    Connection,
    /// A REST request: `what` is `METHOD /path` below `/api2/json`.
    Api,
    /// A `pct` call: `what` is the subcommand.
    Pct,
    /// An SSH authentication attempt: `what` is the method.
    SshAttempt,
    /// An SSH login that succeeded: `what` is the user.
    SshLogin,
    /// A command run over SSH (a `pct` line counts here too): `what` is the command line.
    Exec,
}

/// One call in the order of arrival.
#[derive(Debug, Clone, Serialize)]
pub struct Call {
    /// Milliseconds since the epoch.
    pub at_ms: i64,
    /// The host it reached.
    pub node: String,
    /// Which door it came through.
    pub kind: CallKind,
    /// See [`CallKind`].
    pub what: String,
    /// The container it is about, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vmid: Option<u32>,
    /// The words of a command.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub argv: Vec<String>,
    /// The names of a REST request's parameters, sorted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub params: Vec<String>,
    /// Who it says it is: `username` of a ticket request, or the user of an SSH attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// What came as proof, in clear: a password, `totp:…`, the whole value of a `PVEAPIToken` header, or the `SHA256:…`
    /// fingerprint of an SSH key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// Whether an SSH attempt succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<bool>,
}

impl Call {
    fn new(kind: CallKind, what: impl Into<String>) -> Self {
        Self {
            at_ms: clock::now_ms(),
            node: String::new(),
            kind,
            what: what.into(),
            vmid: None,
            argv: Vec::new(),
            params: Vec::new(),
            user: None,
            secret: None,
            accepted: None,
        }
    }
}

/// So many calls are kept, the newest.
const KEPT: usize = 100_000;

/// The log all hosts of a process share, as one of them writes to it; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Calls {
    node: String,
    shared: Arc<Mutex<VecDeque<Call>>>,
}

impl Calls {
    /// The same log for another host to write to.
    #[must_use]
    pub fn of(&self, node: &str) -> Self {
        Self { node: node.to_owned(), shared: Arc::clone(&self.shared) }
    }

    /// Records a TCP connection to the `api` or `ssh` port.
    pub fn connection(&self, port: &str) {
        self.push(Call::new(CallKind::Connection, port));
    }

    /// Records a REST request with what it brought.
    pub fn api(
        &self,
        method: &str,
        path: &str,
        params: Vec<String>,
        user: Option<String>,
        secret: Option<String>,
    ) {
        let call = Call::new(CallKind::Api, format!("{method} {path}"));
        self.push(Call { params, user, secret, ..call });
    }

    /// Records a `pct` call; `argv` holds everything after `pct`.
    pub fn pct(&self, subcommand: &str, vmid: Option<u32>, argv: &[String]) {
        self.push(Call { vmid, argv: argv.to_vec(), ..Call::new(CallKind::Pct, subcommand) });
    }

    /// Records an attempt to log in over SSH, by `none`, `password` or `publickey`.
    pub fn ssh_attempt(&self, method: &str, user: &str, secret: Option<String>, accepted: bool) {
        let call = Call::new(CallKind::SshAttempt, method);
        self.push(Call { user: Some(user.to_owned()), secret, accepted: Some(accepted), ..call });
    }

    /// Records a successful SSH login.
    pub fn ssh_login(&self, user: &str) {
        self.push(Call::new(CallKind::SshLogin, user));
    }

    /// Records a command line run over SSH.
    pub fn exec(&self, command: &str) {
        self.push(Call::new(CallKind::Exec, command));
    }

    /// All calls since the start or the last [`Calls::reset`], oldest first.
    pub fn list(&self) -> Vec<Call> {
        self.lock().iter().cloned().collect()
    }

    /// How many calls of one kind were made, for one container or for all.
    pub fn count(&self, kind: CallKind, vmid: Option<u32>) -> usize {
        self.lock().iter().filter(|call| call.kind == kind && (vmid.is_none() || call.vmid == vmid)).count()
    }

    /// Forgets everything.
    pub fn reset(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Call>> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, mut call: Call) {
        call.node.clone_from(&self.node);
        let mut calls = self.lock();
        if calls.len() == KEPT {
            calls.pop_front();
        }
        calls.push_back(call);
    }
}
