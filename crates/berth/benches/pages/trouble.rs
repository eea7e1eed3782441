//! Twenty nodes of which three hang and one refuses: what the page costs, how old it is, and how often nodes are asked.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::load::paced;
use crate::memory;
use crate::report::Report;
use crate::rig::Rig;

pub(crate) const NAME: &str = "trouble: 20 nodes x 100 containers, 3 hang and 1 refuses";

const NODES: usize = 20;
const CONTAINERS: u32 = 100;
const MANAGED: u32 = 50;
const RUNNING: u32 = 2;
const HANGING: [&str; 3] = ["pve5", "pve10", "pve15"];
const REFUSING: &str = "pve20";
/// Pages asked for in a second.
const RATE: u32 = 50;
const TIME: Duration = Duration::from_mins(1);
const LIMIT: Duration = Duration::from_millis(25);
/// From a change on the host until it is shown.
const LATENCY: Duration = Duration::from_secs(12);
/// A node that answers is asked once in 10 s, one that does not in 20 s, and a minute's ends may catch one more.
const MOST_CALLS: [usize; 2] = [7, 4];
/// After the last page somebody still counts as looking for 30 s, and an answer may take 5 s.
const LOOKS: Duration = Duration::from_secs(36);

pub(crate) async fn run(report: &mut Report) {
    let rig = Rig::of_nodes(NODES, CONTAINERS, MANAGED, RUNNING).await;
    let hang = HANGING.map(|node| json!({"kind": "hang", "path": "/cluster/resources", "node": node}));
    let off = json!({"kind": "off", "node": REFUSING});
    rig.app.simulator.faults(json!([hang[0], hang[1], hang[2], off])).await;
    let notices = |page: &str| page.matches("notice notice-warning").count() == HANGING.len() + 1;
    rig.until("/", "the dashboard knows who is in trouble", notices).await;

    let idle = paced(&rig.health(), RATE, TIME / 6).await;
    report.times(&format!("{RATE}/s: GET /healthz"), &idle, None);
    rig.app.simulator.forget_calls().await;
    let begin = Instant::now();
    let times = paced(&rig.target(addresses()), RATE, TIME).await;
    let calls = calls(&rig).await;
    let took = begin.elapsed();
    report.times(&format!("{RATE}/s: GET / in {} ways", addresses().len()), &times, Some(&idle));
    report.must_take_less(&times, LIMIT);
    report.memory("berth web", memory::of(rig.web.pid()));
    judge(report, &calls, took);
    latency(report, &rig).await;

    tokio::time::sleep(LOOKS).await;
    rig.app.simulator.forget_calls().await;
    tokio::time::sleep(LOOKS).await;
    let unseen = rig.app.simulator.calls().await.len();
    report.says("calls and connections while nobody looks", unseen);
    report.must("none while nobody looks", unseen == 0);
}

/// Pages, orders, filters and searches, as people come by them.
fn addresses() -> Vec<String> {
    let pages = (1..=20).map(|page| format!("/?page={page}"));
    let searches = (0..20).map(|number| format!("/?q={}", 101 + number * 5));
    let others =
        ["/", "/?status=running", "/?view=table", "/?sort=-memory&group=node", "/?tag=homelab&view=table"];
    pages.chain(searches).chain(others.map(Into::into)).collect()
}

/// What each host was asked over its API.
async fn calls(rig: &Rig) -> BTreeMap<String, Vec<String>> {
    let mut calls: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for call in rig.app.simulator.calls().await.iter().filter(|call| call["kind"] == "api") {
        let text = |name: &str| call[name].as_str().unwrap_or_default().to_owned();
        calls.entry(text("node")).or_default().push(text("what"));
    }
    calls
}

fn judge(report: &mut Report, calls: &BTreeMap<String, Vec<String>>, took: Duration) {
    let of = |hanging: bool| {
        let wanted = calls.iter().filter(|(node, _)| HANGING.contains(&node.as_str()) == hanging);
        wanted.map(|(_, calls)| calls.len()).max().unwrap_or(0)
    };
    let minutes = took.as_secs_f64() / 60.0;
    let (answering, hanging) = (of(false), of(true));
    report.says(
        "calls per node, at most",
        format!("{answering} where it answers, {hanging} where it hangs, in {minutes:.2} min"),
    );
    let [usual, in_trouble] = MOST_CALLS;
    report
        .must("one list per node and 10 s, where it hangs 20 s", answering <= usual && hanging <= in_trouble);
    let only_lists = calls.values().flatten().all(|call| call == "GET /cluster/resources");
    report.must("nothing else is asked for a page", only_lists);
}

/// Stops and starts a container on its host, and waits until the dashboard says so.
async fn latency(report: &mut Report, rig: &Rig) {
    const ROUNDS: usize = 6;
    let path = "/nodes/pve/lxc/101/status";
    let node = rig.owner.node;
    let (mut most, mut sum) = (Duration::ZERO, Duration::ZERO);
    for round in 0..ROUNDS {
        let (act, state) =
            if round % 2 == 0 { ("stop", "state-stopped") } else { ("start", "state-running") };
        let (status, answer) = rig.app.simulator.post(&format!("{path}/{act}"), &[]).await;
        assert_eq!(status, 200, "{answer}");
        let begin = Instant::now();
        let shown = |page: &str| page.split_once("data-item").is_some_and(|(_, card)| card.contains(state));
        rig.until(&format!("/?q=101&node={node}"), state, shown).await;
        most = most.max(begin.elapsed());
        sum += begin.elapsed();
    }
    let mean = sum.as_secs_f64() / ROUNDS as f64;
    report.says(
        "from a change on the host to the page",
        format!("mean {mean:.1} s, at most {:.1} s", most.as_secs_f64()),
    );
    report.must(&format!("within {} s", LATENCY.as_secs()), most < LATENCY);
}
