//! What a test of a node found, row by row.

use berth_proxmox::cluster::ClusterNode;
use berth_proxmox::{CertificateInfo, HostKey};

/// What is tested, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Check {
    /// The TLS certificate is trusted.
    Certificate,
    /// `/version` answers to the token.
    Token,
    /// `/access/permissions` has what Berth needs.
    Privileges,
    /// The PVE node name and cluster are known.
    NodeName,
    /// The SSH host key is trusted.
    HostKey,
    /// SSH logs in.
    SshLogin,
    /// `pct list` works.
    Pct,
    /// The SSH server and the API are the same PVE node.
    SameNode,
}

impl Check {
    /// All of them, in order.
    pub const ALL: [Self; 8] = [
        Self::Certificate,
        Self::Token,
        Self::Privileges,
        Self::NodeName,
        Self::HostKey,
        Self::SshLogin,
        Self::Pct,
        Self::SameNode,
    ];

    /// What people call it.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Certificate => "TLS certificate",
            Self::Token => "API token",
            Self::Privileges => "Privileges",
            Self::NodeName => "PVE node and cluster",
            Self::HostKey => "SSH host key",
            Self::SshLogin => "SSH login",
            Self::Pct => "pct over SSH",
            Self::SameNode => "SSH reaches the same PVE node",
        }
    }

    /// Whether it concerns SSH, without which a node can be saved.
    pub fn is_ssh(self) -> bool {
        self >= Self::HostKey
    }
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckState {
    /// Fine.
    Ok,
    /// Works, but not all of it.
    Warning,
    /// Not fine.
    Failed,
    /// Not tried: an earlier one failed, or it is not wanted.
    Skipped,
    /// Somebody must say that what the host shows is right.
    NeedsTrust,
}

/// One row of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckRow {
    /// What was tested.
    pub check: Check,
    /// How it ended.
    pub state: CheckState,
    /// What was found.
    pub message: String,
    /// What to do about it.
    pub remedy: Option<String>,
    /// Commands to paste into a root shell on the host.
    pub commands: Option<String>,
}

impl CheckRow {
    pub(super) fn new(check: Check, state: CheckState, message: impl Into<String>) -> Self {
        Self { check, state, message: message.into(), remedy: None, commands: None }
    }

    pub(super) fn ok(check: Check, message: impl Into<String>) -> Self {
        Self::new(check, CheckState::Ok, message)
    }

    pub(super) fn failed(check: Check, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(remedy.into()), ..Self::new(check, CheckState::Failed, message) }
    }

    pub(super) fn skipped(check: Check, why: impl Into<String>) -> Self {
        Self::new(check, CheckState::Skipped, why)
    }

    pub(super) fn remedy(self, remedy: impl Into<String>) -> Self {
        Self { remedy: Some(remedy.into()), ..self }
    }

    pub(super) fn commands(self, commands: impl Into<String>) -> Self {
        Self { commands: Some(commands.into()), ..self }
    }
}

/// What the API told about the node; known once its checks have passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The name in Proxmox's API paths.
    pub pve_node_name: String,
    /// As `/version` says.
    pub pve_version: String,
    /// What shares one VMID space.
    pub cluster: String,
    /// The cluster's name; none for a standalone host.
    pub cluster_name: Option<String>,
    /// The cluster's other members.
    pub members: Vec<ClusterNode>,
}

/// The whole test.
#[derive(Clone, Debug)]
pub struct TestReport {
    /// A row for each [`Check`], in order.
    pub rows: Vec<CheckRow>,
    /// The certificate to confirm: submit again with its fingerprint.
    pub certificate: Option<CertificateInfo>,
    /// What was trusted at this address before, if the certificate to confirm is another.
    pub certificate_before: Option<String>,
    /// The SSH host key to confirm: submit again with it.
    pub host_key: Option<HostKey>,
    /// What was trusted at this address before, if the key to confirm is another.
    pub host_key_before: Option<HostKey>,
    /// What the API told.
    pub found: Option<Found>,
    /// Whether nothing but the name of a stored node differs, so that the name alone can be saved.
    pub offers_rename: bool,
}

impl TestReport {
    fn all(&self, ssh: bool, fine: &[CheckState]) -> bool {
        self.rows.iter().filter(|row| row.check.is_ssh() == ssh).all(|row| fine.contains(&row.state))
    }

    /// Whether the API's part passed: without it nothing is saved.
    pub fn api_works(&self) -> bool {
        self.found.is_some() && self.all(false, &[CheckState::Ok, CheckState::Warning])
    }

    /// Whether the SSH part passed in full.
    pub fn ssh_works(&self) -> bool {
        self.all(true, &[CheckState::Ok, CheckState::Warning])
    }

    /// Whether all of it passed, so that it can be saved as it was typed.
    pub fn passed(&self) -> bool {
        let ssh = [CheckState::Ok, CheckState::Warning, CheckState::Skipped];
        self.api_works() && self.all(true, &ssh)
    }

    /// Replaces the row of the same check.
    pub(super) fn replace(&mut self, row: CheckRow) {
        if let Some(old) = self.rows.iter_mut().find(|old| old.check == row.check) {
            *old = row;
        }
    }

    /// Whether only SSH is in the way, so that saving without it can be offered.
    pub fn offers_without_ssh(&self) -> bool {
        self.api_works() && !self.ssh_works() && self.host_key.is_none()
    }

    /// The row of a check.
    pub fn row(&self, check: Check) -> Option<&CheckRow> {
        self.rows.iter().find(|row| row.check == check)
    }
}
