//! Deleting a node, with what hangs on it looked at and locked in the same transaction.

use berth_domain::{NodeId, UserId};
use sqlx::{Connection as _, PgConnection, PgTransaction};

use super::write::lock;
use crate::container_events;
use crate::error::Result;

/// What deleting a node led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deleted {
    /// It is gone, with this many containers forgotten.
    Done {
        /// How many.
        forgotten: usize,
    },
    /// A container of this host name is being created on it. Nothing was deleted.
    Creating {
        /// The host name.
        hostname: String,
    },
    /// It has managed containers, and nobody said to forget them. Nothing was deleted.
    HasContainers,
}

/// Deletes a node with its creations and forgets its containers, which stay on Proxmox; the oldest node left becomes the
/// default if this was it. None when the user has no such node.
///
/// Neither a creation that is being created nor, unless `forget` is given, a managed container is lost by it: whoever
/// stores or retries a creation on the node meanwhile waits, and then finds no node.
pub async fn delete(
    conn: &mut PgConnection,
    user: UserId,
    id: NodeId,
    forget: bool,
) -> Result<Option<Deleted>> {
    let mut tx = conn.begin().await?;
    lock(&mut tx, user).await?;
    // In the order in which a worker takes them, who holds a creation and then stores its container. None is retried now.
    sqlx::query!(
        "select id from creations where node_id = $1 and user_id = $2 order by id for update",
        id.uuid(),
        user.uuid()
    )
    .fetch_all(&mut *tx)
    .await?;
    let node = sqlx::query_scalar!(
        "select is_default from nodes where id = $1 and user_id = $2 for update",
        id.uuid(),
        user.uuid(),
    );
    let Some(was_default) = node.fetch_optional(&mut *tx).await? else { return Ok(None) };
    if let Some(hostname) = being_created(&mut tx, id).await? {
        return Ok(Some(Deleted::Creating { hostname }));
    }
    let containers = sqlx::query_scalar!(
        "select id from containers where node_id = $1 and gone_at is null for update",
        id.uuid()
    );
    let forgotten = containers.fetch_all(&mut *tx).await?.len();
    if forgotten > 0 && !forget {
        return Ok(Some(Deleted::HasContainers));
    }
    container_events::append_of_node(&mut *tx, id).await?;
    sqlx::query!("delete from nodes where id = $1", id.uuid()).execute(&mut *tx).await?;
    if was_default {
        promote_oldest(&mut tx, user).await?;
    }
    tx.commit().await?;
    Ok(Some(Deleted::Done { forgotten }))
}

/// The host name of a container that is being created on the node.
async fn being_created(tx: &mut PgTransaction<'_>, id: NodeId) -> Result<Option<String>> {
    let live = sqlx::query_scalar!(
        r#"select outline ->> 'hostname' as "hostname!" from creations
           where node_id = $1 and state in ('queued', 'running') order by id limit 1"#,
        id.uuid()
    );
    Ok(live.fetch_optional(&mut **tx).await?)
}

async fn promote_oldest(tx: &mut PgTransaction<'_>, user: UserId) -> Result<()> {
    sqlx::query!(
        "update nodes set is_default = true
         where id = (select id from nodes where user_id = $1 order by created_at, id limit 1)",
        user.uuid(),
    )
    .execute(&mut **tx)
    .await?;
    Ok(())
}
