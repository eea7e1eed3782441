//! `/access/ticket` and `/access/password`.

use serde_json::{Value, json};

use super::super::{Answer, Call, is_enabled, ticket};
use super::{Handled, tfa};
use crate::permissions::{allowed, capabilities};
use crate::state::{ApiError, Caller, Model};

type Result = std::result::Result<Answer, ApiError>;

pub(super) fn handle(call: &Call, route: (&str, &str)) -> Handled {
    match route {
        ("GET", "/access/ticket") => Some(Ok(Value::Null.into())),
        ("POST", "/access/ticket") => Some(log_in(call)),
        ("PUT", "/access/password") => Some(set_password(call)),
        _ => None,
    }
}

fn refused() -> ApiError {
    ApiError {
        status: 401,
        message: "authentication failure".to_owned(),
        errors: std::collections::BTreeMap::default(),
    }
}

fn log_in(call: &Call) -> Result {
    let mut user = call.get("username").to_owned();
    if !call.get("realm").is_empty() && !user.contains('@') {
        user = format!("{user}@{}", call.get("realm"));
    }
    let challenge = call.params.get("tfa-challenge").cloned();
    let caller = Caller { user: user.clone(), token: None };
    let answer = call.host.write(|model| {
        if call.host.accepts_anyone() {
            return Ok(full(model, &caller));
        }
        if !is_enabled(model, &user) {
            return Err(refused());
        }
        if let Some(challenge) = &challenge {
            let about =
                ticket::subject(model, challenge, &user).is_some_and(|subject| subject.starts_with("!tfa!"));
            if !about || !tfa::answer(model, &user, call.get("password")) {
                return Err(refused());
            }
            return Ok(full(model, &caller));
        }
        let password = call.get("password");
        let renewed = ticket::subject(model, password, "").is_some_and(|subject| subject == user);
        let known = model.password(&user) == Some(password);
        if !renewed && !known {
            return Err(refused());
        }
        check_path(call, model, &caller)?;
        match tfa::challenge(model, &user).filter(|_| !renewed) {
            Some(challenge) => Ok(half(model, &user, &challenge)),
            None => Ok(full(model, &caller)),
        }
    })?;
    call.host.log_line(&caller, "pvedaemon", &format!("successful auth for user '{user}'"));
    Ok(answer.into())
}

/// With `path` and `privs` the ticket is only given to whoever has these privileges there.
fn check_path(call: &Call, model: &Model, caller: &Caller) -> std::result::Result<(), ApiError> {
    if call.get("path").is_empty() {
        return Ok(());
    }
    let wanted = crate::state::ops::split_list(call.get("privs"));
    let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
    allowed(model, caller, call.get("path"), &wanted, false).map_err(|_| refused())
}

fn full(model: &Model, caller: &Caller) -> Value {
    json!({
        "username": caller.user, "ticket": ticket::issue(model, &caller.user, ""),
        "CSRFPreventionToken": ticket::csrf(model, &caller.user), "cap": capabilities(model, caller),
    })
}

/// Opens nothing but the second step.
fn half(model: &Model, user: &str, challenge: &Value) -> Value {
    let subject = format!("!tfa!{}", challenge.to_string().replace(':', "%3A"));
    json!({
        "username": user, "ticket": ticket::issue(model, &subject, user), "NeedTFA": 1,
        "CSRFPreventionToken": ticket::csrf(model, user),
    })
}

fn set_password(call: &Call) -> Result {
    let user = call.get("userid").to_owned();
    call.host.write(|model| {
        let caller = &call.caller.user;
        if caller != "root@pam" && user == "root@pam" {
            return Err(ApiError::forbidden(
                "Permission check failed (only root can change root's password)",
            ));
        }
        let own = model.password(caller);
        if caller != "root@pam" && own != call.params.get("confirmation-password").map(String::as_str) {
            return Err(refused());
        }
        let password = call.get("password").to_owned();
        let found = model.accounts.users.get_mut(&user);
        let found = found.ok_or_else(|| ApiError::died(format!("no such user ('{user}')")))?;
        match user.strip_suffix("@pam") {
            Some(name) => drop(model.passwords.insert(name.to_owned(), password)),
            None => found.password = Some(password),
        }
        Ok(Value::Null.into())
    })
}
