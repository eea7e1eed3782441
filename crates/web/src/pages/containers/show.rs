//! `GET /containers/{id}`.

use axum::extract::Query;
use axum::response::{IntoResponse, Response};
use berth_operations::containers::{self, ContainerConfig, RrdPoint, Timeframe};
use berth_operations::{Error, history};
use serde::Deserialize;

use super::frame::{self, Head};
use super::view::{Fact, OverviewPage, Range, Tab};
use crate::WebError;
use crate::chart::{Chart, Measured, Unit};
use crate::extract::Call;
use crate::extract::path::Id;
use crate::markdown::Markdown;

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    range: String,
}

pub(super) async fn page(
    call: Call,
    Id(id): Id<berth_domain::ContainerId>,
    Query(asked): Query<Asked>,
) -> Result<Response, WebError> {
    let range = Range::of(&asked.range);
    let details = match containers::show(call.ctx(), call.user_id(), id, timeframe(range)).await {
        Ok(details) => details,
        // Deleted or forgotten: its history is what is left of it.
        Err(Error::NotFound) => {
            history::trace(call.ctx(), call.user_id(), id).await?;
            return Ok(call.by_htmx.go_to(&format!("/containers/{id}/history")));
        }
        Err(error) => return Err(error.into()),
    };
    let config = details.config.unwrap_or_default();
    let tags = config.tags().into_iter().map(str::to_owned).collect();
    let charts = charts(&details.history);
    let head = Head { container: details.container, node: details.node.name, state: details.state, tags };
    let (layout, frame) = frame::of(&call, head, Tab::Overview).await?;
    let known = config.iter().next().is_some();
    let facts = |of: fn(&ContainerConfig) -> Vec<Fact>| if known { of(&config) } else { Vec::new() };
    let page = OverviewPage {
        layout,
        frame,
        range,
        charts,
        notes: config.description().and_then(|notes| Markdown::render(&without_marks(notes))),
        resources: facts(resources),
        mounts: facts(mounts),
        network: facts(network),
        options: facts(options),
    };
    Ok(page.into_response())
}

const fn timeframe(range: Range) -> Timeframe {
    match range {
        Range::Hour => Timeframe::Hour,
        Range::Day => Timeframe::Day,
        Range::Week => Timeframe::Week,
        Range::Month => Timeframe::Month,
        Range::Year => Timeframe::Year,
    }
}

/// The notes without the lines by which Berth knows the container again.
fn without_marks(notes: &str) -> String {
    let marks = ["berth-creation: ", "berth-container: "];
    let kept = notes.lines().filter(|line| !marks.iter().any(|mark| line.trim_start().starts_with(mark)));
    kept.collect::<Vec<_>>().join("\n")
}

fn charts(history: &[RrdPoint]) -> Vec<Chart> {
    if history.is_empty() {
        return Vec::new();
    }
    let measured = |label, value: fn(&RrdPoint) -> Option<f64>| {
        let point = |it: &RrdPoint| (i64::try_from(it.time).unwrap_or_default(), value(it));
        Measured { label, points: history.iter().map(point).collect() }
    };
    let last = |value: fn(&RrdPoint) -> Option<f64>| history.iter().rev().find_map(value);
    vec![
        Chart::draw("CPU", Unit::Share, None, &[measured("CPU", |point| point.cpu)]),
        Chart::draw(
            "Memory",
            Unit::Bytes,
            last(|point| point.maxmem),
            &[measured("Memory", |point| point.mem)],
        ),
        Chart::draw(
            "Network",
            Unit::Rate,
            None,
            &[measured("In", |point| point.netin), measured("Out", |point| point.netout)],
        ),
        Chart::draw(
            "Disk",
            Unit::Rate,
            None,
            &[measured("Read", |point| point.diskread), measured("Written", |point| point.diskwrite)],
        ),
    ]
}

fn mounts(config: &ContainerConfig) -> Vec<Fact> {
    let is_mount = |name: &str| name.strip_prefix("mp").is_some_and(|number| number.parse::<u16>().is_ok());
    config.iter().filter(|(name, _)| is_mount(name)).map(|(name, value)| Fact::mono(name, value)).collect()
}

fn resources(config: &ContainerConfig) -> Vec<Fact> {
    let mebibytes = |count: u64| format!("{count} MiB");
    let mut facts = vec![Fact::new(
        "Cores",
        config.cores().map_or_else(|| "all of the node's".into(), |cores| cores.to_string()),
    )];
    facts.extend(config.memory_mib().map(|memory| Fact::new("Memory", mebibytes(memory))));
    facts.extend(config.swap_mib().map(|swap| Fact::new("Swap", mebibytes(swap))));
    if let Some(rootfs) = config.rootfs() {
        facts.extend(rootfs.get("size").map(|size| Fact::new("Root disk", in_words(size))));
        facts.extend(rootfs.default_value().map(|volume| Fact::mono("Volume", volume)));
    }
    facts
}

/// `8G` as Proxmox writes it in a volume.
fn in_words(size: &str) -> String {
    let units = [('K', "KiB"), ('M', "MiB"), ('G', "GiB"), ('T', "TiB")];
    let unit = units.iter().find_map(|(letter, unit)| Some((size.strip_suffix(*letter)?, unit)));
    unit.map_or_else(|| size.to_owned(), |(count, unit)| format!("{count} {unit}"))
}

fn network(config: &ContainerConfig) -> Vec<Fact> {
    let labels = [
        ("name", "Interface"),
        ("bridge", "Bridge"),
        ("tag", "VLAN"),
        ("ip", "IPv4"),
        ("gw", "Gateway"),
        ("ip6", "IPv6"),
        ("gw6", "IPv6 gateway"),
        ("hwaddr", "MAC address"),
    ];
    let mut facts = Vec::new();
    for net in config.nets().values() {
        facts.extend(
            labels.iter().filter_map(|(key, label)| net.get(key).map(|value| Fact::mono(*label, value))),
        );
        facts.push(Fact::new("Firewall", if net.flag("firewall") { "on" } else { "off" }));
    }
    facts.extend(config.get("nameserver").map(|server| Fact::mono("DNS server", server)));
    facts.extend(config.get("searchdomain").map(|domain| Fact::mono("Search domain", domain)));
    facts
}

fn options(config: &ContainerConfig) -> Vec<Fact> {
    let yes_no = |yes: bool| if yes { "yes" } else { "no" };
    let mut facts = Vec::new();
    facts.extend(config.get("ostype").map(|ostype| Fact::new("Operating system", ostype)));
    facts.push(Fact::new("Unprivileged", yes_no(config.unprivileged())));
    let features = config.features();
    let on: Vec<&str> =
        ["nesting", "keyctl", "fuse"].into_iter().filter(|feature| features.flag(feature)).collect();
    facts.push(Fact::new("Features", if on.is_empty() { "none".to_owned() } else { on.join(", ") }));
    facts.push(Fact::new("Start at boot", yes_no(config.onboot())));
    facts.extend(config.get("startup").map(|order| Fact::mono("Start and stop order", order)));
    facts.push(Fact::new("Protected from removal", yes_no(config.get("protection") == Some("1"))));
    facts
}
