//! The dashboard of a home lab, by as many as eight at once: beside a Next.js dashboard of the same content, which on two cores gives 17 pages a second, p50 440 ms, p99 780 ms,
//! and has 646 MB after 500 of them.

use crate::load::{Target, measure};
use crate::memory;
use crate::report::Report;
use crate::rig::Rig;

pub(crate) const NAME: &str = "hundred: the dashboard with 100 containers on 3 nodes";

const NODES: usize = 3;
/// One page has 100 of the 102.
const CONTAINERS: u32 = 34;
const RUNNING: u32 = 34;
const CONNECTIONS: usize = 8;
/// 150 times what the other gives.
const RATE: f64 = 150.0 * 17.0;
/// A thirtieth of what the other has, in MiB.
const MEMORY: f64 = 646e6 / 30.0 / 1_048_576.0;
const PAGES: usize = 500;

pub(crate) async fn run(report: &mut Report) {
    let rig = Rig::of_nodes(NODES, CONTAINERS, CONTAINERS, RUNNING).await;
    let page = rig.target(vec!["/".into()]);
    pages(&page).await;
    let memory = memory::of(rig.web.pid());
    report.memory(&format!("berth web after {PAGES} pages"), memory);
    report.must(&format!("resident below {MEMORY:.1} MiB"), memory.0 < MEMORY);
    let idle = measure(&rig.health(), CONNECTIONS).await;
    report.times(&format!("{CONNECTIONS} connections: GET /healthz"), &idle, None);
    let times = measure(&page, CONNECTIONS).await;
    report.times(&format!("{CONNECTIONS} connections: GET /"), &times, Some(&idle));
    report.must(&format!("{RATE:.0} pages in a second"), times.rate() > RATE);
    for (what, target) in [
        ("GET /, compressed", page.with("accept-encoding", "gzip, deflate, br, zstd")),
        ("GET /, the part that changes", page.with("hx-request", "true")),
        ("GET /?view=table", rig.target(vec!["/?view=table".into()])),
    ] {
        report.times(
            &format!("{CONNECTIONS} connections: {what}"),
            &measure(&target, CONNECTIONS).await,
            Some(&idle),
        );
    }
    report.memory("berth web after all of them", memory::of(rig.web.pid()));
}

async fn pages(target: &Target) {
    let client = berth_testkit::browser::http();
    for _ in 0..PAGES {
        crate::load::once(&client, target, 0).await;
    }
}
