//! A node's certificates: `/nodes/{node}/certificates/info`.

use serde::Deserialize;

use crate::client::Client;
use crate::{Result, loose};

/// A certificate of a node, from `GET /nodes/{node}/certificates/info`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct NodeCertificate {
    /// Its file: `pve-root-ca.pem`, `pve-ssl.pem`, `pveproxy-ssl.pem`.
    #[serde(default, deserialize_with = "loose::opt")]
    pub filename: Option<String>,
    /// Its SHA-256 fingerprint, pairs of digits with colons.
    #[serde(default, deserialize_with = "loose::opt")]
    pub fingerprint: Option<String>,
}

impl Client {
    /// A member's certificates: `GET /nodes/{node}/certificates/info`. Needs no privilege.
    pub async fn certificates(&self, node: &str) -> Result<Vec<NodeCertificate>> {
        self.get(&["nodes", node, "certificates", "info"], Vec::new()).await
    }
}
