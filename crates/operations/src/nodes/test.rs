//! The whole test of a node: nothing is stored before it passes.

use std::time::Duration;

use berth_domain::Fingerprint;
use berth_proxmox::HostKey;
use tokio::time::Instant;

use super::form::NodeInput;
use super::report::{CheckRow, TestReport};
use super::{api, ssh};

/// How long the whole test may take.
const WHOLE: Duration = Duration::from_secs(10);

/// The report, and what is to be pinned.
#[derive(Debug)]
pub(super) struct Tested {
    pub(super) report: TestReport,
    pub(super) pin: Option<Fingerprint>,
    pub(super) host_key: Option<HostKey>,
}

pub(super) async fn run(input: &NodeInput) -> Tested {
    let deadline = Instant::now() + WHOLE;
    let (api, ssh) = tokio::join!(api::check(input, deadline), ssh::check(input.ssh.as_ref(), deadline));
    let same = if input.ssh.is_some() {
        ssh::same_node(api.found.as_ref(), api.containers.as_ref(), ssh.seen.as_ref())
    } else {
        CheckRow::skipped(super::report::Check::SameNode, "Without SSH")
    };
    let rows = api.rows.into_iter().chain(ssh.rows).chain([same]).collect();
    let report =
        TestReport { rows, certificate: api.unconfirmed, host_key: ssh.unconfirmed, found: api.found };
    for row in &report.rows {
        tracing::debug!(node = %input.address, check = ?row.check, state = ?row.state, message = row.message, "node test");
    }
    Tested { report, pin: api.pin, host_key: ssh.host_key }
}
