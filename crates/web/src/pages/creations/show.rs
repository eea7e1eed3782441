//! `GET /creations/{id}` and its panel.

use berth_domain::CreationId;
use berth_domain::creation::{Creation, LineLevel, Phase, ProgressEvent, Step, StoredEvent};
use berth_operations::creation::{self, CreationDetails};

use super::view::{
    CreationActions, CreationError, CreationPage, CreationPanel, CreationRemovePage, CreationState,
    CreationView, LogLine, PHASES, StepRow, StepState,
};
use crate::WebError;
use crate::ansi::AnsiLine;
use crate::extract::Call;
use crate::extract::path::Id;
use crate::layout::Section;
use crate::pages::containers::service_links;

pub(super) async fn page(call: Call, Id(id): Id<CreationId>) -> Result<CreationPage, WebError> {
    // The log first: what happens in between comes by the stream, and the panel is never older than the log.
    let (events, log_cut) = creation::log(call.ctx(), call.user_id(), id).await?;
    let details = creation::show(call.ctx(), call.user_id(), id).await?;
    let layout = call
        .layout(details.creation.spec.hostname.clone(), Section::Containers)
        .await?
        .under("Containers", "/");
    let last_event = events.last().map_or_else(String::new, |event| event.seq.to_string());
    let log = events.iter().filter_map(log_line).collect();
    Ok(CreationPage { layout, creation: view(&details), log, log_cut, last_event })
}

pub(super) async fn panel(call: Call, Id(id): Id<CreationId>) -> Result<CreationPanel, WebError> {
    let details = creation::show(call.ctx(), call.user_id(), id).await?;
    Ok(CreationPanel { creation: view(&details) })
}

/// The question before a creation and its container are removed.
pub(super) async fn ask_remove(call: Call, Id(id): Id<CreationId>) -> Result<CreationRemovePage, WebError> {
    let creation = view(&creation::show(call.ctx(), call.user_id(), id).await?);
    let title = format!("Remove {}", creation.hostname);
    let layout = call.layout(title, Section::Containers).await?;
    let layout = layout.under("Containers", "/").under(&creation.hostname, &creation.url);
    Ok(CreationRemovePage { layout, creation })
}

fn log_line(event: &StoredEvent) -> Option<LogLine> {
    let (level, text) = match &event.event {
        ProgressEvent::Line { level, text, .. } => (level_name(*level), text),
        ProgressEvent::Error { message } => ("error", message),
        ProgressEvent::Step { state: StepState::Running, name, .. } => ("step", name),
        _ => return None,
    };
    Some(LogLine { level, text: AnsiLine::new(text) })
}

const fn level_name(level: LineLevel) -> &'static str {
    match level {
        LineLevel::Out => "out",
        LineLevel::Info => "info",
        LineLevel::Warn => "warn",
        LineLevel::Error => "error",
    }
}

/// The creation as its page shows it.
fn view(details: &CreationDetails) -> CreationView {
    let creation = &details.creation;
    let container = details.container.as_ref();
    let address = container.and_then(|container| container.address.clone());
    CreationView {
        url: format!("/creations/{}", creation.id),
        hostname: creation.spec.hostname.clone(),
        vmid: creation.spec.vmid.get(),
        node: details.node_name.clone(),
        container_template: creation.spec.container_template.as_ref().map(|origin| origin.title.clone()),
        state: creation.state,
        phase: phase_index(creation.phase),
        percent: creation.percent,
        started_at: creation.started_at.unwrap_or(creation.created_at),
        seconds: seconds(creation),
        steps: details.steps.iter().map(step_row).collect(),
        error: error(creation),
        actions: actions(creation),
        container_href: container.map(|container| format!("/containers/{}", container.id)),
        services: container.map(service_links).unwrap_or_default(),
        address,
    }
}

fn phase_index(phase: Phase) -> usize {
    Phase::ALL.iter().position(|candidate| *candidate == phase).unwrap_or(0)
}

fn seconds(creation: &Creation) -> Option<u64> {
    let ended = creation.finished_at?;
    u64::try_from((ended - creation.started_at.unwrap_or(creation.created_at)).whole_seconds()).ok()
}

fn step_row(step: &Step) -> StepRow {
    let seconds = step
        .started_at
        .zip(step.finished_at)
        .and_then(|(from, to)| u64::try_from((to - from).whole_seconds()).ok());
    StepRow {
        index: step.position as usize,
        name: step.name.clone(),
        state: step.state,
        seconds,
        since: step.started_at.filter(|_| step.state == StepState::Running),
    }
}

fn error(creation: &Creation) -> Option<CreationError> {
    let message = creation.error.clone()?;
    let phase = PHASES[phase_index(creation.phase)].2.to_owned();
    Some(CreationError { phase, message, remedy: None, output: Vec::new() })
}

const fn actions(creation: &Creation) -> CreationActions {
    let ended_early = matches!(creation.state, CreationState::Failed | CreationState::Cancelled);
    CreationActions {
        cancel: creation.state.is_live() && !creation.cancel_requested,
        retry: ended_early,
        remove: ended_early,
    }
}
