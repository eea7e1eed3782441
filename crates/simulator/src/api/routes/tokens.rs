//! API tokens below `/access/users/{userid}/token`.

use serde_json::{Value, json};

use super::super::{Answer, Call};
use super::Handled;
use crate::state::{ApiError, Token};

type Result = std::result::Result<Answer, ApiError>;

pub(super) fn handle(call: &Call, route: (&str, &str)) -> Handled {
    let below = route.1.strip_prefix("/access/users/{userid}/token")?;
    let result = match (route.0, below) {
        ("GET", "") => list(call),
        ("GET", _) => get(call),
        ("POST", _) => create(call),
        ("PUT", _) => update(call),
        ("DELETE", _) => delete(call),
        _ => return None,
    };
    Some(result)
}

fn authid(call: &Call) -> String {
    format!("{}!{}", call.get("userid"), call.get("tokenid"))
}

/// A token as it is listed: `privsep` and `expire` as numbers.
pub(super) fn shown(token: &Token) -> Value {
    let mut shown = json!({ "privsep": u8::from(token.privsep), "expire": token.expire });
    if let Some(comment) = &token.comment {
        shown["comment"] = json!(comment);
    }
    shown
}

/// All tokens of a user, with their names.
pub(super) fn of_user(call: &Call, user: &str) -> Vec<Value> {
    let prefix = format!("{user}!");
    let tokens = call.host.read(|model| model.accounts.tokens.clone());
    let own = tokens
        .into_iter()
        .filter_map(|(authid, token)| Some((authid.strip_prefix(&prefix)?.to_owned(), token)));
    let named = own.map(|(name, token)| {
        let mut line = shown(&token);
        line["tokenid"] = json!(name);
        line
    });
    named.collect()
}

fn check_user(call: &Call) -> std::result::Result<(), ApiError> {
    let user = call.get("userid");
    if call.host.read(|model| model.accounts.users.contains_key(user)) {
        return Ok(());
    }
    Err(ApiError::died(format!("no such user ('{user}')")))
}

fn list(call: &Call) -> Result {
    check_user(call)?;
    Ok(Value::Array(of_user(call, call.get("userid"))).into())
}

fn find(call: &Call) -> std::result::Result<Token, ApiError> {
    check_user(call)?;
    let found = call.host.read(|model| model.accounts.tokens.get(&authid(call)).cloned());
    let missing = || {
        ApiError::died(format!("no such token '{}' for user '{}'", call.get("tokenid"), call.get("userid")))
    };
    found.ok_or_else(missing)
}

fn get(call: &Call) -> Result {
    find(call).map(|token| shown(&token).into())
}

/// What was given is echoed as text, what was not given as its default.
fn echo(call: &Call) -> Value {
    let mut info = json!({ "privsep": 1 });
    for key in ["comment", "expire", "privsep"] {
        if let Some(value) = call.params.get(key) {
            info[key] = json!(value);
        }
    }
    info
}

fn create(call: &Call) -> Result {
    check_user(call)?;
    let authid = authid(call);
    let secret = uuid::Uuid::new_v4().to_string();
    let token = Token {
        secret: secret.clone(),
        privsep: call.params.get("privsep").is_none_or(|value| value == "1"),
        expire: call.get("expire").parse().unwrap_or(0),
        comment: call.params.get("comment").cloned(),
    };
    call.host.write(|model| {
        if model.accounts.tokens.contains_key(&authid) {
            return Err(ApiError::param("tokenid", "Token already exists."));
        }
        model.accounts.tokens.insert(authid.clone(), token);
        Ok(())
    })?;
    Ok(json!({ "full-tokenid": authid, "value": secret, "info": echo(call) }).into())
}

fn update(call: &Call) -> Result {
    let mut token = find(call)?;
    if let Some(value) = call.params.get("privsep") {
        token.privsep = value == "1";
    }
    if let Some(value) = call.params.get("expire") {
        token.expire = value.parse().unwrap_or(0);
    }
    if let Some(value) = call.params.get("comment") {
        token.comment = Some(value.clone());
    }
    let mut info = shown(&token);
    for key in ["comment", "expire", "privsep"] {
        if let Some(value) = call.params.get(key) {
            info[key] = json!(value);
        }
    }
    call.host.write(|model| model.accounts.tokens.insert(authid(call), token));
    Ok(info.into())
}

fn delete(call: &Call) -> Result {
    find(call)?;
    let authid = authid(call);
    call.host.write(|model| {
        model.accounts.tokens.remove(&authid);
        model.accounts.acl.retain(|entry| entry.ugid != authid);
    });
    Ok(Value::Null.into())
}
