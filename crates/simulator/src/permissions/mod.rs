//! Who may do what: `PVE::AccessControl` in small. Roles gather along a path, the deepest entry wins, a token with
//! separated privileges has no more than its user.

mod check;
mod roles;

pub use check::{Denied, allowed, check_expression};
pub use roles::{PRIVILEGES, built_in_roles};

use std::collections::BTreeMap;

use crate::state::{Caller, Model};

/// Privilege to whether it propagates to deeper paths.
pub type Privileges = BTreeMap<String, bool>;

/// All privileges of `caller` on `path`.
pub fn privileges(model: &Model, caller: &Caller, path: &str) -> Privileges {
    let user = Caller { user: caller.user.clone(), token: None };
    let mut own = of_authid(model, &user, path);
    if caller.token.is_some() && model.accounts.tokens.get(&caller.authid()).is_none_or(|token| token.privsep)
    {
        let granted = of_authid(model, caller, path);
        own.retain(|privilege, propagate| {
            granted.get(privilege).is_some_and(|also| {
                *propagate = *propagate && *also;
                true
            })
        });
    }
    own
}

fn of_authid(model: &Model, caller: &Caller, path: &str) -> Privileges {
    if caller.is_root() {
        return PRIVILEGES.iter().map(|privilege| ((*privilege).to_owned(), true)).collect();
    }
    let mut found = expand(model, &roles(model, caller, path));
    for (pool, members) in &model.accounts.pools {
        let inside = path
            .strip_prefix("/vms/")
            .and_then(|id| id.parse().ok())
            .is_some_and(|id| members.vms.contains(&id))
            || path.strip_prefix("/storage/").is_some_and(|id| members.storages.contains(id));
        if inside {
            found.extend(expand(model, &roles(model, caller, &format!("/pool/{pool}"))));
        }
    }
    found
}

fn expand(model: &Model, roles: &BTreeMap<String, bool>) -> Privileges {
    let mut found = Privileges::new();
    if roles.contains_key("NoAccess") {
        return found;
    }
    for (role, propagate) in roles {
        for privilege in model.accounts.roles.get(role).into_iter().flat_map(|role| &role.privs) {
            *found.entry(privilege.clone()).or_default() |= propagate;
        }
    }
    found
}

/// Roles on `path`: level by level, an entry for the user or token beats those of groups and of the levels above.
fn roles(model: &Model, caller: &Caller, path: &str) -> BTreeMap<String, bool> {
    let authid = caller.authid();
    let mut effective = BTreeMap::new();
    for level in levels(path) {
        let last = level == path;
        let here = |kind: &str, ugid: &str| -> BTreeMap<String, bool> {
            let matching =
                model.accounts.acl.iter().filter(|entry| entry.path == level && entry.kind == kind);
            matching
                .filter(|entry| entry.ugid == ugid && (last || entry.propagate))
                .map(|entry| (entry.roleid.clone(), entry.propagate))
                .collect()
        };
        let kind = if caller.token.is_some() { "token" } else { "user" };
        let own = here(kind, &authid);
        let groups = if caller.token.is_some() {
            BTreeMap::new()
        } else {
            let groups = model.accounts.users.get(&caller.user).into_iter().flat_map(|user| &user.groups);
            groups.flat_map(|group| here("group", group)).collect()
        };
        if !own.is_empty() {
            effective = own;
        } else if !groups.is_empty() {
            effective = groups;
        }
    }
    effective
}

/// `/`, `/vms`, `/vms/101` for `/vms/101`.
fn levels(path: &str) -> Vec<String> {
    let mut levels = vec!["/".to_owned()];
    let mut so_far = String::new();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        so_far = format!("{so_far}/{part}");
        levels.push(so_far.clone());
    }
    levels
}

/// `/access/permissions` without a path: the top-level paths and those with an ACL, where there is any privilege.
pub fn effective(model: &Model, caller: &Caller) -> BTreeMap<String, Privileges> {
    let top = ["/", "/access", "/access/groups", "/nodes", "/pool", "/sdn", "/storage", "/vms"];
    let paths = top
        .iter()
        .map(|path| (*path).to_owned())
        .chain(model.accounts.acl.iter().map(|entry| entry.path.clone()));
    paths
        .map(|path| (path.clone(), privileges(model, caller, &path)))
        .filter(|(_, found)| !found.is_empty())
        .collect()
}

/// The `cap` of a ticket: what the web interface may offer, by area.
pub fn capabilities(model: &Model, caller: &Caller) -> BTreeMap<String, BTreeMap<String, u8>> {
    let areas = ["vms", "access", "storage", "nodes", "sdn", "dc", "mapping"];
    let mut found: BTreeMap<String, BTreeMap<String, u8>> =
        areas.iter().map(|area| ((*area).to_owned(), BTreeMap::new())).collect();
    let required = ["/", "/nodes", "/access/groups", "/vms", "/storage", "/sdn", "/mapping"];
    let paths = required
        .iter()
        .map(|path| (*path).to_owned())
        .chain(model.accounts.acl.iter().map(|entry| entry.path.clone()));
    for path in paths {
        let area = path.split('/').nth(1).filter(|area| !area.is_empty()).unwrap_or("dc").to_owned();
        for privilege in privileges(model, caller, &path).into_keys() {
            let homes = if area == "pool" { vec!["vms", "storage", "nodes"] } else { vec![area.as_str()] };
            for home in homes.into_iter().filter(|home| belongs(home, &privilege)) {
                found.entry(home.to_owned()).or_default().insert(privilege.clone(), 1);
            }
        }
    }
    found
}

fn belongs(area: &str, privilege: &str) -> bool {
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| privilege.starts_with(prefix));
    match area {
        "vms" => starts(&["VM.", "Permissions.Modify"]),
        "access" => starts(&["User.", "Group.", "Permissions.Modify"]),
        "storage" => starts(&["Datastore.", "Permissions.Modify"]),
        "nodes" => starts(&["Sys.", "Permissions.Modify"]),
        "sdn" => starts(&["SDN.", "Permissions.Modify"]),
        "dc" => starts(&["Sys.Audit", "Sys.Modify", "SDN."]),
        "mapping" => starts(&["Mapping.", "Permissions.Modify"]),
        _ => false,
    }
}
