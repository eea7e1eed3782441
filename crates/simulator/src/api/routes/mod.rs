//! A handler for each method of the table.

mod access;
mod admin;
mod certificates;
mod cluster;
mod index;
mod login;
mod lxc;
mod node;
mod pools;
mod rrd;
mod storage;
mod task;
mod tfa;
mod tokens;

pub(super) use admin::admin;

use super::{Answer, Call};
use crate::state::ApiError;

/// What a handler returns; `None` when it is not its method.
type Handled = Option<Result<Answer, ApiError>>;

/// Finds the handler by area.
pub(super) fn handle(call: &Call) -> Handled {
    let method = call.endpoint.method.as_str();
    let path = call.endpoint.path.as_str();
    let route = (method, path);
    if let Some(listing) = index::handle(call, route) {
        return Some(Ok(listing));
    }
    if path.starts_with("/nodes/{node}/lxc") || path.starts_with("/nodes/{node}/qemu") {
        return lxc::handle(call, route);
    }
    if path.starts_with("/nodes/{node}/tasks") || path == "/cluster/tasks" {
        return task::handle(call, route);
    }
    if path.contains("/storage") || path.contains("aplinfo") || path.contains("vzdump") {
        return storage::handle(call, route);
    }
    if path.starts_with("/nodes") || path == "/version" {
        return node::handle(call, route);
    }
    if path.starts_with("/cluster") {
        return cluster::handle(call, route);
    }
    if path.starts_with("/pools") {
        return pools::handle(call, route);
    }
    if path.contains("tfa") {
        return tfa::handle(call, route);
    }
    if path.contains("/token") {
        return tokens::handle(call, route);
    }
    if path == "/access/ticket" || path == "/access/password" {
        return login::handle(call, route);
    }
    access::handle(call, route)
}
