//! What the host remembers across a restart, as one JSON document.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Accounts;
use crate::tasks::TaskRecord;

/// A user of `/access/users`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct User {
    pub enable: bool,
    /// Epoch seconds; 0 is never.
    pub expire: i64,
    pub comment: Option<String>,
    pub email: Option<String>,
    pub firstname: Option<String>,
    pub lastname: Option<String>,
    pub groups: BTreeSet<String>,
    /// In clear: these accounts exist for tests only.
    pub password: Option<String>,
}

/// An API token, keyed by `user@realm!name`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Token {
    pub secret: String,
    pub privsep: bool,
    /// Epoch seconds; 0 is never.
    pub expire: i64,
    pub comment: Option<String>,
}

/// One second factor of a user.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct TfaEntry {
    pub id: String,
    /// `totp`, `recovery` or `webauthn`.
    pub kind: String,
    pub description: String,
    pub created: i64,
    pub enable: bool,
    /// Base32 TOTP secret.
    pub secret: Option<String>,
    /// Recovery keys; an empty one was used.
    pub keys: Vec<String>,
    /// The 30 s step of the last TOTP code that was taken: neither it nor an older one is taken again.
    #[serde(default)]
    pub last_step: Option<i64>,
}

/// One line of `/access/acl`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct AclEntry {
    pub path: String,
    /// `user`, `group` or `token`.
    pub kind: String,
    pub ugid: String,
    pub roleid: String,
    pub propagate: bool,
}

/// A role with its privileges.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Role {
    pub privs: BTreeSet<String>,
    pub special: bool,
}

/// A group of users.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Group {
    pub comment: Option<String>,
}

/// A resource pool.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Pool {
    pub comment: Option<String>,
    pub vms: BTreeSet<u32>,
    pub storages: BTreeSet<String>,
}

/// A file of a storage.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Volume {
    /// `vztmpl`, `iso`, `backup`, `rootdir` or `images`.
    pub content: String,
    pub format: String,
    /// Bytes.
    pub size: u64,
    /// Bytes really allocated, for disks.
    pub used: Option<u64>,
    pub ctime: i64,
    pub vmid: Option<u32>,
    pub notes: Option<String>,
    pub protected: bool,
    /// The backed-up configuration, for `backup`.
    pub config: Option<BTreeMap<String, String>>,
}

/// A storage of type `dir`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Storage {
    pub path: String,
    pub content: Vec<String>,
    pub disable: bool,
    pub is_mountpoint: bool,
    /// Not mounted although it should be.
    pub broken: bool,
    /// Bytes.
    pub total: u64,
    /// Bytes taken by what is not a volume.
    pub base_used: u64,
    /// By the part of the volume id after the colon.
    pub volumes: BTreeMap<String, Volume>,
}

/// A bridge or card of `/nodes/NODE/network`, as it is answered.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Interface {
    pub iface: String,
    pub kind: String,
    pub body: Value,
}

/// A container that runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Run {
    /// Epoch milliseconds.
    pub since_ms: i64,
    pub pid: u32,
    /// What `config` was at the start: changes that need a restart act only then.
    pub config: BTreeMap<String, String>,
}

/// A container: `config` is the configuration file, key by key, as text.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Container {
    /// `lock`, `template`, `hostname`, `net0`, … exactly as in the file.
    pub config: BTreeMap<String, String>,
    /// The `[pve:pending]` section.
    pub pending: BTreeMap<String, String>,
    /// Keys the pending section deletes.
    pub pending_delete: BTreeSet<String>,
    pub run: Option<Run>,
    /// The password given at creation.
    pub password: Option<String>,
    /// The public keys given at creation.
    pub ssh_keys: Option<String>,
    /// Version of the operating system inside, such as `12`.
    pub os_version: String,
    /// Firewall options that were set.
    pub firewall: BTreeMap<String, String>,
}

impl Container {
    /// The name shown in lists: the host name, or `CT<vmid>` while there is none.
    pub fn name(&self, vmid: u32) -> String {
        self.config.get("hostname").cloned().unwrap_or_else(|| format!("CT{vmid}"))
    }

    /// The value of `lock`, such as `create`, `backup`, `snapshot`.
    pub fn lock(&self) -> Option<&str> {
        self.config.get("lock").map(String::as_str)
    }

    /// Whether it was converted to a template.
    pub fn is_template(&self) -> bool {
        self.config.get("template").is_some_and(|value| value == "1")
    }
}

/// A line of the cluster log.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct LogLine {
    pub uid: u64,
    pub time: i64,
    pub pri: u8,
    pub tag: String,
    pub pid: u32,
    pub user: String,
    pub msg: String,
}

/// Everything of one host.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Model {
    /// In a cluster the same on all members.
    #[serde(flatten)]
    pub accounts: Accounts,
    pub storages: BTreeMap<String, Storage>,
    pub interfaces: Vec<Interface>,
    pub containers: BTreeMap<u32, Container>,
    pub tasks: Vec<TaskRecord>,
    pub log: Vec<LogLine>,
    pub next_pid: u32,
    /// Epoch milliseconds of the host's boot.
    pub boot_ms: i64,
    /// True for the recorded host, false for a home lab.
    pub recorded: bool,
    /// Names that resolve to members that never answer.
    pub dead_nodes: BTreeSet<String>,
    /// The host's own address.
    pub address: String,
    /// Passwords of the host's own users that were set on the host, by name; in clear as all others.
    #[serde(default)]
    pub passwords: BTreeMap<String, String>,
}

impl Model {
    /// The password of a user with realm; those of the realm `pam` are the host's own.
    pub fn password(&self, userid: &str) -> Option<&str> {
        let own = userid.strip_suffix("@pam").and_then(|name| self.passwords.get(name));
        let given = || self.accounts.users.get(userid).and_then(|user| user.password.as_ref());
        own.or_else(given).map(String::as_str)
    }

    /// After a restart nothing runs that ran before: tasks ended unseen. Containers stay as they were, as if the host
    /// had started them again.
    pub fn come_back(&mut self) {
        for task in self.tasks.iter_mut().filter(|task| task.endtime.is_none()) {
            task.endtime = Some(crate::clock::now());
            task.status = Some("unexpected status".to_owned());
        }
    }
}
