//! A node's row.

use berth_domain::node::{Node, SshAccess, SshMethod};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::error::{Result, corrupt, decode};
use crate::login_hosts::address;

pub(super) struct Row {
    pub(super) id: Uuid,
    pub(super) name: String,
    pub(super) host: String,
    pub(super) port: i32,
    pub(super) certificate: Option<String>,
    pub(super) token_id: String,
    pub(super) token_secret: Vec<u8>,
    pub(super) pve_node_name: String,
    pub(super) cluster: String,
    pub(super) pve_version: String,
    pub(super) ssh_host: Option<String>,
    pub(super) ssh_port: Option<i32>,
    pub(super) ssh_user: Option<String>,
    pub(super) ssh_method: Option<String>,
    pub(super) ssh_secret: Option<Vec<u8>>,
    pub(super) ssh_passphrase: Option<Vec<u8>>,
    pub(super) ssh_host_key: Option<String>,
    pub(super) is_default: bool,
    pub(super) created_at: OffsetDateTime,
}

macro_rules! select {
    ($($tail:tt)*) => {
        sqlx::query_as!(
            Row,
            "select n.id, n.name, n.host, n.port, n.certificate, n.token_id, n.token_secret, n.pve_node_name,
                    n.cluster, n.pve_version, n.ssh_host, n.ssh_port, n.ssh_user, n.ssh_method, n.ssh_secret,
                    n.ssh_passphrase, n.ssh_host_key, n.is_default, n.created_at
             from nodes n " + $($tail)*
        )
    };
}
pub(super) use select;

pub(super) const fn method_name(method: SshMethod) -> &'static str {
    match method {
        SshMethod::Password => "password",
        SshMethod::Key => "key",
    }
}

impl Row {
    pub(super) fn node(self) -> Result<Node> {
        let ssh = self.ssh()?;
        Ok(Node {
            id: self.id.into(),
            name: self.name,
            address: address(&self.host, decode(self.port, "nodes.port")?)?,
            certificate: self
                .certificate
                .map(|text| text.parse().map_err(|_| corrupt("nodes.certificate")()))
                .transpose()?,
            token_id: self.token_id.parse().map_err(|_| corrupt("nodes.token_id")())?,
            pve_node_name: self.pve_node_name,
            cluster: self.cluster,
            pve_version: self.pve_version,
            ssh,
            is_default: self.is_default,
            created_at: self.created_at,
        })
    }

    fn ssh(&self) -> Result<Option<SshAccess>> {
        let (Some(host), Some(port), Some(user), Some(method), Some(host_key)) =
            (&self.ssh_host, self.ssh_port, &self.ssh_user, &self.ssh_method, &self.ssh_host_key)
        else {
            return Ok(None);
        };
        Ok(Some(SshAccess {
            host: host.parse().map_err(|_| corrupt("nodes.ssh_host")())?,
            port: decode(port, "nodes.ssh_port")?,
            user: user.clone(),
            method: [SshMethod::Password, SshMethod::Key]
                .into_iter()
                .find(|known| method_name(*known) == method)
                .ok_or_else(corrupt("nodes.ssh_method"))?,
            host_key: host_key.clone(),
        }))
    }
}
