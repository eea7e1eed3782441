//! The health of nodes: workers ask them in the background, pages show what was seen last.
//!
//! The clients compare the pinned certificate and host key before anything secret is sent. A refused login is not tried
//! again soon: hosts lock out whoever fails too often.

use std::time::Duration;

use berth_domain::node_health::{ApiHealth, SshHealth};
use berth_domain::{NodeId, UserId};
use berth_proxmox::{Error as HostError, Pct, SshConnection, SshTarget};
use berth_store::node_health::{self as store, Answer, Cluster, Pauses};
use tokio::time::{Instant, sleep, timeout};

pub use berth_store::node_health::Taken;

use super::report::CheckState;
use super::{members, privileges};
use crate::node_connection::sealed;
use crate::{Context, Error, NodeConnection, Result};

/// How long a node may take to answer.
const API: Duration = Duration::from_secs(5);
const SSH: Duration = Duration::from_secs(15);
/// Longer than a whole check takes; then another worker may make it.
const LEASE: Duration = Duration::from_secs(30);
/// The answers are small; a host that sends more is not Proxmox.
const MOST_BYTES: usize = 4 << 20;
/// Bytes of a name, an address or a version: host names have at most 63.
const LONGEST_NAME: usize = 100;

/// How long "check now" waits for a worker to begin, for its result, and how often it looks.
const BEGIN: Duration = Duration::from_secs(4);
const WAIT: Duration = Duration::from_secs(12);
const LOOK: Duration = Duration::from_millis(100);
/// Asking again within this time waits for the same check.
const AGAIN: Duration = Duration::from_secs(10);

/// Takes up to `most` nodes that are due; the caller is to [`check`] them.
pub async fn take_due(ctx: &Context, most: usize) -> Result<Vec<Taken>> {
    let every = ctx.settings.node_check;
    let most = u32::try_from(most).unwrap_or(u32::MAX);
    Ok(store::take_due(&ctx.pg, most, LEASE, every, ssh_pauses(every, &SshHealth::Works).first).await?)
}

/// Asks a node how it is and writes that down, the API and SSH each as soon as they are known. What is edited or deleted
/// meanwhile is left alone.
pub async fn check(ctx: &Context, taken: Taken) -> Result<()> {
    let stored = berth_store::nodes::credentials_for_check(&ctx.pg, taken.lease, &ctx.keyring).await;
    let connection = match stored {
        Ok(None) => return Ok(()),
        Ok(Some(stored)) => NodeConnection::open(stored),
        Err(error @ berth_store::Error::Corrupt(_)) => Err(sealed(error)),
        Err(error) => return Err(error.into()),
    };
    match connection {
        Ok(connection) => {
            let (api, ssh) =
                tokio::join!(check_api(ctx, taken, &connection), check_ssh(ctx, taken, &connection));
            api.and(ssh)?;
        }
        Err(error) => cannot_be_asked(ctx, taken, &error).await?,
    }
    Ok(store::release(&ctx.pg, taken.lease).await?)
}

/// Its stored secrets do not open, or are none.
async fn cannot_be_asked(ctx: &Context, taken: Taken, error: &Error) -> Result<()> {
    tracing::error!(node = %taken.lease.node, %error, "a node cannot be checked");
    let state = ApiHealth::Unreachable { message: error.to_string() };
    let pauses = api_pauses(ctx.settings.node_check, &state);
    store::record_api(&ctx.pg, taken.lease, &state, None, pauses).await?;
    Ok(())
}

async fn check_api(ctx: &Context, taken: Taken, connection: &NodeConnection) -> Result<()> {
    if !taken.api {
        return Ok(());
    }
    let (state, cluster) = ask_api(connection).await;
    let node = &connection.node;
    tracing::debug!(node = %node.id, name = node.name, ?state, "checked the API of a node");
    let pauses = api_pauses(ctx.settings.node_check, &state);
    store::record_api(&ctx.pg, taken.lease, &state, cluster.as_ref(), pauses).await?;
    Ok(())
}

async fn check_ssh(ctx: &Context, taken: Taken, connection: &NodeConnection) -> Result<()> {
    if !taken.ssh {
        return Ok(());
    }
    let Some(target) = &connection.ssh else {
        store::record_ssh(&ctx.pg, taken.lease, None).await?;
        return Ok(());
    };
    let state = ask_ssh(target).await;
    let node = &connection.node;
    tracing::debug!(node = %node.id, name = node.name, ?state, "checked the SSH server of a node");
    let pauses = ssh_pauses(ctx.settings.node_check, &state);
    store::record_ssh(&ctx.pg, taken.lease, Some((&state, pauses))).await?;
    Ok(())
}

/// `/version`, and if that answers `/cluster/status` and `/access/permissions`.
async fn ask_api(connection: &NodeConnection) -> (ApiHealth, Option<Cluster>) {
    let client = connection.client.within(API).max_response(MOST_BYTES);
    let version = match client.version().await {
        Ok(version) => short(version.version),
        Err(error) => return (api_trouble(&error), None),
    };
    let (status, permissions) = tokio::join!(client.cluster_status(), client.permissions(None));
    let node = &connection.node;
    let state = match permissions {
        Ok(permissions) => {
            let row = privileges::check(&permissions, &node.pve_node_name, &node.token_id);
            if row.state == CheckState::Failed {
                ApiHealth::PrivilegesMissing { version, message: row.message }
            } else {
                ApiHealth::Reachable { version }
            }
        }
        Err(error) => api_trouble(&error),
    };
    let cluster =
        status.ok().map(|status| Cluster { members: members::known(&status.members), name: status.name });
    (state, cluster)
}

/// A host's word for something that is short on any real host.
fn short(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(LONGEST_NAME));
    text
}

fn api_trouble(error: &HostError) -> ApiHealth {
    match error {
        HostError::CertificateChanged { expected, found, .. } => {
            ApiHealth::CertificateChanged { expected: Some(*expected), found: *found }
        }
        HostError::CertificateUntrusted { found, .. } => {
            ApiHealth::CertificateChanged { expected: None, found: *found }
        }
        HostError::Unauthorized { .. } => ApiHealth::TokenRefused { message: error.to_string() },
        _ => ApiHealth::Unreachable { message: error.to_string() },
    }
}

/// A login, and `pct list`.
async fn ask_ssh(target: &SshTarget) -> SshHealth {
    let asked = async {
        let connection = SshConnection::connect(target, SSH).await?;
        Ok(timeout(SSH, Pct::new(connection).list()).await.map(|listed| listed.map(drop)))
    };
    match asked.await {
        Ok(Ok(Ok(()))) => SshHealth::Works,
        Ok(Ok(Err(error))) | Err(error) => ssh_trouble(&error),
        Ok(Err(_)) => SshHealth::PctFails {
            message: format!("pct list did not end within {} s. Run it on the host by hand", SSH.as_secs()),
        },
    }
}

fn ssh_trouble(error: &HostError) -> SshHealth {
    let message = error.to_string();
    match error {
        HostError::HostKeyChanged { expected, found, .. } => {
            SshHealth::HostKeyChanged { expected: expected.to_string(), found: found.to_string() }
        }
        HostError::SshAuth { .. } | HostError::PrivateKey(_) => SshHealth::LoginRefused { message },
        HostError::SudoRefused { .. } => SshHealth::SudoRefused { message },
        HostError::SshUnreachable { .. } | HostError::SshDropped { .. } => SshHealth::Unreachable { message },
        _ => SshHealth::PctFails { message },
    }
}

/// With 30 s: what does not answer is asked less and less, down to every 5 min; a refused token down to every 30 min.
fn api_pauses(every: Duration, state: &ApiHealth) -> Pauses {
    match state {
        ApiHealth::Reachable { .. } | ApiHealth::PrivilegesMissing { .. } => {
            Pauses { first: every, longest: every }
        }
        ApiHealth::TokenRefused { .. } => Pauses { first: every * 10, longest: every * 60 },
        ApiHealth::CertificateChanged { .. } | ApiHealth::Unreachable { .. } => {
            Pauses { first: every, longest: every * 10 }
        }
    }
}

/// With 30 s: every 5 min; what does not answer down to every 30 min; a refused login after 30 min, down to every 8 h.
fn ssh_pauses(every: Duration, state: &SshHealth) -> Pauses {
    match state {
        SshHealth::Works => Pauses { first: every * 10, longest: every * 10 },
        SshHealth::LoginRefused { .. } => Pauses { first: every * 60, longest: every * 960 },
        _ => Pauses { first: every * 10, longest: every * 60 },
    }
}

/// What asking for a check led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checked {
    /// It has been made.
    Made,
    /// A worker is still at it.
    UnderWay,
    /// No worker has begun: most likely none runs.
    Waiting,
}

/// Has a worker check one of the user's nodes at once, and waits up to 12 s for it.
pub async fn check_now(ctx: &Context, user: UserId, id: NodeId) -> Result<Checked> {
    let begun = Instant::now();
    let asked = store::ask(&ctx.pg, user, id, AGAIN).await?.ok_or(Error::NotFound)?;
    tracing::info!(%user, node = %id, ?asked, "a check of a node was asked for");
    loop {
        match store::answer(&ctx.pg, user, id).await?.ok_or(Error::NotFound)? {
            Answer::Made => return Ok(Checked::Made),
            Answer::UnderWay if begun.elapsed() > WAIT => return Ok(Checked::UnderWay),
            Answer::Waiting if begun.elapsed() > BEGIN => return Ok(Checked::Waiting),
            Answer::UnderWay | Answer::Waiting => sleep(LOOK).await,
        }
    }
}
