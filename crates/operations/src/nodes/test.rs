//! The whole test of a node: nothing is stored before it passes.

use std::sync::Mutex;
use std::time::Duration;

use berth_domain::Fingerprint;
use berth_proxmox::HostKey;
use tokio::time::Instant;

use super::input::NodeInput;
use super::report::{Check, CheckRow, TestReport};
use super::{api, ssh};

/// How long the whole test may take; what follows it has the rest of the 10 s.
const WHOLE: Duration = Duration::from_secs(9);
/// How long a host may take to show its certificate or host key.
pub(super) const PROBE: Duration = Duration::from_secs(5);

/// Hears of each row as soon as it is known.
pub type OnRow<'a> = &'a (dyn Fn(&CheckRow) + Send + Sync);

/// The rows so far.
pub(super) struct Rows<'a> {
    known: Mutex<Vec<CheckRow>>,
    on_row: OnRow<'a>,
}

impl<'a> Rows<'a> {
    pub(super) const fn new(on_row: OnRow<'a>) -> Self {
        Self { known: Mutex::new(Vec::new()), on_row }
    }

    pub(super) fn push(&self, row: CheckRow) {
        (self.on_row)(&row);
        self.known.lock().expect("nothing panics while holding it").push(row);
    }

    pub(super) fn skip(&self, checks: &[Check], why: &str) {
        for check in checks {
            self.push(CheckRow::skipped(*check, why));
        }
    }

    fn in_order(self) -> Vec<CheckRow> {
        let mut rows = self.known.into_inner().expect("nothing panics while holding it");
        rows.sort_by_key(|row| row.check);
        rows
    }
}

/// The report, and what is to be pinned.
#[derive(Debug)]
pub(super) struct Tested {
    pub(super) report: TestReport,
    pub(super) pin: Option<Fingerprint>,
    pub(super) host_key: Option<HostKey>,
}

/// What is left until the deadline, in tenths of a second: it is shown when it has passed.
pub(super) fn left(deadline: Instant) -> Duration {
    let left = deadline.saturating_duration_since(Instant::now()).as_millis() / 100 * 100;
    Duration::from_millis(u64::try_from(left).unwrap_or_default())
}

/// API and SSH side by side. Dropping it ends it.
pub(super) async fn run(input: &NodeInput, on_row: OnRow<'_>) -> Tested {
    let deadline = Instant::now() + WHOLE;
    let rows = Rows::new(on_row);
    let (api, ssh) =
        tokio::join!(api::check(input, &rows, deadline), ssh::check(input.ssh.as_ref(), &rows, deadline));
    rows.push(if input.ssh.is_some() {
        ssh::same_node(api.found.as_ref(), api.containers.as_ref(), ssh.seen.as_ref())
    } else {
        CheckRow::skipped(Check::SameNode, "Without SSH")
    });
    let rows = rows.in_order();
    for row in &rows {
        tracing::debug!(node = %input.address, check = ?row.check, state = ?row.state, message = row.message, "node test");
    }
    let report = TestReport {
        rows,
        certificate: api.unconfirmed,
        certificate_before: api.before,
        host_key: ssh.unconfirmed,
        host_key_before: ssh.before,
        found: api.found,
        offers_rename: false,
    };
    Tested { report, pin: api.pin, host_key: ssh.host_key }
}
