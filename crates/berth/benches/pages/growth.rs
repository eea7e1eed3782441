//! How the dashboard grows with the nodes.

use crate::load::measure;
use crate::memory;
use crate::report::Report;
use crate::rig::Rig;

pub(crate) const NAME: &str = "growth: the dashboard of 1, 5, 20 and 50 nodes with 100 containers each";

const CONTAINERS: u32 = 100;
const MANAGED: u32 = 50;
const RUNNING: u32 = 2;

pub(crate) async fn run(report: &Report) {
    for nodes in [1, 5, 20, 50] {
        let rig = Rig::of_nodes(nodes, CONTAINERS, MANAGED, RUNNING).await;
        let idle = measure(&rig.health(), 1).await;
        report.times(&format!("{nodes} node(s): GET /healthz"), &idle, None);
        let page = measure(&rig.target(vec!["/".into()]), 1).await;
        report.times(&format!("{nodes} node(s): GET /"), &page, Some(&idle));
        // Another one each time: nothing that is kept of an address helps.
        let searches = (0..1000).map(|number| format!("/?q={number}&sort=-memory")).collect();
        let search = measure(&rig.target(searches), 1).await;
        report.times(&format!("{nodes} node(s): GET /?q=…&sort=-memory"), &search, Some(&idle));
        report.memory(&format!("{nodes} node(s): berth web"), memory::of(rig.web.pid()));
    }
}
