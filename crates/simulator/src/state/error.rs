//! Failures as Proxmox words them.

use std::collections::BTreeMap;

/// A refusal: HTTP status, text without the final newline, and per-parameter texts for status 400.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// HTTP status; on the command line only the text counts.
    pub status: u16,
    /// The text Proxmox gives, without its final newline.
    pub message: String,
    /// Texts by parameter.
    pub errors: BTreeMap<String, String>,
}

impl ApiError {
    /// A plain `die` on the host: status 500.
    pub fn died(message: impl Into<String>) -> Self {
        Self { status: 500, message: message.into(), errors: BTreeMap::new() }
    }

    /// Status 403.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self { status: 403, message: message.into(), errors: BTreeMap::new() }
    }

    /// Status 400 with one wrong parameter.
    pub fn param(name: &str, text: impl Into<String>) -> Self {
        Self::params(BTreeMap::from([(name.to_owned(), text.into())]))
    }

    /// Status 400 with several wrong parameters.
    pub fn params(errors: BTreeMap<String, String>) -> Self {
        Self { status: 400, message: "Parameter verification failed.".to_owned(), errors }
    }

    /// `Configuration file 'nodes/NODE/lxc/VMID.conf' does not exist`.
    pub fn no_container(node: &str, vmid: u32) -> Self {
        Self::died(format!("Configuration file 'nodes/{node}/lxc/{vmid}.conf' does not exist"))
    }
}
