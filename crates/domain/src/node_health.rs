//! How a node is, as it was last seen.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::Fingerprint;

/// What is known of a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeHealth {
    /// Its API; none until it is asked for the first time after the node was added or edited.
    pub api: Option<Seen<ApiHealth>>,
    /// Its SSH server; none until then, and for a node without SSH access.
    pub ssh: Option<Seen<SshHealth>>,
    /// Its cluster's name; none for a standalone host.
    pub cluster_name: Option<String>,
    /// The cluster's other members.
    pub members: Vec<ClusterMember>,
}

/// A state and when it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen<T> {
    /// The state.
    pub state: T,
    /// When it was seen last.
    pub checked_at: OffsetDateTime,
    /// Since when it has been seen at every check.
    pub since: OffsetDateTime,
}

/// How a node's API is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum ApiHealth {
    /// It answers, and the token may do what it should.
    Reachable {
        /// As `/version` says.
        version: String,
    },
    /// It answers, and the token lacks privileges.
    PrivilegesMissing {
        /// As `/version` says.
        version: String,
        /// Which, by name.
        message: String,
    },
    /// It shows another certificate than the pinned one. Nothing secret was sent.
    CertificateChanged {
        /// The pinned one; none where the public roots vouched for it.
        expected: Option<Fingerprint>,
        /// What it shows now.
        found: Fingerprint,
    },
    /// It does not accept the token.
    TokenRefused {
        /// What it said.
        message: String,
    },
    /// It does not do what it should, and why.
    Unreachable {
        /// The cause, and after the first full stop what to do.
        message: String,
    },
}

/// How a node's SSH server is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum SshHealth {
    /// The login works, and `pct` does.
    Works,
    /// It shows another host key than the pinned one. No credential was sent.
    HostKeyChanged {
        /// The pinned one.
        expected: String,
        /// What it shows now.
        found: String,
    },
    /// It does not accept the login.
    LoginRefused {
        /// What it said.
        message: String,
    },
    /// The login works, and `sudo` does not let the user run `pct`.
    SudoRefused {
        /// What it said.
        message: String,
    },
    /// The login works, and `pct` does not.
    PctFails {
        /// What it said.
        message: String,
    },
    /// There is no connection, and why.
    Unreachable {
        /// The cause, and after the first full stop what to do.
        message: String,
    },
}

/// Another member of a node's cluster, from `/cluster/status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterMember {
    /// Its PVE node name.
    pub name: String,
    /// Its address within the cluster.
    pub address: Option<String>,
    /// Whether the cluster sees it.
    pub online: bool,
}

impl ApiHealth {
    /// Whether the node can be worked with.
    pub const fn is_usable(&self) -> bool {
        matches!(self, Self::Reachable { .. } | Self::PrivilegesMissing { .. })
    }
}
