//! Second factors: TOTP that is really checked, and recovery keys.

use rand::Rng;
use serde_json::{Value, json};

use super::super::{Answer, Call, ticket};
use super::Handled;
use crate::clock;
use crate::state::{ApiError, Model, TfaEntry};

type Result = std::result::Result<Answer, ApiError>;

pub(super) fn handle(call: &Call, route: (&str, &str)) -> Handled {
    let result = match route {
        ("GET", "/access/tfa") => Ok(all(call).into()),
        ("GET", "/access/tfa/{userid}") => Ok(of_user(call, call.get("userid")).into()),
        ("POST", "/access/tfa/{userid}") => add(call),
        ("GET", "/access/tfa/{userid}/{id}") => find(call).map(|entry| shown(&entry).into()),
        ("PUT", "/access/tfa/{userid}/{id}") => update(call),
        ("DELETE", "/access/tfa/{userid}/{id}") => delete(call),
        ("GET", "/access/users/{userid}/tfa") => Ok(types(call).into()),
        ("PUT", "/access/users/{userid}/unlock-tfa") => Ok(json!(0).into()),
        _ => return None,
    };
    Some(result)
}

/// What the second step may be, or nothing when the password is enough.
pub(super) fn challenge(model: &Model, user: &str) -> Option<Value> {
    let enabled = |kind: &str| {
        let entries = model.accounts.tfa.get(user).into_iter().flatten();
        entries.filter(|entry| entry.enable && entry.kind == kind).cloned().collect::<Vec<_>>()
    };
    let mut challenge = json!({});
    if !enabled("totp").is_empty() {
        challenge["totp"] = json!(true);
    }
    if let Some(recovery) = enabled("recovery").first() {
        let left = recovery.keys.iter().enumerate().filter(|(_, key)| !key.is_empty());
        let left: Vec<usize> = left.map(|(index, _)| index).collect();
        if !left.is_empty() {
            challenge["recovery"] = json!(left);
        }
    }
    let keys = enabled("webauthn");
    if !keys.is_empty() {
        challenge["webauthn"] = webauthn(&keys);
    }
    challenge.as_object().is_some_and(|kinds| !kinds.is_empty()).then_some(challenge)
}

/// What a browser would hand to a security key. It is bound to this host's name, so that nobody can answer for it.
fn webauthn(keys: &[TfaEntry]) -> Value {
    let credential = |entry: &TfaEntry| {
        let id = data_encoding::BASE64URL_NOPAD.encode(entry.id.as_bytes());
        json!({ "type": "public-key", "id": id })
    };
    let challenge = data_encoding::BASE64URL_NOPAD.encode(&rand::rng().random::<[u8; 32]>());
    json!({ "publicKey": {
        "challenge": challenge, "timeout": 60_000, "rpId": "pve.home.arpa", "userVerification": "preferred",
        "allowCredentials": keys.iter().map(credential).collect::<Vec<_>>(),
    }})
}

/// Whether `totp:123456` or `recovery:…` is right; a recovery key is used up, and so is a code with all before it.
pub(super) fn answer(model: &mut Model, user: &str, text: &str) -> bool {
    let Some((kind, code)) = text.split_once(':') else { return false };
    let entries = model.accounts.tfa.get_mut(user).into_iter().flatten();
    for entry in entries.filter(|entry| entry.enable && entry.kind == kind) {
        let step = entry.secret.as_deref().and_then(|secret| ticket::totp_step(secret, code));
        if kind == "totp" && step.is_some() && step > entry.last_step {
            entry.last_step = step;
            return true;
        }
        if let Some(key) = entry.keys.iter_mut().find(|key| *key == code && !code.is_empty()) {
            key.clear();
            return true;
        }
    }
    false
}

fn shown(entry: &TfaEntry) -> Value {
    let mut shown = json!({ "id": entry.id, "type": entry.kind, "description": entry.description, "created": entry.created });
    if !entry.enable {
        shown["enable"] = json!(0);
    }
    shown
}

fn of_user(call: &Call, user: &str) -> Value {
    let entries = call.host.read(|model| model.accounts.tfa.get(user).cloned()).unwrap_or_default();
    Value::Array(entries.iter().map(shown).collect())
}

fn all(call: &Call) -> Value {
    let users: Vec<String> = call.host.read(|model| model.accounts.tfa.keys().cloned().collect());
    let may = |user: &String| {
        *user == call.caller.user || call.may("/access/groups", &["User.Modify", "Sys.Audit"], true)
    };
    let lines =
        users.into_iter().filter(may).map(|user| json!({ "userid": user, "entries": of_user(call, &user) }));
    Value::Array(lines.collect())
}

fn types(call: &Call) -> Value {
    let realm = call.get("userid").rsplit_once('@').map(|(_, realm)| realm).unwrap_or_default();
    let entries =
        call.host.read(|model| model.accounts.tfa.get(call.get("userid")).cloned()).unwrap_or_default();
    let mut shown = json!({ "realm": realm });
    if call.flag("multiple") {
        shown["types"] = json!(entries.iter().map(|entry| entry.kind.clone()).collect::<Vec<_>>());
    } else if let Some(entry) = entries.first() {
        shown["user"] = json!(if entry.kind == "totp" { "oath" } else { "u2f" });
    }
    shown
}

fn find(call: &Call) -> std::result::Result<TfaEntry, ApiError> {
    let found = call.host.read(|model| {
        model
            .accounts
            .tfa
            .get(call.get("userid"))
            .and_then(|entries| entries.iter().find(|entry| entry.id == call.get("id")).cloned())
    });
    found.ok_or_else(|| ApiError {
        status: 404,
        message: format!("no such tfa entry '{}'", call.get("id")),
        errors: std::collections::BTreeMap::default(),
    })
}

/// The password of whoever changes second factors is asked again.
fn check_password(call: &Call) -> std::result::Result<(), ApiError> {
    let known = call.host.read(|model| model.password(&call.caller.user).map(str::to_owned));
    if known.as_deref() == Some(call.get("password")) {
        return Ok(());
    }
    Err(ApiError {
        status: 401,
        message: "authentication failure".to_owned(),
        errors: std::collections::BTreeMap::default(),
    })
}

fn add(call: &Call) -> Result {
    check_password(call)?;
    let user = call.get("userid").to_owned();
    if !call.host.read(|model| model.accounts.users.contains_key(&user)) {
        return Err(ApiError::died(format!("no such user ('{user}')")));
    }
    let description = call.get("description").to_owned();
    let mut entry = TfaEntry {
        id: uuid::Uuid::new_v4().to_string(),
        kind: call.get("type").to_owned(),
        description,
        created: clock::now(),
        enable: true,
        secret: None,
        keys: Vec::new(),
        last_step: None,
    };
    let mut answer = json!({ "id": entry.id });
    match entry.kind.as_str() {
        "totp" => {
            let secret =
                secret_of(call.get("totp")).ok_or_else(|| ApiError::param("totp", "invalid TOTP uri"))?;
            if ticket::totp_step(&secret, call.get("value")).is_none() {
                return Err(ApiError::died("failed to verify TOTP challenge"));
            }
            entry.secret = Some(secret);
        }
        "recovery" => {
            "recovery".clone_into(&mut entry.id);
            entry.keys = (0..10).map(|_| recovery_key()).collect();
            answer = json!({ "id": entry.id, "recovery": entry.keys });
        }
        kind => return Err(ApiError::died(format!("second factor '{kind}' is not available on this host"))),
    }
    call.host.write(|model| model.accounts.tfa.entry(user).or_default().push(entry));
    Ok(answer.into())
}

fn secret_of(uri: &str) -> Option<String> {
    let query = uri.strip_prefix("otpauth://totp/")?.split_once('?')?.1;
    let secret = query.split('&').find_map(|pair| pair.strip_prefix("secret="))?;
    ticket::totp(secret, 0).map(|_| secret.to_owned())
}

fn recovery_key() -> String {
    let words: [u16; 4] = rand::rng().random();
    words.map(|word| format!("{word:04x}")).join("-")
}

fn update(call: &Call) -> Result {
    check_password(call)?;
    find(call)?;
    call.host.write(|model| {
        for entry in model
            .accounts
            .tfa
            .get_mut(call.get("userid"))
            .into_iter()
            .flatten()
            .filter(|entry| entry.id == call.get("id"))
        {
            if let Some(text) = call.params.get("description") {
                entry.description.clone_from(text);
            }
            entry.enable = call.params.get("enable").map_or(entry.enable, |value| value == "1");
        }
    });
    Ok(Value::Null.into())
}

fn delete(call: &Call) -> Result {
    check_password(call)?;
    find(call)?;
    call.host.write(|model| {
        if let Some(entries) = model.accounts.tfa.get_mut(call.get("userid")) {
            entries.retain(|entry| entry.id != call.get("id"));
        }
    });
    Ok(Value::Null.into())
}
