//! Nodes with their secrets, for those who connect to them.

use berth_domain::node::Node;
use berth_domain::{ActionId, CreationId, NodeId, Secret, UserId};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::SshSecret;
use super::row::{Row, select};
use crate::crypto::{Context, Keyring};
use crate::error::Result;
use crate::node_health::Lease;

/// Everything needed to connect to a node.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The node.
    pub node: Node,
    /// The API token's secret.
    pub token_secret: Secret,
    /// What proves who we are to its SSH server; there exactly when `node.ssh` is.
    pub ssh_secret: Option<SshSecret>,
}

pub(super) const fn context(row: Uuid, column: &'static str) -> Context {
    Context { table: "nodes", column, row }
}

/// The secrets of one of the user's nodes.
pub async fn credentials(
    pg: impl PgExecutor<'_>,
    user: UserId,
    id: NodeId,
    keyring: &Keyring,
) -> Result<Option<Credentials>> {
    select!("where n.id = $1 and n.user_id = $2", id.uuid(), user.uuid())
        .fetch_optional(pg)
        .await?
        .map(|row| open(row, keyring))
        .transpose()
}

/// The secrets of the node that a creation works on, for the worker: a job reaches no other node.
pub async fn credentials_for_creation(
    pg: impl PgExecutor<'_>,
    creation: CreationId,
    keyring: &Keyring,
) -> Result<Option<Credentials>> {
    select!("join creations c on c.node_id = n.id and c.user_id = n.user_id where c.id = $1", creation.uuid())
        .fetch_optional(pg)
        .await?
        .map(|row| open(row, keyring))
        .transpose()
}

/// The secrets of the node of the container that an action is about, for the worker.
pub async fn credentials_for_action(
    pg: impl PgExecutor<'_>,
    action: ActionId,
    keyring: &Keyring,
) -> Result<Option<Credentials>> {
    select!(
        "join containers c on c.node_id = n.id
         join container_actions a on a.container_id = c.id and a.user_id = n.user_id where a.id = $1",
        action.uuid()
    )
    .fetch_optional(pg)
    .await?
    .map(|row| open(row, keyring))
    .transpose()
}

/// The secrets of the node that a check holds, for the worker.
pub async fn credentials_for_check(
    pg: impl PgExecutor<'_>,
    lease: Lease,
    keyring: &Keyring,
) -> Result<Option<Credentials>> {
    select!(
        "join node_health h on h.node_id = n.id where n.id = $1 and h.lease = $2",
        lease.node.uuid(),
        lease.token
    )
    .fetch_optional(pg)
    .await?
    .map(|row| open(row, keyring))
    .transpose()
}

fn open(row: Row, keyring: &Keyring) -> Result<Credentials> {
    let open = |envelope: &[u8], column| keyring.open(envelope, context(row.id, column));
    let token_secret = open(&row.token_secret, "token_secret")?;
    let ssh_secret = match &row.ssh_secret {
        Some(secret) => Some(SshSecret {
            secret: open(secret, "ssh_secret")?,
            passphrase: row.ssh_passphrase.as_deref().map(|text| open(text, "ssh_passphrase")).transpose()?,
        }),
        None => None,
    };
    Ok(Credentials { node: row.node()?, token_secret, ssh_secret })
}
