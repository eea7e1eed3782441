//! A node's clients, made from its stored row and decrypted secrets.

use std::time::Duration;

use berth_domain::node::{Node, SshAccess, SshMethod};
use berth_domain::{ActionId, CreationId, HostPort, NodeId, Secret, UserId};
use berth_proxmox::{Auth, Client, HostKey, SshConnection, SshCredential, SshTarget, Trust};
use berth_store::nodes::{Credentials, SshSecret};

use crate::{Context, Error, Result};

/// How to reach a node: its API, and its SSH server where it has SSH access. Nothing is sent by making one.
#[derive(Clone, Debug)]
pub struct NodeConnection {
    /// The node.
    pub node: Node,
    /// Its API, authenticated by its token, its certificate pinned or publicly trusted.
    pub client: Client,
    /// Its SSH server, its host key pinned.
    pub ssh: Option<SshTarget>,
}

impl NodeConnection {
    /// One of the user's nodes; [`Error::NotFound`] for anybody else's, and [`Error::Conflict`] where its secrets do not open.
    pub async fn for_user(ctx: &Context, user: UserId, node: NodeId) -> Result<Self> {
        let stored = berth_store::nodes::credentials(&ctx.pg, user, node, &ctx.keyring).await;
        Self::open(stored.map_err(sealed)?.ok_or(Error::NotFound)?)
    }

    /// The node that a creation works on: a job reaches no other. Errors as with [`Self::for_user`].
    pub async fn for_creation(ctx: &Context, creation: CreationId) -> Result<Self> {
        let stored = berth_store::nodes::credentials_for_creation(&ctx.pg, creation, &ctx.keyring).await;
        Self::open(stored.map_err(sealed)?.ok_or(Error::NotFound)?)
    }

    /// The node of the container that an action is about: a job reaches no other. Errors as with [`Self::for_user`].
    pub async fn for_action(ctx: &Context, action: ActionId) -> Result<Self> {
        let stored = berth_store::nodes::credentials_for_action(&ctx.pg, action, &ctx.keyring).await;
        Self::open(stored.map_err(sealed)?.ok_or(Error::NotFound)?)
    }

    pub(crate) fn open(stored: Credentials) -> Result<Self> {
        let Credentials { node, token_secret, ssh_secret } = stored;
        let trust = node.certificate.map_or(Trust::PublicRoots, Trust::Pinned);
        let auth = Auth::Token { id: node.token_id.clone(), secret: token_secret };
        let client =
            Client::new(node.address.clone(), trust, auth).map_err(|error| Error::node(&node.name, error))?;
        let ssh = match (&node.ssh, ssh_secret) {
            (Some(access), Some(secret)) => Some(ssh_target(access, secret)?),
            _ => None,
        };
        Ok(Self { node, client, ssh })
    }

    /// The error with the name that the node's owner gave it.
    pub fn trouble(&self, error: berth_proxmox::Error) -> Error {
        Error::node(&self.node.name, error)
    }

    /// The name in Proxmox's API paths.
    pub fn pve_node(&self) -> &str {
        &self.node.pve_node_name
    }

    /// Logs in by SSH. [`Error::Conflict`] where the node was added without SSH.
    pub async fn connect_ssh(&self, deadline: Duration) -> Result<SshConnection> {
        let target = self.ssh.as_ref().ok_or_else(|| self.without_ssh())?;
        SshConnection::connect(target, deadline).await.map_err(|error| self.trouble(error))
    }

    /// What to tell somebody who asks for something that needs SSH, of a node that has none.
    pub fn without_ssh(&self) -> Error {
        Error::Conflict(format!(
            "{} has no SSH access, which provisioning, services and logs need. Add it under Settings, Nodes",
            self.node.name
        ))
    }
}

/// Secrets that do not open are nobody's fault who could read the log, but their owner can help.
pub(crate) fn sealed(error: berth_store::Error) -> Error {
    let berth_store::Error::Corrupt(cause) = error else { return error.into() };
    tracing::error!(cause, "a node's stored secrets do not open");
    Error::Conflict(
        "The stored secrets of this node cannot be opened: their key is missing, or they were damaged or moved. Edit the node under \
         Settings, Nodes, and type them again"
            .into(),
    )
}

/// The SSH server and credential of a node.
pub(crate) fn ssh_target(access: &SshAccess, secret: SshSecret) -> Result<SshTarget> {
    let host_key: HostKey = access.host_key.parse().map_err(|error| {
        Error::Internal(Box::new(berth_store::Error::Corrupt(format!("host key: {error}"))))
    })?;
    Ok(SshTarget {
        host: HostPort::new(access.host.clone(), access.port),
        user: access.user.clone(),
        credential: credential(access.method, secret.secret, secret.passphrase),
        host_key,
    })
}

/// The credential as the SSH client takes it.
pub(crate) fn credential(method: SshMethod, secret: Secret, passphrase: Option<Secret>) -> SshCredential {
    match method {
        SshMethod::Password => SshCredential::Password(secret),
        SshMethod::Key => SshCredential::Key { pem: secret, passphrase },
    }
}
