//! `/pools`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::{Answer, Call};
use super::Handled;
use crate::state::{ApiError, Pool};

type Result = std::result::Result<Answer, ApiError>;

pub(super) fn handle(call: &Call, route: (&str, &str)) -> Handled {
    let result = match (route.0, route.1) {
        ("GET", "/pools") => list(call),
        ("POST", "/pools") => create(call),
        ("GET", "/pools/{poolid}") => members(call, call.get("poolid")).map(Answer::from),
        ("PUT", _) => update(call),
        ("DELETE", _) => delete(call),
        _ => return None,
    };
    Some(result)
}

fn list(call: &Call) -> Result {
    let all = call.host.read(|model| model.accounts.pools.clone());
    let wanted = call.get("poolid");
    if !wanted.is_empty() {
        let mut shown = members(call, wanted)?;
        shown["poolid"] = json!(wanted);
        return Ok(json!([shown]).into());
    }
    let seen = all.into_iter().filter(|(id, _)| call.may(&format!("/pool/{id}"), &["Pool.Audit"], false));
    Ok(Value::Array(seen.map(|(id, pool)| with_comment(json!({ "poolid": id }), &pool)).collect()).into())
}

fn with_comment(mut shown: Value, pool: &Pool) -> Value {
    if let Some(comment) = &pool.comment {
        shown["comment"] = json!(comment);
    }
    shown
}

fn find(call: &Call, id: &str) -> std::result::Result<Pool, ApiError> {
    let found = call.host.read(|model| model.accounts.pools.get(id).cloned());
    found.ok_or_else(|| ApiError::died(format!("pool '{id}' does not exist")))
}

fn members(call: &Call, id: &str) -> std::result::Result<Value, ApiError> {
    let pool = find(call, id)?;
    let mut listed: Vec<Value> = pool.vms.iter().filter_map(|vmid| call.host.resource(*vmid).ok()).collect();
    let node = call.host.node();
    listed.extend(pool.storages.iter().map(|storage| {
        json!({ "id": format!("storage/{node}/{storage}"), "type": "storage", "storage": storage, "node": node })
    }));
    Ok(with_comment(json!({ "members": listed }), &pool))
}

fn create(call: &Call) -> Result {
    let id = call.get("poolid").to_owned();
    call.host.write(|model| {
        if model.accounts.pools.contains_key(&id) {
            return Err(ApiError::died(format!("create pool failed: pool '{id}' already exists")));
        }
        let comment = call.params.get("comment").cloned();
        model.accounts.pools.insert(id, Pool { comment, ..Pool::default() });
        Ok(Value::Null.into())
    })
}

fn update(call: &Call) -> Result {
    let id = call.get("poolid");
    let mut pool = find(call, id)?;
    let words = |name: &str| -> BTreeSet<String> {
        crate::state::ops::split_list(call.get(name)).into_iter().collect()
    };
    let vms: BTreeSet<u32> = words("vms").iter().filter_map(|vmid| vmid.parse().ok()).collect();
    if let Some(missing) = vms.iter().find(|vmid| call.host.node_of(**vmid).is_none()) {
        return Err(ApiError::died(format!("update pools failed: VM {missing} does not exist")));
    }
    if call.flag("delete") {
        pool.vms.retain(|vmid| !vms.contains(vmid));
        pool.storages.retain(|storage| !words("storage").contains(storage));
    } else {
        pool.vms.extend(vms);
        pool.storages.extend(words("storage"));
    }
    if let Some(comment) = call.params.get("comment") {
        pool.comment = Some(comment.clone());
    }
    call.host.write(|model| model.accounts.pools.insert(id.to_owned(), pool));
    Ok(Value::Null.into())
}

fn delete(call: &Call) -> Result {
    let id = call.get("poolid");
    let pool =
        find(call, id).map_err(|error| ApiError::died(format!("delete pool failed: {}", error.message)))?;
    if !pool.vms.is_empty() || !pool.storages.is_empty() {
        let kind = if pool.vms.is_empty() { "storage" } else { "VM" };
        return Err(ApiError::died(format!(
            "delete pool failed: pool '{id}' is not empty (contains {kind})"
        )));
    }
    call.host.write(|model| model.accounts.pools.remove(id));
    Ok(Value::Null.into())
}
