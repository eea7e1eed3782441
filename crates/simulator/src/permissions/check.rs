//! The `permissions` of an API method, checked as `PVE::RPCEnvironment::exec_api2_perm_check` does.

use std::fmt::Write;

use serde_json::Value;

use super::privileges;
use crate::state::{ApiError, Caller, Model, Params};

/// Why a check failed; empty when no single privilege is to blame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied(pub String);

impl From<Denied> for ApiError {
    fn from(denied: Denied) -> Self {
        let mut text = "Permission check failed".to_owned();
        if !denied.0.is_empty() {
            let _ = write!(text, " ({})", denied.0);
        }
        Self::forbidden(text)
    }
}

/// Whether `caller` has all (or with `any` one) of `wanted` on `path`.
///
/// # Errors
/// Names the path and what is missing.
pub fn allowed(model: &Model, caller: &Caller, path: &str, wanted: &[&str], any: bool) -> Result<(), Denied> {
    let have = privileges(model, caller, path);
    if any {
        if wanted.iter().any(|privilege| have.contains_key(*privilege)) {
            return Ok(());
        }
        return Err(Denied(format!("{path}, {}", wanted.join("|"))));
    }
    match wanted.iter().find(|privilege| !have.contains_key(**privilege)) {
        Some(missing) => Err(Denied(format!("{path}, {missing}"))),
        None => Ok(()),
    }
}

/// Checks a `check` expression such as `["perm", "/vms/{vmid}", ["VM.Audit"]]`.
///
/// # Errors
/// The reason as Proxmox words it.
pub fn check_expression(
    model: &Model,
    caller: &Caller,
    check: &Value,
    params: &Params,
) -> Result<(), Denied> {
    let parts = check.as_array().map(Vec::as_slice).unwrap_or_default();
    let Some((Value::String(test), rest)) = parts.split_first() else {
        return Err(Denied("no permission check defined".to_owned()));
    };
    match test.as_str() {
        "and" => rest.iter().try_for_each(|part| check_expression(model, caller, part, params)),
        "or" => {
            if rest.iter().any(|part| check_expression(model, caller, part, params).is_ok()) {
                Ok(())
            } else {
                Err(Denied(String::new()))
            }
        }
        "perm" => permission(model, caller, rest, params),
        "perm-modify" => modify(model, caller, rest, params),
        "userid-param" => userid_param(model, caller, rest, params),
        "userid-group" => userid_group(model, caller, rest, params),
        _ => Err(Denied("unknown permission test".to_owned())),
    }
}

fn words(value: Option<&Value>) -> Vec<&str> {
    value
        .and_then(Value::as_array)
        .map(|list| list.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default()
}

fn option<'a>(rest: &'a [Value], name: &str) -> Option<&'a Value> {
    rest.iter().position(|part| part == name).and_then(|index| rest.get(index + 1))
}

/// `/vms/{vmid}` with the parameters put in.
fn fill(pattern: &str, params: &Params) -> String {
    let mut path = pattern.to_owned();
    for (name, value) in params {
        path = path.replace(&format!("{{{name}}}"), value);
    }
    path
}

fn permission(model: &Model, caller: &Caller, rest: &[Value], params: &Params) -> Result<(), Denied> {
    if let Some(required) = option(rest, "require_param").and_then(Value::as_str)
        && !params.contains_key(required)
    {
        return Err(Denied(String::new()));
    }
    let path = fill(rest.first().and_then(Value::as_str).unwrap_or("/"), params);
    if path.contains('{') {
        return Err(Denied(String::new()));
    }
    allowed(model, caller, &path, &words(rest.get(1)), option(rest, "any").is_some())
}

fn modify(model: &Model, caller: &Caller, rest: &[Value], params: &Params) -> Result<(), Denied> {
    let path = fill(rest.first().and_then(Value::as_str).unwrap_or("/"), params);
    let extra = match path.split('/').nth(1) {
        Some("storage") => "Datastore.Allocate",
        Some("vms") => "VM.Allocate",
        Some("pool") => "Pool.Allocate",
        _ => return allowed(model, caller, &path, &["Permissions.Modify"], false),
    };
    allowed(model, caller, &path, &["Permissions.Modify", extra], true)
}

fn userid_param(model: &Model, caller: &Caller, rest: &[Value], params: &Params) -> Result<(), Denied> {
    let userid = params.get("userid").map(String::as_str).unwrap_or_default();
    match rest.first().and_then(Value::as_str) {
        // A token may not speak for its user here.
        Some("self") if caller.user == userid && caller.token.is_none() => Ok(()),
        Some("self") => Err(Denied(String::new())),
        Some(privilege) => {
            let realm = userid.rsplit_once('@').map(|(_, realm)| realm).unwrap_or_default();
            allowed(model, caller, &format!("/access/realm/{realm}"), &[privilege], false)
        }
        None => Err(Denied("unknown userid-param test".to_owned())),
    }
}

fn userid_group(model: &Model, caller: &Caller, rest: &[Value], params: &Params) -> Result<(), Denied> {
    let wanted = words(rest.first());
    if allowed(model, caller, "/access/groups", &wanted, true).is_ok() {
        return Ok(());
    }
    let userid = params.get("userid").map(String::as_str).unwrap_or_default();
    let mut groups: Vec<String> = model
        .accounts
        .users
        .get(userid)
        .map(|user| user.groups.iter().cloned().collect())
        .unwrap_or_default();
    if option(rest, "groups_param").is_some() {
        groups.extend(params.get("groups").into_iter().flat_map(|list| list.split(',').map(str::to_owned)));
    }
    let through =
        |group: &String| allowed(model, caller, &format!("/access/groups/{group}"), &wanted, true).is_ok();
    if groups.iter().any(through) {
        return Ok(());
    }
    Err(Denied(format!("/access/groups, {}", wanted.join("|"))))
}
