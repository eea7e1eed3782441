//! The REST API: a table of methods ([`schema`]) with their permissions and parameters, and a handler for each.

mod auth;
mod format;
mod reply;
mod request;
mod routes;
pub mod schema;
mod server;
pub mod ticket;

pub use auth::is_enabled;
pub use reply::{Answer, Notation, Reply};
pub use request::Request;
pub use server::{Admin, serve_admin, serve_api};

use crate::permissions::check_expression;
use crate::state::{ApiError, Caller, Host, Params};
use request::BadBody;

/// One verified call of a method.
#[derive(Debug, Clone)]
pub struct Call {
    /// The host that was asked.
    pub host: Host,
    /// Who asks; a user without name where nobody needs to be logged in.
    pub caller: Caller,
    /// Path, query and body together.
    pub params: Params,
    /// The method's line in the table.
    pub endpoint: &'static schema::Endpoint,
}

impl Call {
    /// A parameter, empty when absent.
    pub fn get(&self, name: &str) -> &str {
        self.params.get(name).map(String::as_str).unwrap_or_default()
    }

    /// A boolean parameter, false when absent.
    pub fn flag(&self, name: &str) -> bool {
        self.get(name) == "1"
    }

    /// The container of the path.
    pub fn vmid(&self) -> u32 {
        self.get("vmid").parse().unwrap_or_default()
    }

    /// Checks a privilege in the middle of a method.
    ///
    /// # Errors
    /// Status 403 naming path and privilege.
    pub fn require(&self, path: &str, privileges: &[&str], any: bool) -> Result<(), ApiError> {
        let check = |model: &_| crate::permissions::allowed(model, &self.caller, path, privileges, any);
        self.host.read(check).map_err(ApiError::from)
    }

    /// Whether the caller has a privilege.
    pub fn may(&self, path: &str, privileges: &[&str], any: bool) -> bool {
        self.require(path, privileges, any).is_ok()
    }
}

/// Answers a request to `host`.
pub fn answer(host: &Host, request: &Request) -> Reply {
    let Some((notation, path)) = split(request.uri.path()) else {
        return Reply::text(404, "Not Found", format!("no such file '{}'", request.uri.path()));
    };
    let open = matches!(
        (request.method.as_str(), path.trim_end_matches('/')),
        ("GET", "/access/domains" | "/access/openid") | ("GET" | "POST", "/access/ticket")
    );
    let who = if host.accepts_anyone() {
        auth::believe(request)
    } else {
        host.read(|model| auth::authenticate(model, request))
    };
    let caller = match who {
        Ok(caller) => caller,
        Err(_) if open => Caller { user: String::new(), token: None },
        Err(refused) => return Reply::bare(401, refused.reason()),
    };
    match request.params() {
        Ok(params) => Reply::of(run(host, caller, request.method.as_str(), path, params), notation),
        Err(BadBody(status, text)) => {
            let body = if status == 506 { text.clone() } else { format!("{text}\n") };
            Reply::text(status, &text, body)
        }
    }
}

fn split(path: &str) -> Option<(Notation, &str)> {
    let rest = path.strip_prefix("/api2/")?;
    let (notation, rest) = rest
        .strip_prefix("json")
        .map(|rest| (Notation::Json, rest))
        .or_else(|| Some((Notation::ExtJs, rest.strip_prefix("extjs")?)))?;
    (rest.is_empty() || rest.starts_with('/')).then_some((notation, rest))
}

/// Answers `root@pam` on the host's own command line, as `pvesh` does.
pub(crate) fn local(
    host: &Host,
    method: &str,
    path: &str,
    params: Params,
) -> Result<serde_json::Value, ApiError> {
    run(host, Caller::root(), method, path, params).map(|answer| answer.data)
}

fn run(host: &Host, caller: Caller, method: &str, path: &str, given: Params) -> Result<Answer, ApiError> {
    let unknown = || {
        let path = path.trim_end_matches('/');
        let message =
            format!("Method '{method} {}' not implemented", if path.is_empty() { "/" } else { path });
        ApiError { status: 501, message, errors: Params::new() }
    };
    let (endpoint, in_path) = schema::find(method, path).ok_or_else(unknown)?;
    let mut params = given;
    for (name, value) in in_path {
        if params.get(&name).is_some_and(|also| *also != value) {
            return Err(ApiError::param(
                &name,
                "duplicate parameter (already defined in URI) with conflicting values!",
            ));
        }
        params.insert(name, value);
    }
    if endpoint.perm.user.is_none() && !caller.is_root() {
        let check = endpoint.perm.check.as_ref();
        let check = check.ok_or_else(|| ApiError::forbidden("Permission check failed (user != root@pam)"))?;
        host.read(|model| check_expression(model, &caller, check, &params))?;
    }
    let host = proxied(host, endpoint, &params)?;
    if endpoint.notoken == 1 && caller.token.is_some() {
        return Err(ApiError::forbidden("API Tokens are not allowed for this call"));
    }
    let params = endpoint.verify(&params)?;
    routes::handle(&Call { host, caller, params, endpoint }).ok_or_else(unknown)?
}

/// The member that must answer.
fn proxied(host: &Host, endpoint: &schema::Endpoint, params: &Params) -> Result<Host, ApiError> {
    let node = params.get("node").map(String::as_str).unwrap_or_default();
    if endpoint.proxy.is_none() || node == host.node() || node == "localhost" {
        return Ok(host.clone());
    }
    let member = host.members().into_iter().find(|member| member.node() == node);
    let off = member.as_ref().is_some_and(Host::is_off);
    if let Some(member) = member.filter(|_| !off) {
        return Ok(member);
    }
    if off || host.read(|model| model.dead_nodes.contains(node)) {
        return Err(ApiError { status: 595, message: "No route to host".to_owned(), errors: Params::new() });
    }
    Err(ApiError::died(format!(
        "hostname lookup '{node}' failed - failed to get address info for: {node}: Name or service not known"
    )))
}
