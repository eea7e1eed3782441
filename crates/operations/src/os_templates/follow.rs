//! How far a download is, and its end.

use berth_domain::os_template::{DownloadState, OsTemplateDownload};
use berth_domain::{DraftId, UserId};
use berth_proxmox::tasks::TaskFilter;
use berth_proxmox::{Error as HostError, TaskOutcome, Upid};
use berth_store::os_template_downloads as store;
use time::{Duration, OffsetDateTime};

use super::{DEADLINE, TASK, finish};
use crate::foreign::shortened;
use crate::{Context, Error, NodeConnection, Result};

/// Lines of a log that are read: wget writes one for each 32 MiB.
const LINES: u64 = 2000;
/// How much is kept of how a task ended, in characters.
const LONGEST_EXIT: usize = 500;
/// So long after it was asked for, a download without a task has not begun.
const PATIENCE: Duration = Duration::seconds(30);
/// How far a node's clock may be behind ours.
const SKEW: Duration = Duration::minutes(5);

/// A download, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The download.
    pub download: OsTemplateDownload,
    /// 0 to 100; none before the file's size is known.
    pub percent: Option<u8>,
    /// Why the node cannot be asked for now. The download goes on there.
    pub trouble: Option<String>,
}

/// The download that the draft waits for, or waited for last, as the node tells now. None if there never was one.
pub async fn progress(ctx: &Context, user: UserId, draft: DraftId) -> Result<Option<Progress>> {
    let Some(mut download) = store::find(&ctx.pg, user, draft).await? else { return Ok(None) };
    if download.state != DownloadState::Running {
        return Ok(Some(Progress { download, percent: None, trouble: None }));
    }
    let connection = NodeConnection::for_user(ctx, user, download.node_id).await?;
    match look(ctx, &connection, &mut download).await? {
        Ok(percent) => Ok(Some(Progress { download, percent, trouble: None })),
        Err(error) => {
            let trouble = Some(connection.trouble(error).to_string());
            Ok(Some(Progress { download, percent: None, trouble }))
        }
    }
}

/// Stops the download that the draft waits for. Others who wait for the same file lose it, too.
pub async fn cancel(ctx: &Context, user: UserId, draft: DraftId) -> Result<()> {
    let Some(mut download) = store::find(&ctx.pg, user, draft).await? else { return Ok(()) };
    if download.state != DownloadState::Running {
        return Ok(());
    }
    let connection = NodeConnection::for_user(ctx, user, download.node_id).await?;
    let client = connection.client.within(DEADLINE);
    let Some(upid) =
        task(ctx, &connection, &mut download).await?.map_err(|error| connection.trouble(error))?
    else {
        let text = "The node has not said yet whether the download has begun. Try again in a moment";
        return Err(Error::Conflict(text.into()));
    };
    client.stop_task(&upid).await.map_err(|error| connection.trouble(error))?;
    // It may have come to its end just before.
    let status = client.task_status(&upid).await.map_err(|error| connection.trouble(error))?;
    let done = status.exitstatus.as_deref().and_then(TaskOutcome::read).is_some();
    let state = if done { DownloadState::Done } else { DownloadState::Cancelled };
    finish(ctx, &mut download, state, None).await
}

type Looked<T> = std::result::Result<T, HostError>;

async fn look(
    ctx: &Context,
    connection: &NodeConnection,
    download: &mut OsTemplateDownload,
) -> Result<Looked<Option<u8>>> {
    let upid = match task(ctx, connection, download).await? {
        Ok(Some(upid)) => upid,
        Ok(None) => return Ok(Ok(None)),
        Err(error) => return Ok(Err(error)),
    };
    let client = connection.client.within(DEADLINE);
    let (status, log) = match (client.task_status(&upid).await, client.task_log(&upid, 1, LINES).await) {
        (Ok(status), Ok(log)) => (status, log),
        (Err(HostError::NotFound { .. }), _) => {
            let text = format!(
                "{} does not know the download's task any more. Start it again",
                connection.node.name
            );
            finish(ctx, download, DownloadState::Failed, Some(text)).await?;
            return Ok(Ok(None));
        }
        (Err(error), _) | (_, Err(error)) => return Ok(Err(error)),
    };
    if status.is_running() {
        return Ok(Ok(log.iter().rev().find_map(|line| percent(line.text()))));
    }
    let exit = shortened(status.exitstatus.as_deref().unwrap_or("unexpected status"), LONGEST_EXIT);
    if TaskOutcome::read(&exit).is_some() {
        finish(ctx, download, DownloadState::Done, None).await?;
    } else {
        let text = format!("{}: {}. {}", connection.node.name, exit.trim_end_matches('.'), remedy(&exit));
        finish(ctx, download, DownloadState::Failed, Some(text)).await?;
    }
    Ok(Ok(None))
}

/// The download's task; looked for where an answer was lost. None while it may still come into being.
async fn task(
    ctx: &Context,
    connection: &NodeConnection,
    download: &mut OsTemplateDownload,
) -> Result<Looked<Option<Upid>>> {
    if let Some(upid) = download.upid.as_deref().and_then(|upid| upid.parse().ok()) {
        return Ok(Ok(Some(upid)));
    }
    let found = match find_task(connection, &download.file, Some(download.created_at)).await {
        Ok(found) => found,
        Err(error) => return Ok(Err(error)),
    };
    match &found {
        Some(upid) => store::set_upid(&ctx.pg, download.id, upid.as_str()).await?,
        None if ctx.clock.now() - download.created_at > PATIENCE => {
            let text = format!("{} has not begun the download. Start it again", connection.node.name);
            finish(ctx, download, DownloadState::Failed, Some(text)).await?;
        }
        None => {}
    }
    Ok(Ok(found))
}

/// A task that downloads this file: one that is running, or, when its answer was lost, one that was begun since then.
pub(super) async fn find_task(
    connection: &NodeConnection,
    file: &str,
    since: Option<OffsetDateTime>,
) -> Looked<Option<Upid>> {
    let client = connection.client.within(DEADLINE);
    let filter = TaskFilter { running: since.is_none(), ..TaskFilter::default() };
    let since = since.map_or(0, |since| u64::try_from((since - SKEW).unix_timestamp()).unwrap_or(0));
    let tasks = client.tasks(connection.pve_node(), filter).await?;
    let found =
        tasks.into_iter().find(|task| task.kind == TASK && task.upid.id() == file && task.starttime >= since);
    Ok(found.map(|task| task.upid))
}

/// The percentage in a line of wget's dots, such as ` 32768K ........ ........ 53% 11.0M 5s`.
fn percent(line: &str) -> Option<u8> {
    let (size, rest) = line.trim_start().split_once('K')?;
    if size.is_empty() || !size.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (before, _) = rest.split_once('%')?;
    before.rsplit([' ', '.']).next()?.parse().ok().filter(|percent| *percent <= 100)
}

fn remedy(exit: &str) -> &'static str {
    if exit.contains("resolve host address")
        || exit.contains("unable to connect")
        || exit.contains("failed: exit code 4")
    {
        "Check that the node reaches the internet and that its DNS works (Proxmox: node, System, DNS), then start it again"
    } else if exit.contains("No space left") || exit.contains("exit code 3") {
        "Free some space on that storage, or choose another one"
    } else if exit.contains("checksum") {
        "The file did not arrive whole: start it again, after `pveam update` on the node if that happens twice"
    } else if exit.contains("interrupt") {
        "Somebody stopped it. Start it again"
    } else {
        "The task's log on Proxmox has the rest. Start it again, or choose another OS template"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_percentage_is_in_the_lines_of_dots() {
        for (line, expected) in [
            ("     0K ........ ........ ........ ........ 26% 11.1M 8s", Some(26)),
            (" 98304K ........ ........ ........         100% 11.1M=11s", Some(100)),
            ("     0K ..                                  1% 900K 120s", Some(1)),
            ("Saving to: 'K 50% of it'", None),
            ("Length: 126515062 (121M) [application/octet-stream]", None),
            ("    0K ........", None),
            ("0K 999%", None),
            ("", None),
        ] {
            assert_eq!(percent(line), expected, "{line}");
        }
    }

    #[test]
    fn the_recorded_failure_has_its_remedy() {
        let recorded = include_str!("../../../proxmox/tests/recordings/283-task-aplinfo-download-log.json");
        let recorded: serde_json::Value = serde_json::from_str(recorded).unwrap();
        let body = recorded["response"]["body_raw"].as_str().unwrap();
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        let last = body["data"][3]["t"].as_str().unwrap();
        let exit = last.strip_prefix("TASK ERROR: ").unwrap();
        assert!(remedy(exit).contains("DNS works"), "{exit}");
    }
}
