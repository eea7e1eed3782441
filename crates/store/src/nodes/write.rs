//! Changes to a user's nodes. Those that move the default first lock the user's row, so that they come one by
//! one; the unique index would refuse a second default even so.

use berth_domain::node::{Node, SshAccess};
use berth_domain::node_health::ClusterMember;
use berth_domain::{NodeId, UserId};
use sqlx::{Connection as _, PgConnection, PgTransaction};
use time::OffsetDateTime;

use super::credentials::context;
use super::row::method_name;
use super::{NewNode, SshSecret};
use crate::crypto::Keyring;
use crate::error::Result;
use crate::text;

pub(super) async fn lock(tx: &mut PgTransaction<'_>, user: UserId) -> Result<()> {
    sqlx::query!("select id from users where id = $1 for no key update", user.uuid())
        .fetch_optional(&mut **tx)
        .await?;
    Ok(())
}

/// The SSH secret's two envelopes.
fn sealed(ssh: Option<&SshSecret>, id: NodeId, keyring: &Keyring) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
    let seal = |secret, column| keyring.seal(secret, context(id.uuid(), column));
    let passphrase = ssh.and_then(|ssh| ssh.passphrase.as_ref());
    (ssh.map(|ssh| seal(&ssh.secret, "ssh_secret")), passphrase.map(|text| seal(text, "ssh_passphrase")))
}

/// SSH access as its columns take it: all or none.
#[derive(Default)]
struct SshColumns<'a> {
    host: Option<&'a str>,
    port: Option<i32>,
    user: Option<&'a str>,
    method: Option<&'static str>,
    host_key: Option<&'a str>,
}

impl<'a> SshColumns<'a> {
    fn new(ssh: Option<&'a SshAccess>) -> Self {
        ssh.map_or_else(Self::default, |ssh| Self {
            host: Some(ssh.host.as_str()),
            port: Some(i32::from(ssh.port)),
            user: Some(&ssh.user),
            method: Some(method_name(ssh.method)),
            host_key: Some(&ssh.host_key),
        })
    }
}

/// Adds a node; the user's first becomes the default. Conflicts: [`super::NAME_UNIQUE`],
/// [`super::SSH_ALL_OR_NONE`].
pub async fn insert(
    conn: &mut PgConnection,
    user: UserId,
    node: &NewNode,
    keyring: &Keyring,
    now: OffsetDateTime,
) -> Result<Node> {
    let (id, details) = (NodeId::new(), &node.details);
    let token_secret = keyring.seal(&node.token_secret, context(id.uuid(), "token_secret"));
    let (ssh_secret, ssh_passphrase) = sealed(node.ssh_secret.as_ref(), id, keyring);
    let ssh = SshColumns::new(details.ssh.as_ref());
    let mut tx = conn.begin().await?;
    lock(&mut tx, user).await?;
    sqlx::query!(
        "insert into nodes (id, user_id, name, host, port, certificate, token_id, token_secret, pve_node_name,
               cluster, pve_version, ssh_host, ssh_port, ssh_user, ssh_method, ssh_host_key, ssh_secret,
               ssh_passphrase, is_default, created_at, updated_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
               not exists (select from nodes where user_id = $2), $19, $19)",
        id.uuid(),
        user.uuid(),
        details.name,
        details.address.host.as_str(),
        i32::from(details.address.port),
        details.certificate.map(|pin| pin.to_string()),
        details.token_id.to_string(),
        token_secret,
        text::storable(&details.pve_node_name),
        text::storable(&details.cluster),
        text::storable(&details.pve_version),
        ssh.host,
        ssh.port,
        ssh.user,
        ssh.method,
        ssh.host_key,
        ssh_secret,
        ssh_passphrase,
        now,
    )
    .execute(&mut *tx)
    .await?;
    let node = super::find(&mut *tx, user, id).await?.expect("this transaction has just inserted it");
    tx.commit().await?;
    Ok(node)
}

/// Changes a node, its secrets included: what was tested together is stored together. False when the user has no such
/// node. Conflicts: [`super::NAME_UNIQUE`], [`super::SSH_ALL_OR_NONE`].
pub async fn update(
    conn: &mut PgConnection,
    user: UserId,
    id: NodeId,
    node: &NewNode,
    keyring: &Keyring,
    now: OffsetDateTime,
) -> Result<bool> {
    let details = &node.details;
    let token_secret = keyring.seal(&node.token_secret, context(id.uuid(), "token_secret"));
    let (ssh_secret, ssh_passphrase) = sealed(node.ssh_secret.as_ref(), id, keyring);
    let ssh = SshColumns::new(details.ssh.as_ref());
    let done = sqlx::query!(
        "update nodes set name = $3, host = $4, port = $5, certificate = $6, token_id = $7,
             token_secret = $8, pve_node_name = $9, cluster = $10, pve_version = $11,
             ssh_host = $12, ssh_port = $13, ssh_user = $14, ssh_method = $15, ssh_host_key = $16,
             ssh_secret = $17, ssh_passphrase = $18, updated_at = $19
         where id = $1 and user_id = $2",
        id.uuid(),
        user.uuid(),
        details.name,
        details.address.host.as_str(),
        i32::from(details.address.port),
        details.certificate.map(|pin| pin.to_string()),
        details.token_id.to_string(),
        token_secret,
        text::storable(&details.pve_node_name),
        text::storable(&details.cluster),
        text::storable(&details.pve_version),
        ssh.host,
        ssh.port,
        ssh.user,
        ssh.method,
        ssh.host_key,
        ssh_secret,
        ssh_passphrase,
        now,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Changes a node's name and nothing else, so that what is known of its health stays. False when the user has no such
/// node. Conflict: [`super::NAME_UNIQUE`].
pub async fn rename(conn: &mut PgConnection, user: UserId, id: NodeId, name: &str) -> Result<bool> {
    let done = sqlx::query!(
        "update nodes set name = $3 where id = $1 and user_id = $2",
        id.uuid(),
        user.uuid(),
        name,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Remembers a node's cluster as its test has just found it, until its health is checked for the first time.
pub async fn learn_cluster(
    conn: &mut PgConnection,
    user: UserId,
    id: NodeId,
    cluster_name: Option<&str>,
    members: &[ClusterMember],
) -> Result<()> {
    sqlx::query!(
        "update node_health set cluster_name = $3, members = $4
         where node_id = (select id from nodes where id = $1 and user_id = $2)",
        id.uuid(),
        user.uuid(),
        cluster_name.map(text::storable),
        text::json(&members),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Makes it the default instead of the one that was. False when the user has no such node.
pub async fn set_default(conn: &mut PgConnection, user: UserId, id: NodeId) -> Result<bool> {
    let mut tx = conn.begin().await?;
    lock(&mut tx, user).await?;
    sqlx::query!("update nodes set is_default = false where user_id = $1 and is_default", user.uuid())
        .execute(&mut *tx)
        .await?;
    let done = sqlx::query!(
        "update nodes set is_default = true where id = $1 and user_id = $2",
        id.uuid(),
        user.uuid(),
    )
    .execute(&mut *tx)
    .await?;
    if done.rows_affected() == 1 {
        tx.commit().await?;
        return Ok(true);
    }
    tx.rollback().await?;
    Ok(false)
}
