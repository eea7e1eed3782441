//! `GET /history` and `GET /containers/{id}/history`.

use axum::extract::Query;
use axum::response::{IntoResponse, Response};
use berth_domain::ContainerId;
use berth_domain::container_event::EventKind;
use berth_operations::containers;
use berth_operations::history::{self, Filter};
use serde::Deserialize;
use url::form_urlencoded::Serializer;

use super::view::{ContainerHistoryPage, GoneHistoryPage, History, HistoryPage};
use crate::WebError;
use crate::extract::Call;
use crate::extract::path::Id;
use crate::layout::Section;
use crate::pages::containers::frame;
use crate::pages::containers::view::Tab;

#[derive(Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    q: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    before: String,
}

pub(super) async fn all(call: Call, Query(wanted): Query<Wanted>) -> Result<HistoryPage, WebError> {
    let history = read(&call, "/history", None, &wanted).await?;
    let layout = call.layout("History", Section::Containers).await?.under("Containers", "/");
    Ok(HistoryPage { layout, history })
}

pub(super) async fn of_container(
    call: Call,
    Id(id): Id<ContainerId>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, WebError> {
    let url = format!("/containers/{id}/history");
    match containers::brief(call.ctx(), call.user_id(), id).await {
        Ok(brief) => {
            let history = read(&call, &url, Some(id), &wanted).await?;
            let (layout, frame) = frame::of(&call, brief.into(), Tab::History).await?;
            Ok(ContainerHistoryPage { layout, frame, history }.into_response())
        }
        Err(berth_operations::Error::NotFound) => {
            let last = history::trace(call.ctx(), call.user_id(), id).await?;
            let history = read(&call, &url, Some(id), &wanted).await?;
            let layout = call.layout(last.hostname.clone(), Section::Containers).await?;
            let layout = layout.under("Containers", "/").under("History", "/history");
            Ok(GoneHistoryPage { layout, last, history }.into_response())
        }
        Err(error) => Err(error.into()),
    }
}

async fn read(
    call: &Call,
    url: &str,
    container: Option<ContainerId>,
    wanted: &Wanted,
) -> Result<History, WebError> {
    let kind = EventKind::from_name(&wanted.kind);
    // What is no id is no page: the first one is shown.
    let before = wanted.before.parse().ok();
    let filter = Filter { container, kind, search: Some(wanted.q.clone()), before };
    let page = history::list(call.ctx(), call.user_id(), filter).await?;
    let older = page.next.map(|next| {
        let mut query = Serializer::new(String::new());
        for (name, value) in [("q", wanted.q.trim()), ("kind", kind.map_or("", EventKind::name))] {
            if !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        format!("{url}?{}", query.append_pair("before", &next.to_string()).finish())
    });
    Ok(History {
        url: url.to_owned(),
        events: page.events,
        search: wanted.q.trim().to_owned(),
        kind,
        older,
        is_older: before.is_some(),
        names_containers: container.is_none(),
    })
}
