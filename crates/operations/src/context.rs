//! What every operation needs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use berth_domain::{Clock, HostPort};
use berth_store::{Keyring, PgPool, Redis};

use crate::queue::Queue;

/// Connections, keys and settings; clone it freely.
#[derive(Clone)]
pub struct Context {
    /// PostgreSQL, the truth.
    pub pg: PgPool,
    /// Redis: caches, sessions and the live view.
    pub redis: Redis,
    /// The keys of the stored secrets.
    pub keyring: Arc<Keyring>,
    /// The time.
    pub clock: Clock,
    /// The queue of creations.
    pub queue: Queue,
    /// What the administrator has set.
    pub settings: Arc<Settings>,
}

/// What the administrator has set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Which Proxmox hosts may log people in.
    pub login_hosts: LoginHosts,
    /// How many logins may be tried per address and per account in [`Settings::login_window`].
    pub login_attempts: u32,
    /// The time in which attempts are counted.
    pub login_window: Duration,
    /// How long a refused login takes at least, so that its time does not tell why: Proxmox itself takes 3 s over a wrong password.
    pub login_refusal: Duration,
    /// Where the container templates that ship with Berth are found.
    pub container_templates: PathBuf,
    /// How long a worker may be silent before another takes its creation over.
    pub lease: Duration,
    /// How long a worker goes on trying when a node does not answer, before the phase fails.
    pub patience: Duration,
    /// How often a worker asks each node's API how it is. The other intervals of [`crate::nodes::health`] are multiples.
    pub node_check: Duration,
}

/// Which Proxmox hosts may log people in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginHosts {
    /// The first host through which somebody logs in becomes the only one.
    Claim,
    /// Only these.
    List(Vec<HostPort>),
    /// Any host.
    Any,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            login_hosts: LoginHosts::Claim,
            login_attempts: 10,
            login_window: Duration::from_mins(5),
            login_refusal: Duration::from_secs(4),
            container_templates: PathBuf::from("container-templates"),
            lease: Duration::from_secs(30),
            patience: Duration::from_mins(10),
            node_check: Duration::from_secs(30),
        }
    }
}
