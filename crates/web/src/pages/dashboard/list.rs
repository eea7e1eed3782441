//! `GET /`: all containers and what is being created. htmx gets the part that changes.

use std::collections::HashMap;

use askama::Template as _;
use axum::extract::Query;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use berth_domain::NodeId;
use berth_domain::action::ActionKind;
use berth_domain::guest::Usage;
use berth_operations::containers::State as Doing;
use berth_operations::dashboard::filter::{Selection, Status};
use berth_operations::dashboard::{CreationLine, Dashboard, INTERVAL, NodeLine, Row};

use super::address::{Address, Typed};
use super::rendered::{Answer, Asked};
use super::view::{
    ContainerCard, CreationCard, DashboardPage, DashboardRegion, Gauge, NodeGroup, Region, StatusCount,
    Unmanaged,
};
use crate::WebError;
use crate::badge::{Meter, State};
use crate::error::NodeTrouble;
use crate::extract::Call;
use crate::filters::size;
use crate::htmx::ByHtmx;
use crate::layout::{Layout, Section};
use crate::pages::containers::{badge, service_links};
use crate::pages::creations::view::PHASES;

/// How many containers one page has.
const PAGE: usize = 100;

pub(super) async fn page(
    call: Call,
    headers: HeaderMap,
    Query(typed): Query<Typed>,
) -> Result<Response, WebError> {
    let dashboard = call.state.live.dashboard(call.user_id()).await?;
    let address = Address::from(typed);
    let asked = Asked {
        user: call.user_id(),
        version: dashboard.version,
        address: address.href(),
        by_htmx: call.by_htmx.0,
        gzip: Asked::takes_gzip(&headers),
    };
    let layout = match call.by_htmx {
        ByHtmx(true) => None,
        ByHtmx(false) => Some(call.layout("Containers", Section::Containers).await?),
    };
    // What is said is said once.
    let says = layout.as_ref().is_some_and(|layout| !layout.toasts.is_empty());
    if !says && let Some(answer) = call.state.rendered.find(&asked) {
        return Ok(answer.into_response());
    }
    let region = region(&dashboard, address, &call);
    let shown = region.address.href();
    let html = match layout {
        None => DashboardRegion { region }.render(),
        Some(layout) => whole(&dashboard, layout, region, &call).render(),
    };
    let answer = Answer::new(asked, shown, html.map_err(WebError::internal)?)?;
    if !says {
        call.state.rendered.keep(answer.clone());
    }
    Ok(answer.into_response())
}

fn whole(dashboard: &Dashboard, layout: Layout, region: Region, call: &Call) -> DashboardPage {
    let nodes = dashboard.nodes.iter().map(|node| (node.id.to_string(), node.name.clone())).collect();
    let stale = dashboard.nodes.iter().any(|node| node.trouble.is_none() && due(node, call) == 0);
    DashboardPage { layout, nodes, tags: dashboard.tags.clone(), stale, region }
}

fn region(dashboard: &Dashboard, mut address: Address, call: &Call) -> Region {
    let found = address.filter.select(dashboard);
    let pages = found.rows.len().div_ceil(PAGE).max(1);
    address.page = address.page.min(pages);
    let first = (address.page - 1) * PAGE;
    let shown = &found.rows[first..found.rows.len().min(first + PAGE)];
    let counts = counts(&found, &address);
    let (in_flight, unfinished) = found.creations.iter().partition(|line| line.creation.state.is_live());
    let cards = |lines: Vec<&&CreationLine>| lines.into_iter().map(|line| creation_card(line)).collect();
    Region {
        version: dashboard.version,
        has_nodes: !dashboard.nodes.is_empty(),
        is_empty: dashboard.rows.is_empty() && dashboard.creations.is_empty(),
        unmanaged: unmanaged(dashboard, &address),
        waiting: dashboard.nodes.iter().any(|node| node.seen_at.is_none() && node.trouble.is_none()),
        matching: found.rows.len() + found.creations.len(),
        matching_containers: found.rows.len(),
        total: found.counts.iter().map(|(_, count)| count).sum(),
        running: dashboard.rows.iter().filter(|row| row.state == Doing::Running).count(),
        counts,
        in_flight: cards(in_flight),
        unfinished: cards(unfinished),
        groups: groups(shown, &address),
        troubles: dashboard.nodes.iter().filter_map(|node| trouble(node, &address)).collect(),
        first: if shown.is_empty() { 0 } else { first + 1 },
        last: first + shown.len(),
        previous: (address.page > 1).then(|| address.with_page(address.page - 1)),
        next: (address.page < pages).then(|| address.with_page(address.page + 1)),
        next_update: dashboard.nodes.iter().map(|node| due(node, call)).min().unwrap_or(0),
        address,
    }
}

/// Of the nodes that are shown.
fn unmanaged(dashboard: &Dashboard, address: &Address) -> Vec<Unmanaged> {
    let mut counts: HashMap<NodeId, usize> = HashMap::new();
    for row in dashboard.rows.iter().filter(|row| row.container.is_none()) {
        *counts.entry(row.node_id).or_default() += 1;
    }
    let shown = dashboard.nodes.iter().filter(|node| address.filter.node.is_none_or(|only| only == node.id));
    let of = |node: &NodeLine| {
        let count = *counts.get(&node.id)?;
        Some(Unmanaged { id: node.id, name: node.name.clone(), count })
    };
    shown.filter_map(of).collect()
}

/// Milliseconds until a node's list is older than it is let become.
fn due(node: &NodeLine, call: &Call) -> u64 {
    let Some(seen_at) = node.seen_at else { return 0 };
    let age = (call.ctx().clock.now() - seen_at).max(time::Duration::ZERO).unsigned_abs();
    u64::try_from(INTERVAL.saturating_sub(age).as_millis()).unwrap_or(0)
}

fn counts(found: &Selection<'_>, address: &Address) -> Vec<StatusCount> {
    let asked = |status| address.filter.status == Some(status);
    let shown = found.counts.iter().filter(|(status, count)| {
        *count > 0 || asked(*status) || matches!(status, Status::Running | Status::Stopped)
    });
    shown
        .map(|(status, count)| StatusCount {
            state: state_of(*status),
            count: *count,
            href: address.with_status(*status),
            chosen: asked(*status),
        })
        .collect()
}

const fn state_of(status: Status) -> State {
    match status {
        Status::Creating => State::Creating,
        Status::Running => State::Running,
        Status::Stopped => State::Stopped,
        Status::Error => State::Error,
        Status::Unknown => State::Unknown,
        Status::Gone => State::Gone,
    }
}

fn groups(rows: &[&Row], address: &Address) -> Vec<NodeGroup> {
    let chunks = rows.chunk_by(|a, b| !address.filter.by_node || a.node_id == b.node_id);
    chunks
        .map(|rows| NodeGroup {
            node: address.filter.by_node.then(|| rows[0].node_name.clone()),
            containers: rows.iter().map(|row| container_card(row)).collect(),
        })
        .collect()
}

fn container_card(row: &Row) -> ContainerCard {
    let container = row.container.as_deref();
    ContainerCard {
        id: row.id(),
        href: row.id().map(|id| format!("/containers/{id}")),
        another_href: match container {
            Some(_) => None,
            None => Some(format!("/containers/new?node={}&like_vmid={}", row.node_id, row.vmid)),
        },
        hostname: row.hostname.clone(),
        vmid: row.vmid.get(),
        state: if row.under_way.is_some() { State::Creating } else { badge(&row.state) },
        under_way: row.under_way.map_or("", ActionKind::going_on),
        lock: row.lock.clone(),
        node: row.node_name.clone(),
        node_id: row.node_id,
        address: container.and_then(|container| container.address.clone()),
        container_template: container.and_then(|container| container.container_template.clone()),
        services: container.map(service_links).unwrap_or_default(),
        tags: row.tags.clone(),
        gauges: gauges(&row.usage),
        uptime: row.usage.uptime,
        last_seen: row.last_seen,
    }
}

fn gauges(usage: &Usage) -> Option<[Gauge; 3]> {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share in thousandths")]
    let cpu = (usage.cpu?.clamp(0.0, 1.0) * 1000.0).round() as u64;
    let cores = usage.cpus.map(|cores| format!("{} % of {cores} cores", cpu as f64 / 10.0));
    let of = |pair: Option<(u64, u64)>| pair.map(|(used, all)| format!("{} of {}", size(used), size(all)));
    let meter =
        |pair: Option<(u64, u64)>| pair.map_or_else(|| Meter::of(0, 0), |(used, all)| Meter::of(used, all));
    Some([
        Gauge { label: "CPU", meter: Meter::of(cpu, 1000), text: cores.unwrap_or_default() },
        Gauge { label: "Memory", meter: meter(usage.memory), text: of(usage.memory).unwrap_or_default() },
        Gauge { label: "Disk", meter: meter(usage.disk), text: of(usage.disk).unwrap_or_default() },
    ])
}

fn creation_card(line: &CreationLine) -> CreationCard {
    let creation = &line.creation;
    let phase = PHASES.iter().find(|(name, _, _)| *name == creation.phase.name());
    CreationCard {
        href: format!("/creations/{}", creation.id),
        hostname: creation.spec.hostname.clone(),
        vmid: creation.spec.vmid.get(),
        node: line.node_name.clone(),
        phase: phase.map_or_else(String::new, |(_, _, words)| (*words).to_owned()),
        percent: creation.percent,
        state: creation.state,
    }
}

fn trouble(node: &NodeLine, address: &Address) -> Option<NodeTrouble> {
    let message = node.trouble.as_ref()?;
    let only = address.filter.node;
    only.is_none_or(|only| only == node.id).then(|| NodeTrouble::told(node.name.clone(), message))
}
