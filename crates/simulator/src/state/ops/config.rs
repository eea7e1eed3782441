//! The configuration file: reading, changing, what waits for a restart.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha1::{Digest, Sha1};

use super::{check_lock, net};
use crate::api::schema;
use crate::state::{ApiError, Caller, Container, Host, Params};

/// Items of a list parameter: comma, semicolon, blank or NUL between them.
pub fn split_list(text: &str) -> Vec<String> {
    text.split([',', ';', ' ', '\0']).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// A configuration value as the API shows it: integers and booleans as numbers, all else as text.
pub fn config_value(key: &str, text: &str) -> Value {
    let kind = schema::type_of("POST", "/nodes/{node}/lxc", key);
    match kind {
        Some("integer" | "boolean") => {
            text.parse::<i64>().map_or_else(|_| json!(text), |number| json!(number))
        }
        _ => json!(text),
    }
}

/// Options a running container takes over only at its next start.
fn waits_for_restart(key: &str) -> bool {
    matches!(
        key,
        "features"
            | "arch"
            | "cmode"
            | "console"
            | "tty"
            | "ostype"
            | "timezone"
            | "debug"
            | "entrypoint"
            | "env"
    ) || key.starts_with("dev")
}

/// The text of a configuration file, from which its digest is taken.
fn file_text(container: &Container) -> String {
    let lines = |entries: &BTreeMap<String, String>| -> String {
        let lines: Vec<String> = entries.iter().map(|(key, value)| format!("{key}: {value}\n")).collect();
        lines.concat()
    };
    let pending = if container.pending.is_empty() && container.pending_delete.is_empty() {
        String::new()
    } else {
        format!("\n[pve:pending]\n{}delete: {:?}\n", lines(&container.pending), container.pending_delete)
    };
    lines(&container.config) + &pending
}

/// SHA-1 of the configuration file.
pub(super) fn digest(container: &Container) -> String {
    hex::encode(Sha1::digest(file_text(container).as_bytes()))
}

fn order(value: &str) -> String {
    let mut tags = split_list(value);
    tags.sort_unstable();
    tags.dedup();
    tags.join(";")
}

/// A value as the host writes it into the file.
pub(super) fn normal_value(key: &str, value: &str) -> String {
    match key {
        "tags" => order(value),
        // Each line becomes a comment line, so the text ends with a newline.
        "description" if !value.is_empty() => format!("{}\n", value.trim_end_matches('\n')),
        _ if key.starts_with("net") && key[3..].parse::<u32>().is_ok() => net::normal_net(value),
        _ => value.to_owned(),
    }
}

impl Host {
    /// The configuration file key by key, without what is pending.
    pub fn config(&self, vmid: u32) -> Result<Params, ApiError> {
        self.with(vmid, |container| container.config.clone())
    }

    /// `GET …/config`: with `current` what runs, else with what is pending merged in.
    pub fn config_view(&self, vmid: u32, current: bool) -> Result<Value, ApiError> {
        self.with(vmid, |container| {
            let mut entries = container.config.clone();
            if !current {
                entries.retain(|key, _| !container.pending_delete.contains(key));
                entries.extend(container.pending.clone());
            }
            let mut shown: serde_json::Map<String, Value> =
                entries.iter().map(|(key, value)| (key.clone(), config_value(key, value))).collect();
            shown.insert("digest".to_owned(), json!(digest(container)));
            Value::Object(shown)
        })
    }

    /// `GET …/pending`.
    pub fn pending_view(&self, vmid: u32) -> Result<Value, ApiError> {
        self.with(vmid, |container| {
            let mut shown = vec![json!({ "key": "digest", "value": digest(container) })];
            for (key, value) in &container.config {
                let mut line = json!({ "key": key, "value": config_value(key, value) });
                if let Some(pending) = container.pending.get(key) {
                    line["pending"] = config_value(key, pending);
                }
                if container.pending_delete.contains(key) {
                    line["delete"] = json!(1);
                }
                shown.push(line);
            }
            let new = container.pending.iter().filter(|(key, _)| !container.config.contains_key(*key));
            shown.extend(new.map(|(key, value)| json!({ "key": key, "pending": config_value(key, value) })));
            Value::Array(shown)
        })
    }

    /// `PUT …/config` and `pct set`: `params` verified, without `node` and `vmid`.
    pub fn set_config(&self, caller: &Caller, vmid: u32, params: &Params) -> Result<(), ApiError> {
        let mut changes = params.clone();
        for own in ["node", "vmid"] {
            changes.remove(own);
        }
        let digest_given = changes.remove("digest");
        if changes.is_empty() {
            return Err(ApiError::died("no options specified"));
        }
        let delete = split_list(&changes.remove("delete").unwrap_or_default());
        let revert = split_list(&changes.remove("revert").unwrap_or_default());
        let old = self.with(vmid, Clone::clone)?;
        check_delete(&changes, &delete)?;
        self.check_config_permissions(
            caller,
            vmid,
            Some(&old),
            &changes,
            &delete,
            params.get("pool").map(String::as_str),
        )?;
        check_lock(&old)?;
        if digest_given.is_some_and(|given| given != digest(&old)) {
            return Err(ApiError::died(
                "detected modified configuration - file changed by other user? Try again.",
            ));
        }
        if changes.contains_key("unprivileged") {
            return Err(ApiError::died("unable to modify read-only option: 'unprivileged'"));
        }
        let disks = self.new_disks(caller, vmid, &mut changes)?;
        self.change(vmid, |container| apply(container, &changes, &delete, &revert))?;
        self.add_volumes(vmid, disks);
        Ok(())
    }
}

fn check_delete(changes: &Params, delete: &[String]) -> Result<(), ApiError> {
    for key in delete {
        if schema::type_of("PUT", "/nodes/{node}/lxc/{vmid}/config", key).is_none()
            && !key.starts_with("unused")
        {
            return Err(ApiError::param("delete", format!("unknown option '{key}'")));
        }
        if changes.contains_key(key) {
            return Err(ApiError::param(
                "delete",
                format!("Cannot set and delete property '{key}' at the same time!"),
            ));
        }
        if matches!(key.as_str(), "hostname" | "memory" | "rootfs") {
            return Err(ApiError::died(format!("unable to delete required option '{key}'")));
        }
        if matches!(key.as_str(), "unprivileged") {
            return Err(ApiError::died(format!("unable to delete read-only option: '{key}'")));
        }
    }
    Ok(())
}

fn apply(container: &mut Container, changes: &Params, delete: &[String], revert: &[String]) {
    let running = container.run.is_some();
    for key in revert {
        container.pending.remove(key);
        container.pending_delete.remove(key);
    }
    for key in delete {
        container.pending.remove(key);
        if running && waits_for_restart(key) && container.config.contains_key(key) {
            container.pending_delete.insert(key.clone());
        } else {
            container.config.remove(key);
        }
    }
    for (key, value) in changes {
        let value = normal_value(key, &keep_hwaddr(container, key, value));
        container.pending_delete.remove(key);
        if running && waits_for_restart(key) && container.config.get(key) != Some(&value) {
            container.pending.insert(key.clone(), value);
        } else {
            container.pending.remove(key);
            container.config.insert(key.clone(), value);
        }
    }
    if let Some(run) = &mut container.run {
        run.config.clone_from(&container.config);
    }
}

/// A network that is changed without naming its hardware address keeps it.
fn keep_hwaddr(container: &Container, key: &str, value: &str) -> String {
    let old = container.config.get(key).filter(|_| key.starts_with("net"));
    let hwaddr = old.and_then(|old| net::parse_properties(old, "").remove("hwaddr"));
    match hwaddr {
        Some(hwaddr) if !value.contains("hwaddr=") => format!("{value},hwaddr={hwaddr}"),
        _ => value.to_owned(),
    }
}
