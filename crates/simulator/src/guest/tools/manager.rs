//! Asking the service manager.

use std::os::unix::net::UnixStream;

use crate::guest::init::{Request, Response, SOCKET, UnitInfo};
use crate::guest::wire;

/// One question, one answer.
pub(super) fn ask(request: &Request) -> Response {
    let answer = UnixStream::connect(SOCKET).and_then(|stream| {
        wire::send(&stream, request, &[])?;
        wire::receive::<Response>(&stream)
    });
    match answer {
        Ok(Some((response, _))) => response,
        _ => Response::Refused {
            text: "System has not been booted with systemd as init system (PID 1). Can't operate.".to_owned(),
            code: 1,
        },
    }
}

/// All units but those that are Docker's containers, of which systemd knows nothing.
pub(super) fn list() -> Vec<UnitInfo> {
    match ask(&Request::List) {
        Response::Units(units) => units.into_iter().filter(|unit| !is_of_docker(&unit.name)).collect(),
        _ => Vec::new(),
    }
}

fn is_of_docker(unit: &str) -> bool {
    let id = unit.strip_prefix("docker-").and_then(|rest| rest.strip_suffix(".service"));
    id.is_some_and(|id| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// These units.
pub(super) fn show(names: &[String]) -> Vec<UnitInfo> {
    match ask(&Request::Show(names.to_vec())) {
        Response::Units(units) => units,
        _ => Vec::new(),
    }
}

/// `nginx` as `nginx.service`.
pub(super) fn full_name(name: &str) -> String {
    let kinds = [".service", ".timer", ".socket", ".target", ".mount", ".path", ".slice", ".scope"];
    if kinds.iter().any(|kind| name.ends_with(kind)) { name.to_owned() } else { format!("{name}.service") }
}
