//! The logs of a container and of its services.

mod download;
mod follow;
mod show;
pub mod view;

use axum::Router;
use axum::routing::get;
use berth_domain::discovery::{Service, ServiceKind};
use berth_operations::logs::{DEFAULT_LINES, LogLine, MOST_LINES, Severity, Wanted, Whose};
use serde::Deserialize;
use url::Url;
use url::form_urlencoded::Serializer;

use crate::state::AppState;

/// `/containers/{id}/log` and `/containers/{id}/services/{name}/log`.
pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/containers/{id}/log", get(show::system))
        .route("/containers/{id}/log/follow", get(follow::system))
        .route("/containers/{id}/log/download", get(download::system))
        .route("/containers/{id}/services/{name}/log", get(show::service))
        .route("/containers/{id}/services/{name}/log/follow", get(follow::service))
        .route("/containers/{id}/services/{name}/log/download", get(download::service))
}

/// The address of a service's log.
pub(super) fn address_of(container: &str, service: &Service) -> String {
    let whose = Whose::Service(service.name.clone(), Some(service.kind));
    with_query(&path_of(container, &whose), &[("kind", word(service.kind))])
}

/// What stands in the address of a log's page. What is no number of lines and no kind is as if it were not there.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    kind: String,
    lines: String,
    q: String,
    source: String,
    after: String,
}

impl Asked {
    fn wanted(&self, name: Option<String>) -> Wanted {
        let whose = name.map_or(Whose::System, |name| Whose::Service(name, self.kind()));
        let source = Some(self.source.clone()).filter(|source| !source.is_empty());
        Wanted { whose, source, search: self.q.clone() }
    }

    fn kind(&self) -> Option<ServiceKind> {
        KINDS.into_iter().find(|kind| word(*kind) == self.kind)
    }

    fn lines(&self) -> usize {
        self.lines.parse().map_or(DEFAULT_LINES, |lines: usize| lines.clamp(1, MOST_LINES))
    }
}

const KINDS: [ServiceKind; 4] =
    [ServiceKind::Systemd, ServiceKind::Openrc, ServiceKind::Docker, ServiceKind::Process];

/// A kind in an address.
const fn word(kind: ServiceKind) -> &'static str {
    match kind {
        ServiceKind::Systemd => "systemd",
        ServiceKind::Openrc => "openrc",
        ServiceKind::Docker => "docker",
        ServiceKind::Process => "process",
    }
}

/// The path of a log: a service's name may hold anything.
fn path_of(container: &str, whose: &Whose) -> String {
    let Whose::Service(name, _) = whose else { return format!("{container}/log") };
    let mut url = Url::parse("http://berth/").expect("a valid address");
    if let Ok(mut segments) = url.path_segments_mut() {
        segments.pop_if_empty().push(name);
    }
    format!("{container}/services{}/log", url.path())
}

/// The path with those parameters that have a value.
fn with_query(path: &str, parameters: &[(&str, &str)]) -> String {
    let mut query = Serializer::new(String::new());
    query.extend_pairs(parameters.iter().filter(|(_, value)| !value.is_empty()));
    let query = query.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// The class of a line.
const fn level(line: &LogLine) -> &'static str {
    match line.severity {
        Severity::Normal => "out",
        Severity::Warning => "warn",
        Severity::Error => "error",
        Severity::Note => "note",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_is_one_part_of_the_path() {
        let path = |name: &str| path_of("/containers/1", &Whose::Service(name.into(), None));
        assert_eq!(path("nginx"), "/containers/1/services/nginx/log");
        assert_eq!(path("postgresql@15-main"), "/containers/1/services/postgresql@15-main/log");
        assert_eq!(path("a/b?c#d %"), "/containers/1/services/a%2Fb%3Fc%23d%20%25/log");
        assert_eq!(path("$(reboot)<b>"), "/containers/1/services/$(reboot)%3Cb%3E/log");
        assert_eq!(with_query("/a", &[("q", "x&y=z"), ("source", "")]), "/a?q=x%26y%3Dz");
    }
}
