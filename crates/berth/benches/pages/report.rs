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
    pub(crate) fn times(&self, what: &str, connections: usize, times: &Times, health: Option<&Times>) {
        let (p50, p99, most) = (times.percentile(0.5), times.percentile(0.99), times.percentile(1.0));
        let ratio = |part| {
            health.map(|health| times.percentile(part).as_secs_f64() / health.percentile(part).as_secs_f64())
        };
        let ratios = match (ratio(0.5), ratio(0.99)) {
            (Some(p50), Some(p99)) => format!("  x healthz p50 {p50:.1} p99 {p99:.1}"),
            _ => String::new(),
        };
        println!(
            "  {what:<28} {connections} connection(s)  p50 {}  p99 {}  max {}  {:>7.0}/s  n {}{ratios}",
            milliseconds(p50),
            milliseconds(p99),
            milliseconds(most),
            times.rate(),
            times.count()
        );
    }

    /// Whether 99 of 100 answers came within `limit`.
    pub(crate) fn must(&mut self, times: &Times, limit: Duration) {
        let met = times.percentile(0.99) < limit;
        let word = if met { "met" } else { "MISSED" };
        println!("  target: p99 below {}: {word}", milliseconds(limit));
        self.missed |= !met;
    }

    pub(crate) fn memory(&self, what: &str, (now, most): (u64, u64)) {
        println!("  {what:<28} resident {now} MiB, at most {most} MiB");
    }
}

fn milliseconds(time: Duration) -> String {
    format!("{:.3} ms", time.as_secs_f64() * 1000.0)
}
