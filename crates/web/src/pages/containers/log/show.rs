//! The last lines of a log.

use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use berth_domain::ContainerId;
use berth_operations::containers;
use berth_operations::logs::{self, LogPage, MOST_LINES, SEARCHED, Wanted, Whose};

use super::view::{Choice, Content, Line, LogsPage};
use super::{Asked, level, path_of, with_query, word};
use crate::WebError;
use crate::ansi::AnsiLine;
use crate::error::NodeTrouble;
use crate::extract::Call;
use crate::extract::path::{Id, Name};
use crate::pages::containers::services::state;
use crate::pages::containers::view::Tab;
use crate::pages::containers::{frame, inside_trouble, kind_word};

/// How many lines are offered.
const OFFERED: [usize; 3] = [50, 200, MOST_LINES];

pub(super) async fn system(
    call: Call,
    Id(id): Id<ContainerId>,
    Query(asked): Query<Asked>,
) -> Result<Response, WebError> {
    page(&call, id, &asked, None).await
}

pub(super) async fn service(
    call: Call,
    Id(id): Id<ContainerId>,
    Name(name): Name,
    Query(asked): Query<Asked>,
) -> Result<Response, WebError> {
    page(&call, id, &asked, Some(name)).await
}

async fn page(
    call: &Call,
    id: ContainerId,
    asked: &Asked,
    name: Option<String>,
) -> Result<Response, WebError> {
    let wanted = asked.wanted(name);
    let (ctx, user, count) = (call.ctx(), call.user_id(), asked.lines());
    let (brief, log) =
        tokio::join!(containers::brief(ctx, user, id), logs::show(ctx, user, id, &wanted, count));
    let (status, trouble, log) = match log {
        Ok(log) => (StatusCode::OK, None, Some(log)),
        Err(error) => {
            let (status, trouble): (StatusCode, NodeTrouble) = inside_trouble(error)?;
            (status, Some(trouble), None)
        }
    };
    let (mut layout, frame) = frame::of(call, brief?.into(), Tab::Services).await?;
    layout = layout.under(&frame.hostname, &frame.url).under("Services", format!("{}/services", frame.url));
    let title = match &wanted.whose {
        Whose::System => "System log".to_owned(),
        Whose::Service(name, _) => format!("Log of {name}"),
    };
    layout.title.clone_from(&title);
    let path = path_of(&frame.url, &wanted.whose);
    let page = LogsPage {
        title,
        follow_url: address(&path, asked, &wanted, log.as_ref(), true),
        download_url: address(&path, asked, &wanted, log.as_ref(), false),
        path,
        kind: asked.kind().map(word),
        q: asked.q.trim().to_owned(),
        counts: OFFERED.map(|offered| Choice::of(offered.to_string(), offered == count)).to_vec(),
        searched: SEARCHED,
        trouble,
        log: log.map(content).unwrap_or_default(),
        layout,
        frame,
    };
    Ok((status, page).into_response())
}

fn content(log: LogPage) -> Content {
    let line =
        |line: &logs::LogLine| Line { at: line.at, level: level(line), text: AnsiLine::new(&line.text) };
    let chosen = |source: &String| Choice::of(source.clone(), *source == log.source);
    Content {
        service: log.service.as_ref().map(|service| (kind_word(service.kind), state(service))),
        sources: log.sources.iter().map(chosen).collect(),
        lines: log.lines.iter().map(line).collect(),
        has_older: log.has_older,
        after: Some(log.after).filter(|_| !log.sources.is_empty()),
    }
}

/// Where the same log is followed, or downloaded from.
fn address(path: &str, asked: &Asked, wanted: &Wanted, log: Option<&LogPage>, follows: bool) -> String {
    let source = log.map_or("", |log| log.source.as_str());
    let kind = asked.kind().map_or("", word);
    if follows {
        let search = wanted.search.trim();
        return with_query(&format!("{path}/follow"), &[("kind", kind), ("source", source), ("q", search)]);
    }
    with_query(&format!("{path}/download"), &[("kind", kind), ("source", source)])
}
