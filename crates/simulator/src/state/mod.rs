//! The state of one simulated host and every operation on it.
//!
//! `Host` is cheap to clone. Each operation checks in Proxmox's order and fails with the text Proxmox gives
//! ([`ApiError`]); long ones return a [`Upid`] at once and run as a task (see [`crate::tasks`]): wait for one with
//! `host.tasks().wait(&upid).await`, follow its log with `host.tasks().log(&upid)`.

//!
//! Operations (`impl Host` in `state/ops/`), the same for REST and command line:
//! `list() -> Vec<u32>`, `config(vmid) -> Result<Params, ApiError>` (the file, key by key),
//! `current_status(vmid) -> Result<Value, ApiError>`, and with `Caller` and verified [`Params`]:
//! `create(&caller, vmid, &params)`, `start`, `stop`, `shutdown`, `reboot`, `destroy(&caller, vmid, &params)`
//! `-> Result<String, ApiError>` (a UPID), `set_config(&caller, vmid, &params) -> Result<(), ApiError>`, `unlock(vmid)`.
//! `crate::api::schema::verify("POST", "/nodes/{node}/lxc", &params)` checks parameters as the API does.

mod accounts;
mod error;
mod host;
mod model;
pub mod ops;

pub use accounts::{Accounts, SharedAccounts};
pub use error::ApiError;
pub use host::{Host, HostOptions};
pub use model::{
    AclEntry, Container, Group, Interface, LogLine, Model, Pool, Role, Run, Storage, TfaEntry, Token, User,
    Volume,
};

use std::collections::BTreeMap;

/// Verified parameters by name, as text: booleans are `0` and `1`, numbers decimal, lists comma separated.
pub type Params = BTreeMap<String, String>;

/// A task's identifier, `UPID:node:pid:pstart:starttime:type:id:user:`.
pub type Upid = String;

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// User with realm, such as `root@pam`.
    pub user: String,
    /// Token name when a token was used.
    pub token: Option<String>,
}

impl Caller {
    /// `root@pam` itself, as on the command line.
    pub fn root() -> Self {
        Self { user: "root@pam".to_owned(), token: None }
    }

    /// `user@realm` or `user@realm!token`, as in UPIDs and ACLs.
    pub fn authid(&self) -> String {
        match &self.token {
            Some(token) => format!("{}!{token}", self.user),
            None => self.user.clone(),
        }
    }

    /// Whether this is `root@pam` without a token: some features are his alone.
    pub fn is_root(&self) -> bool {
        self.user == "root@pam" && self.token.is_none()
    }
}
