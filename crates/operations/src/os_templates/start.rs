//! Asks a node for a file of the catalogue, once.

use berth_domain::os_template::{DownloadState, OsTemplateDownload};
use berth_domain::{DraftId, NodeId, UserId};
use berth_proxmox::Error as HostError;
use berth_store::os_template_downloads::{self as store, Begun};

use super::{DEADLINE, finish, follow};
use crate::{Context, Error, FieldErrors, NodeConnection, Result};

/// Longest file name that Proxmox takes.
const LONGEST: usize = 255;

/// Has the node download `file` to `storage` for a draft, and answers the volume id that it will have: the draft may choose it at once,
/// since it is needed only when the container is made. Asked for twice, or while it is on its way already, it is one download.
///
/// [`Error::Invalid`] beside `file` or `storage`. What the node refuses is kept with the download: see [`super::progress`].
pub async fn download(
    ctx: &Context,
    user: UserId,
    draft: DraftId,
    (node, storage, file): (NodeId, &str, &str),
) -> Result<String> {
    check(storage, file)?;
    let connection = NodeConnection::for_user(ctx, user, node).await?;
    let mut conn = ctx.pg.acquire().await.map_err(berth_store::Error::from)?;
    let begun = store::begin(&mut conn, user, draft, (node, storage, file), ctx.clock.now()).await?;
    drop(conn);
    let begun = begun.ok_or(Error::NotFound)?;
    let download = store::find(&ctx.pg, user, draft).await?.ok_or(Error::NotFound)?;
    let volid = download.volid();
    if let Begun::Ours(_) = begun {
        // Whoever asked may go away: what was sent must be remembered all the same.
        let ctx = ctx.clone();
        let asked = tokio::spawn(async move { ask(&ctx, &connection, download).await });
        asked.await.map_err(|panic| Error::Internal(Box::new(panic)))??;
    }
    Ok(volid)
}

fn check(storage: &str, file: &str) -> Result<()> {
    let mut errors = FieldErrors::new();
    let odd = |text: &str| {
        text.is_empty()
            || text.len() > LONGEST
            || text.contains(|character: char| {
                character.is_whitespace() || character.is_control() || "/:,".contains(character)
            })
    };
    if odd(file) {
        errors.add("file", "choose an OS template from the list");
    }
    if odd(storage) {
        errors.add("storage", "choose a storage for it");
    }
    errors.into_result(())
}

/// Looks for the same download, such as one begun in Proxmox's own interface; then, and only then, asks for it.
async fn ask(ctx: &Context, connection: &NodeConnection, mut download: OsTemplateDownload) -> Result<()> {
    let client = connection.client.within(DEADLINE);
    let node = connection.pve_node();
    let begun = match follow::find_task(connection, &download.file, None).await {
        Ok(Some(upid)) => Ok(upid),
        Ok(None) => client.download_appliance(node, &download.storage, &download.file).await,
        Err(error) => Err(error),
    };
    match begun {
        Ok(upid) => Ok(store::set_upid(&ctx.pg, download.id, upid.as_str()).await?),
        // It may be under way: whoever follows it looks for its task.
        Err(HostError::MaybeSent { .. }) => Ok(()),
        Err(error) => {
            let text = refused(connection, &download, error);
            finish(ctx, &mut download, DownloadState::Failed, Some(text)).await
        }
    }
}

fn refused(connection: &NodeConnection, download: &OsTemplateDownload, error: HostError) -> String {
    let (name, storage) = (&connection.node.name, &download.storage);
    match error {
        HostError::Forbidden { .. } => format!(
            "{name}: the token may not download OS templates. Grant it Datastore.AllocateTemplate on /storage/{storage}, or download \
             {} in Proxmox itself",
            download.file
        ),
        HostError::Rejected { fields, .. } if fields.contains_key("template") => format!(
            "{name}: {} is not in its catalogue any more. Run `pveam update` there and choose again",
            download.file
        ),
        error => connection.trouble(error).to_string(),
    }
}
