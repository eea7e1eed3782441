//! People.

use serde::{Deserialize, Serialize};

use crate::{HostPort, UserId};

/// A person: a Proxmox userid on one login host. `root@pam` on two hosts is two people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The row's id.
    pub id: UserId,
    /// The host that vouched for them.
    pub login_host: HostPort,
    /// `user@realm`.
    pub userid: String,
}
