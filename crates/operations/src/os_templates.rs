//! OS templates that a node does not have yet: Proxmox's catalogue, and their download.
//!
//! A download is a task of the node. Its row says who asked for it; it is stored before the node is asked, and a request that may have
//! been sent is looked for and not sent again. However many tabs and wizards want a file, it is downloaded once.

mod catalogue;
mod follow;
mod start;

use std::time::Duration;

use berth_domain::os_template::{DownloadState, OsTemplateDownload};
use berth_domain::{DraftId, UserId};

pub use catalogue::{Appliance, Catalogue, Section, catalogue};
pub use follow::{Progress, cancel, progress};
pub use start::download;

use crate::{Context, Result};

/// How long a node may take to answer one of these calls.
const DEADLINE: Duration = Duration::from_secs(8);
/// What Proxmox calls the task.
const TASK: &str = "download";

/// Whether a wizard has to wait for this OS template: it is still on its way.
pub(crate) async fn is_on_its_way(ctx: &Context, user: UserId, draft: DraftId, volid: &str) -> Result<bool> {
    let found = progress(ctx, user, draft).await?;
    let running = found.is_some_and(|found| {
        found.download.state == DownloadState::Running && found.download.volid() == volid
    });
    Ok(running)
}

async fn finish(
    ctx: &Context,
    download: &mut OsTemplateDownload,
    state: DownloadState,
    error: Option<String>,
) -> Result<()> {
    let now = ctx.clock.now();
    berth_store::os_template_downloads::finish(&ctx.pg, download.id, state, error.as_deref(), now).await?;
    tracing::info!(download = %download.id, file = download.file, state = state.name(), error, "an OS template's download ended");
    (download.state, download.error) = (state, error);
    Ok(())
}
