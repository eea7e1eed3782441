//! Users, groups, roles, ACL, realms, permissions.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::super::{Answer, Call};
use super::{Handled, tokens};
use crate::permissions::{Privileges, effective, privileges};
use crate::state::ops::split_list;
use crate::state::{AclEntry, ApiError, Caller, Group, Role, User};

type Result = std::result::Result<Answer, ApiError>;

pub(super) fn handle(call: &Call, route: (&str, &str)) -> Handled {
    let result = match route {
        ("GET", "/access/users") => Ok(users(call).into()),
        ("POST", "/access/users") => create_user(call),
        ("GET", "/access/users/{userid}") => user(call),
        ("PUT", "/access/users/{userid}") => update_user(call),
        ("DELETE", "/access/users/{userid}") => delete_user(call),
        ("GET", "/access/groups") => Ok(groups(call).into()),
        ("POST", "/access/groups") => create_group(call),
        ("GET", "/access/groups/{groupid}") => group(call),
        ("PUT", "/access/groups/{groupid}") => update_group(call),
        ("DELETE", "/access/groups/{groupid}") => delete_group(call),
        ("GET", "/access/roles") => Ok(roles(call).into()),
        ("POST", "/access/roles") => create_role(call),
        ("GET", "/access/roles/{roleid}") => role(call),
        ("PUT", "/access/roles/{roleid}") => update_role(call),
        ("DELETE", "/access/roles/{roleid}") => delete_role(call),
        ("GET", "/access/acl") => Ok(acl(call).into()),
        ("PUT", "/access/acl") => set_acl(call),
        ("GET", "/access/permissions") => permissions(call),
        ("GET", "/access/domains") => Ok(realms().into()),
        ("GET", "/access/domains/{realm}") => realm(call),
        _ => return None,
    };
    Some(result)
}

fn realms() -> Value {
    json!([
        { "realm": "pam", "type": "pam", "comment": "Linux PAM standard authentication" },
        { "realm": "pve", "type": "pve", "comment": "Proxmox VE authentication server" },
    ])
}

fn realm(call: &Call) -> Result {
    let wanted = call.get("realm");
    let all = realms();
    let found = all.as_array().into_iter().flatten().find(|realm| realm["realm"] == wanted);
    let found = found.ok_or_else(|| ApiError::died(format!("domain '{wanted}' does not exist")))?;
    Ok(json!({ "type": found["type"], "comment": found["comment"], "digest": "da39a3ee5e6b4b0d3255bfef95601890afd80709" }).into())
}

fn shown_user(user: &User) -> Value {
    let mut shown = json!({ "enable": u8::from(user.enable), "expire": user.expire });
    let texts = [
        ("comment", &user.comment),
        ("email", &user.email),
        ("firstname", &user.firstname),
        ("lastname", &user.lastname),
    ];
    for (key, value) in texts {
        if let Some(value) = value {
            shown[key] = json!(value);
        }
    }
    shown
}

fn users(call: &Call) -> Value {
    let all = call.host.read(|model| model.accounts.users.clone());
    let wide = call.may("/access/groups", &["User.Modify", "Sys.Audit"], true);
    let fits = |(id, user): &(String, User)| {
        (wide || *id == call.caller.user)
            && call.params.get("enabled").is_none_or(|wanted| (wanted == "1") == user.enable)
    };
    let shown = all.into_iter().filter(fits).map(|(id, user)| {
        let mut line = shown_user(&user);
        let realm = id.rsplit_once('@').map(|(_, realm)| realm).unwrap_or_default();
        line["userid"] = json!(id);
        line["realm-type"] = json!(realm);
        if call.flag("full") {
            line["groups"] = json!(user.groups.iter().cloned().collect::<Vec<_>>().join(","));
            line["tokens"] = Value::Array(tokens::of_user(call, &id));
        }
        line
    });
    Value::Array(shown.collect())
}

fn find_user(call: &Call) -> std::result::Result<User, ApiError> {
    let id = call.get("userid");
    call.host
        .read(|model| model.accounts.users.get(id).cloned())
        .ok_or_else(|| ApiError::died(format!("no such user ('{id}')")))
}

fn user(call: &Call) -> Result {
    let user = find_user(call)?;
    let mut shown = shown_user(&user);
    shown["groups"] = json!(user.groups);
    let mut tokens = json!({});
    for mut token in tokens::of_user(call, call.get("userid")) {
        let name = token["tokenid"].as_str().unwrap_or_default().to_owned();
        token.as_object_mut().and_then(|entries| entries.remove("tokenid"));
        tokens[name] = token;
    }
    shown["tokens"] = tokens;
    Ok(shown.into())
}

fn fill_user(call: &Call, user: &mut User) {
    let text = |key: &str, old: &Option<String>| call.params.get(key).cloned().or_else(|| old.clone());
    user.comment = text("comment", &user.comment);
    user.email = text("email", &user.email);
    user.firstname = text("firstname", &user.firstname);
    user.lastname = text("lastname", &user.lastname);
    user.password = text("password", &user.password);
    user.enable = call.params.get("enable").map_or(user.enable, |value| value == "1");
    user.expire = call.get("expire").parse().unwrap_or(user.expire);
    if let Some(groups) = call.params.get("groups") {
        let listed = split_list(groups);
        if !call.flag("append") {
            user.groups.clear();
        }
        user.groups.extend(listed);
    }
}

fn create_user(call: &Call) -> Result {
    let id = call.get("userid").to_owned();
    call.host.write(|model| {
        if model.accounts.users.contains_key(&id) {
            return Err(ApiError::died(format!("create user failed: user '{id}' already exists")));
        }
        let mut user = User { enable: true, email: Some(String::new()), ..User::default() };
        fill_user(call, &mut user);
        if let Some(missing) = user.groups.iter().find(|group| !model.accounts.groups.contains_key(*group)) {
            return Err(ApiError::died(format!("create user failed: no such group '{missing}'")));
        }
        model.accounts.users.insert(id, user);
        Ok(Value::Null.into())
    })
}

fn update_user(call: &Call) -> Result {
    let mut user = find_user(call)?;
    fill_user(call, &mut user);
    call.host.write(|model| model.accounts.users.insert(call.get("userid").to_owned(), user));
    Ok(Value::Null.into())
}

fn delete_user(call: &Call) -> Result {
    let id = call.get("userid");
    if id == "root@pam" {
        return Err(ApiError::died("delete user failed: unable to delete root user"));
    }
    find_user(call).map_err(|error| ApiError::died(format!("delete user failed: {}", error.message)))?;
    let prefix = format!("{id}!");
    call.host.write(|model| {
        model.accounts.users.remove(id);
        model.accounts.tfa.remove(id);
        model.accounts.tokens.retain(|authid, _| !authid.starts_with(&prefix));
        model.accounts.acl.retain(|entry| entry.ugid != id && !entry.ugid.starts_with(&prefix));
    });
    Ok(Value::Null.into())
}

fn members(call: &Call, group: &str) -> Vec<String> {
    let of_group = |(id, user): (&String, &User)| user.groups.contains(group).then(|| id.clone());
    call.host.read(|model| model.accounts.users.iter().filter_map(of_group).collect())
}

fn groups(call: &Call) -> Value {
    let all = call.host.read(|model| model.accounts.groups.clone());
    let may = |id: &str| {
        call.may(&format!("/access/groups/{id}"), &["User.Modify", "Sys.Audit", "Group.Allocate"], true)
    };
    let shown = all.into_iter().filter(|(id, _)| may(id)).map(|(id, group)| {
        let mut line = json!({ "groupid": id, "users": members(call, &id).join(",") });
        if let Some(comment) = group.comment {
            line["comment"] = json!(comment);
        }
        line
    });
    Value::Array(shown.collect())
}

fn find_group(call: &Call) -> std::result::Result<Group, ApiError> {
    let id = call.get("groupid");
    call.host
        .read(|model| model.accounts.groups.get(id).cloned())
        .ok_or_else(|| ApiError::died(format!("group '{id}' does not exist")))
}

fn group(call: &Call) -> Result {
    let group = find_group(call)?;
    let mut shown = json!({ "members": members(call, call.get("groupid")) });
    if let Some(comment) = group.comment {
        shown["comment"] = json!(comment);
    }
    Ok(shown.into())
}

fn create_group(call: &Call) -> Result {
    let id = call.get("groupid").to_owned();
    if find_group(call).is_ok() {
        return Err(ApiError::died(format!("create group failed: group '{id}' already exists")));
    }
    let comment = call.params.get("comment").cloned();
    call.host.write(|model| model.accounts.groups.insert(id, Group { comment }));
    Ok(Value::Null.into())
}

fn update_group(call: &Call) -> Result {
    let mut group = find_group(call)?;
    group.comment = call.params.get("comment").cloned().or(group.comment);
    call.host.write(|model| model.accounts.groups.insert(call.get("groupid").to_owned(), group));
    Ok(Value::Null.into())
}

fn delete_group(call: &Call) -> Result {
    find_group(call).map_err(|error| ApiError::died(format!("delete group failed: {}", error.message)))?;
    let id = call.get("groupid");
    call.host.write(|model| {
        model.accounts.groups.remove(id);
        model.accounts.acl.retain(|entry| entry.kind != "group" || entry.ugid != id);
        for user in model.accounts.users.values_mut() {
            user.groups.remove(id);
        }
    });
    Ok(Value::Null.into())
}

fn roles(call: &Call) -> Value {
    let line = |(id, role): (&String, &Role)| {
        let privileges = role.privs.iter().cloned().collect::<Vec<_>>().join(",");
        json!({ "roleid": id, "privs": privileges, "special": u8::from(role.special) })
    };
    call.host.read(|model| Value::Array(model.accounts.roles.iter().map(line).collect()))
}

fn find_role(call: &Call) -> std::result::Result<Role, ApiError> {
    let id = call.get("roleid");
    call.host
        .read(|model| model.accounts.roles.get(id).cloned())
        .ok_or_else(|| ApiError::died(format!("role '{id}' does not exist")))
}

fn role(call: &Call) -> Result {
    let role = find_role(call)?;
    let privileges: BTreeMap<&String, u8> = role.privs.iter().map(|privilege| (privilege, 1)).collect();
    Ok(json!(privileges).into())
}

fn listed_privileges(call: &Call) -> BTreeSet<String> {
    split_list(call.get("privs")).into_iter().collect()
}

fn create_role(call: &Call) -> Result {
    let id = call.get("roleid").to_owned();
    if find_role(call).is_ok() {
        return Err(ApiError::died(format!("create role failed: role '{id}' already exists")));
    }
    let role = Role { privs: listed_privileges(call), special: false };
    call.host.write(|model| model.accounts.roles.insert(id, role));
    Ok(Value::Null.into())
}

fn changeable(call: &Call, what: &str) -> std::result::Result<Role, ApiError> {
    let role =
        find_role(call).map_err(|error| ApiError::died(format!("{what} role failed: {}", error.message)))?;
    if role.special {
        let verb = if what == "delete" { "deleted" } else { "modified" };
        return Err(ApiError::died(format!("auto-generated role '{}' cannot be {verb}", call.get("roleid"))));
    }
    Ok(role)
}

fn update_role(call: &Call) -> Result {
    let mut role = changeable(call, "modify")?;
    if !call.flag("append") {
        role.privs.clear();
    }
    role.privs.extend(listed_privileges(call));
    call.host.write(|model| model.accounts.roles.insert(call.get("roleid").to_owned(), role));
    Ok(Value::Null.into())
}

fn delete_role(call: &Call) -> Result {
    changeable(call, "delete")?;
    let id = call.get("roleid");
    call.host.write(|model| {
        model.accounts.roles.remove(id);
        model.accounts.acl.retain(|entry| entry.roleid != id);
    });
    Ok(Value::Null.into())
}

fn acl(call: &Call) -> Value {
    let entries = call.host.read(|model| model.accounts.acl.clone());
    let wide = call.may("/access", &["Sys.Audit", "Permissions.Modify"], true);
    let seen =
        entries.into_iter().filter(|entry| wide || call.may(&entry.path, &["Permissions.Modify"], false));
    let line = |entry: AclEntry| {
        json!({
            "path": entry.path, "type": entry.kind, "ugid": entry.ugid, "roleid": entry.roleid,
            "propagate": u8::from(entry.propagate),
        })
    };
    Value::Array(seen.map(line).collect())
}

fn set_acl(call: &Call) -> Result {
    let kinds = [("users", "user"), ("groups", "group"), ("tokens", "token")];
    if !kinds.iter().any(|(name, _)| call.params.contains_key(*name)) {
        let errors = kinds.iter().map(|(name, _)| {
            ((*name).to_owned(), "either 'users', 'groups' or 'tokens' is required.".to_owned())
        });
        return Err(ApiError::params(errors.filter(|(name, _)| name == "users").collect()));
    }
    let path = format!("/{}", call.get("path").trim_matches('/'));
    let propagate = call.params.get("propagate").is_none_or(|value| value == "1");
    call.host.write(|model| {
        let mut changed = Vec::new();
        for roleid in split_list(call.get("roles")) {
            if !model.accounts.roles.contains_key(&roleid) {
                return Err(ApiError::died(format!("role '{roleid}' does not exist")));
            }
            for (name, kind) in kinds {
                for ugid in split_list(call.get(name)) {
                    let known = match kind {
                        "user" => model.accounts.users.contains_key(&ugid),
                        "group" => model.accounts.groups.contains_key(&ugid),
                        _ => model.accounts.tokens.contains_key(&ugid),
                    };
                    if !known {
                        return Err(ApiError::died(format!("{kind} '{ugid}' does not exist")));
                    }
                    let (path, roleid) = (path.clone(), roleid.clone());
                    changed.push(AclEntry { path, kind: kind.to_owned(), ugid, roleid, propagate });
                }
            }
        }
        for entry in changed {
            let same = |old: &AclEntry| {
                (&old.path, &old.ugid, &old.roleid) == (&entry.path, &entry.ugid, &entry.roleid)
            };
            model.accounts.acl.retain(|old| !same(old));
            if !call.flag("delete") {
                model.accounts.acl.push(entry);
            }
        }
        Ok(Value::Null.into())
    })
}

fn numbers(privileges: Privileges) -> BTreeMap<String, u8> {
    privileges.into_iter().map(|(privilege, propagate)| (privilege, u8::from(propagate))).collect()
}

fn permissions(call: &Call) -> Result {
    let asked = call.get("userid");
    let about = if asked.is_empty() || asked == call.caller.authid() {
        call.caller.clone()
    } else {
        let (user, token) =
            asked.split_once('!').map_or((asked, None), |(user, token)| (user, Some(token.to_owned())));
        let own_token = call.caller.token.is_none() && user == call.caller.user;
        if !own_token {
            call.require("/access", &["Sys.Audit"], false)?;
        }
        if !call.host.read(|model| model.accounts.users.contains_key(user)) {
            return Err(ApiError::died(format!("no such user ('{user}')")));
        }
        Caller { user: user.to_owned(), token }
    };
    let path = call.get("path");
    let shown = call.host.read(|model| {
        if path.is_empty() {
            let all = effective(model, &about);
            return json!(
                all.into_iter().map(|(path, found)| (path, numbers(found))).collect::<BTreeMap<_, _>>()
            );
        }
        json!({ path: numbers(privileges(model, &about, path)) })
    });
    Ok(shown.into())
}
