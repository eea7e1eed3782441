//! The answer while a VMID is typed, of a cluster with thousands of guests, from the cache.

use std::time::Duration;

use berth_operations::vmids;

use crate::load::measure;
use crate::memory;
use crate::report::Report;
use crate::rig::Rig;

pub(crate) const NAME: &str = "vmid: the answer while a VMID is typed, 5000 taken";

const GUESTS: u32 = 5000;
const LIMIT: Duration = Duration::from_millis(5);

pub(crate) async fn run(report: &mut Report) {
    let rig = Rig::new(&["--containers", &GUESTS.to_string()]).await;
    let health = rig.health();
    // Taken ones and free ones, in no order that a cache could like.
    let vmids = (0..GUESTS).map(|number| 100 + number * 7919 % (2 * GUESTS));
    let paths =
        vmids.map(|vmid| format!("/containers/new/vmid?vmid={vmid}&node={}", rig.owner.node)).collect();
    let fragment = rig.target(paths).with("hx-request", "true");
    for connections in [1, 8] {
        // Asked of the host once, as the wizard does when it is opened; it is kept for longer than a run takes.
        vmids::refresh(&rig.app.ctx, rig.owner.user, rig.owner.node).await.unwrap();
        rig.app.simulator.forget_calls().await;
        let idle = measure(&health, connections).await;
        report.times(&format!("{connections} connection(s): GET /healthz"), &idle, None);
        let times = measure(&fragment, connections).await;
        report.times(&format!("{connections} connection(s): GET /containers/new/vmid"), &times, Some(&idle));
        assert_eq!(rig.app.simulator.calls().await.len(), 0, "all of it was answered from the cache");
        if connections == 1 {
            report.must_take_less(&times, LIMIT);
        }
    }
    report.memory("berth web", memory::of(rig.web.pid()));
}
