//! What was measured, in lines that two runs can be compared by.

use std::time::Duration;

use crate::load::Times;

/// Collects whether everything is as quick as it must be.
#[derive(Default)]
pub(crate) struct Report {
    missed: bool,
}

#[allow(clippy::unused_self, reason = "all that is said goes through the report")]
impl Report {
    pub(crate) const fn missed(&self) -> bool {
        self.missed
    }

    /// One line; with the answers of `/healthz` in the same run, the ratio to them.
    pub(crate) fn times(&self, what: &str, times: &Times, health: Option<&Times>) {
        let (p50, p99, most) = (times.percentile(0.5), times.percentile(0.99), times.percentile(1.0));
        let ratio = |part| {
            health.map(|health| times.percentile(part).as_secs_f64() / health.percentile(part).as_secs_f64())
        };
        let ratios = match (ratio(0.5), ratio(0.99)) {
            (Some(p50), Some(p99)) => format!("  x healthz p50 {p50:.1} p99 {p99:.1}"),
            _ => String::new(),
        };
        println!(
            "  {what:<44} p50 {}  p99 {}  max {}  {:>6.0}/s  n {}  {} bytes{ratios}",
            milliseconds(p50),
            milliseconds(p99),
            milliseconds(most),
            times.rate(),
            times.count(),
            times.bytes,
        );
    }

    /// A figure that has no times.
    pub(crate) fn says(&self, what: &str, figure: impl std::fmt::Display) {
        println!("  {what:<44} {figure}");
    }

    /// Whether something that must be so is.
    pub(crate) fn must(&mut self, what: &str, met: bool) {
        println!("  target: {what}: {}", if met { "met" } else { "MISSED" });
        self.missed |= !met;
    }

    /// Whether 99 of 100 answers came within `limit`.
    pub(crate) fn must_take_less(&mut self, times: &Times, limit: Duration) {
        self.must(&format!("p99 below {}", milliseconds(limit)), times.percentile(0.99) < limit);
    }

    pub(crate) fn memory(&self, what: &str, (now, most): (f64, f64)) {
        println!("  {what:<44} resident {now:.1} MiB, at most {most:.1} MiB");
    }
}

fn milliseconds(time: Duration) -> String {
    format!("{:.3} ms", time.as_secs_f64() * 1000.0)
}
