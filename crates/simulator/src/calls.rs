//! What was asked of the simulated host: counted, listed and reset through `GET` and `DELETE /calls`.

use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;

use crate::clock;

/// Which door a call came through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CallKind {
    /// A REST request: `what` is `METHOD /path` below `/api2/json`.
    Api,
    /// A `pct` call: `what` is the subcommand.
    Pct,
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
    /// Which door it came through.
    pub kind: CallKind,
    /// The request line, subcommand, user or command line.
    pub what: String,
    /// The container it is about, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vmid: Option<u32>,
    /// The words of a command.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub argv: Vec<String>,
}

/// Shared, cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Calls(Arc<Mutex<Vec<Call>>>);

impl Calls {
    /// Records a REST request.
    pub fn api(&self, method: &str, path: &str) {
        self.push(CallKind::Api, format!("{method} {path}"), None, Vec::new());
    }

    /// Records a `pct` call; `argv` holds everything after `pct`.
    pub fn pct(&self, subcommand: &str, vmid: Option<u32>, argv: &[String]) {
        self.push(CallKind::Pct, subcommand.to_owned(), vmid, argv.to_vec());
    }

    /// Records a successful SSH login.
    pub fn ssh_login(&self, user: &str) {
        self.push(CallKind::SshLogin, user.to_owned(), None, Vec::new());
    }

    /// Records a command line run over SSH.
    pub fn exec(&self, command: &str) {
        self.push(CallKind::Exec, command.to_owned(), None, Vec::new());
    }

    /// All calls since the start or the last [`Calls::reset`], oldest first.
    pub fn list(&self) -> Vec<Call> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many calls of one kind were made, for one container or for all.
    pub fn count(&self, kind: CallKind, vmid: Option<u32>) -> usize {
        self.list().iter().filter(|call| call.kind == kind && (vmid.is_none() || call.vmid == vmid)).count()
    }

    /// Forgets everything.
    pub fn reset(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn push(&self, kind: CallKind, what: String, vmid: Option<u32>, argv: Vec<String>) {
        let call = Call { at_ms: clock::now_ms(), kind, what, vmid, argv };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(call);
    }
}
