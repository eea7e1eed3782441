//! What is found to run inside a container.

use serde::{Deserialize, Serialize};

/// Something that runs inside a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// The unit's, Docker container's or program's name, such as `nginx`.
    pub name: String,
    /// What kind of thing it is.
    pub kind: ServiceKind,
    /// Whether it runs.
    pub state: ServiceState,
    /// Its own words on what it is, where it has any.
    pub description: String,
    /// TCP ports on which it can be reached from outside the container.
    pub ports: Vec<u16>,
    /// Part of the operating system rather than what the container is for.
    pub system: bool,
}

/// Where a service was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServiceKind {
    /// A systemd unit.
    Systemd,
    /// An OpenRC service.
    Openrc,
    /// A Docker container.
    Docker,
    /// A process that merely listens.
    Process,
}

/// Whether a service runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServiceState {
    /// It runs.
    Running,
    /// It was stopped or has ended well.
    Stopped,
    /// It failed.
    Failed,
}

/// A credential that scripts have saved inside a container. Its value stays there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// What it opens, such as `grafana`.
    pub service: String,
    /// Which of its values it is, such as `ADMIN_PASSWORD`.
    pub key: String,
}
