//! Storages, their content, OS templates to download, backups.

use serde_json::{Value, json};

use super::super::{Answer, Call};
use super::Handled;
use crate::state::{ApiError, Storage, Volume};

type Result = std::result::Result<Answer, ApiError>;

/// What may be downloaded, as the host's list has it.
const APPLIANCES: &str = include_str!("../aplinfo.json");

pub(super) fn handle(call: &Call, route: (&str, &str)) -> Handled {
    let worker = |upid: std::result::Result<String, ApiError>| upid.map(|upid| json!(upid).into());
    let result = match route {
        ("GET", "/storage") => Ok(configured(call).into()),
        ("GET", "/storage/{storage}") => one_configured(call),
        ("GET", "/nodes/{node}/storage") => Ok(list(call).into()),
        ("GET", "/nodes/{node}/storage/{storage}/status") => status(call),
        ("GET", "/nodes/{node}/storage/{storage}/content") => content(call),
        ("GET", "/nodes/{node}/storage/{storage}/content/{volume}") => volume(call),
        ("PUT", "/nodes/{node}/storage/{storage}/content/{volume}") => set_volume(call),
        ("DELETE", "/nodes/{node}/storage/{storage}/content/{volume}") => {
            worker(call.host.delete_volume(&call.caller, call.get("storage"), call.get("volume")))
        }
        ("GET", "/nodes/{node}/aplinfo") => Ok(appliances().into()),
        ("POST", "/nodes/{node}/aplinfo") => worker(download(call)),
        ("POST", "/nodes/{node}/vzdump") => worker(call.host.vzdump(&call.caller, &call.params)),
        _ => return None,
    };
    Some(result)
}

fn appliances() -> Value {
    serde_json::from_str(APPLIANCES).expect("aplinfo.json is part of the program and parses")
}

fn download(call: &Call) -> std::result::Result<String, ApiError> {
    let list = appliances();
    let wanted = call.get("template");
    let found = list.as_array().into_iter().flatten().find(|appliance| appliance["template"] == wanted);
    let location = found.and_then(|appliance| appliance["location"].as_str());
    let location = location.ok_or_else(|| ApiError::param("template", "no such template"))?;
    call.host.download(&call.caller, call.get("storage"), wanted, location)
}

fn seen(call: &Call) -> Vec<(String, Storage)> {
    let all = call.host.read(|model| model.storages.clone());
    let may =
        |id: &str| call.may(&format!("/storage/{id}"), &["Datastore.Audit", "Datastore.AllocateSpace"], true);
    all.into_iter().filter(|(id, _)| may(id)).collect()
}

fn config_line(id: &str, storage: &Storage) -> Value {
    let mut shown = json!({
        "storage": id, "type": "dir", "path": storage.path, "content": storage.content.join(","),
        "digest": "fb052205c12ff8a2b0884e4cbb159714407359f7",
    });
    if storage.disable {
        shown["disable"] = json!(1);
    }
    if storage.is_mountpoint {
        shown["is_mountpoint"] = json!("1");
    }
    shown
}

fn configured(call: &Call) -> Value {
    let of_type = |_: &&(String, Storage)| matches!(call.get("type"), "" | "dir");
    Value::Array(seen(call).iter().filter(of_type).map(|(id, storage)| config_line(id, storage)).collect())
}

fn one_configured(call: &Call) -> Result {
    let id = call.get("storage");
    let found = call.host.read(|model| model.storages.get(id).cloned());
    let storage = found.ok_or_else(|| ApiError::died(format!("storage '{id}' does not exist")))?;
    Ok(config_line(id, &storage).into())
}

fn figures(storage: &Storage) -> Value {
    let active = storage.is_active();
    let used = if active { storage.used() } else { 0 };
    let total = if active { storage.total } else { 0 };
    json!({
        "type": "dir", "content": storage.content.join(","), "shared": 0, "enabled": u8::from(!storage.disable),
        "active": u8::from(active), "total": total, "used": used,
        // A share of the file system is kept for root.
        "avail": total.saturating_sub(used).saturating_sub(total / 19),
    })
}

fn list(call: &Call) -> Value {
    let wanted = crate::state::ops::split_list(call.get("content"));
    let only = call.get("storage");
    let fits = |(id, storage): &&(String, Storage)| {
        (only.is_empty() || only == id)
            && (wanted.is_empty() || wanted.iter().any(|kind| storage.content.contains(kind)))
            && !(call.flag("enabled") && storage.disable)
    };
    let line = |(id, storage): &(String, Storage)| {
        let mut shown = figures(storage);
        shown["storage"] = json!(id);
        if storage.is_active() {
            shown["used_fraction"] = json!(storage.used() as f64 / storage.total.max(1) as f64);
        }
        shown
    };
    Value::Array(seen(call).iter().filter(fits).map(line).collect())
}

fn status(call: &Call) -> Result {
    let id = call.get("storage");
    let found = call.host.read(|model| model.storages.get(id).cloned());
    let storage = found.ok_or_else(|| ApiError::died(format!("storage '{id}' does not exist")))?;
    Ok(figures(&storage).into())
}

fn line(id: &str, name: &str, volume: &Volume) -> Value {
    let mut shown = json!({
        "volid": format!("{id}:{name}"), "content": volume.content, "format": volume.format, "size": volume.size,
        "ctime": volume.ctime,
    });
    if let Some(vmid) = volume.vmid {
        shown["vmid"] = json!(vmid);
    }
    if matches!(volume.content.as_str(), "rootdir" | "images") {
        shown["used"] = json!(volume.used.unwrap_or(volume.size));
        shown["parent"] = Value::Null;
    }
    if volume.content == "backup" {
        shown["subtype"] = json!("lxc");
    }
    if let Some(notes) = &volume.notes {
        shown["notes"] = json!(notes);
    }
    if volume.protected {
        shown["protected"] = json!(1);
    }
    shown
}

fn content(call: &Call) -> Result {
    let id = call.get("storage");
    let storage = call.host.storage(id)?;
    call.host.activate(id).map_err(ApiError::died)?;
    let (kind, vmid) = (call.get("content"), call.params.get("vmid"));
    let manager = call.may(&format!("/storage/{id}"), &["Datastore.Allocate"], false);
    let fits = |volume: &Volume| {
        let owner = volume.vmid.map(|vmid| vmid.to_string());
        let may = manager
            || volume.vmid.is_none_or(|vmid| {
                let privilege = if volume.content == "backup" { "VM.Backup" } else { "VM.Config.Disk" };
                call.may(&format!("/vms/{vmid}"), &[privilege], false)
            });
        may && (kind.is_empty() || kind == volume.content)
            && vmid.is_none_or(|vmid| owner.as_ref() == Some(vmid))
    };
    let shown = storage
        .volumes
        .iter()
        .filter(|(_, volume)| fits(volume))
        .map(|(name, volume)| line(id, name, volume));
    Ok(Value::Array(shown.collect()).into())
}

fn find(call: &Call) -> std::result::Result<(String, Storage, Volume), ApiError> {
    let id = call.get("storage");
    let asked = call.get("volume");
    let name = asked.strip_prefix(&format!("{id}:")).unwrap_or(asked).to_owned();
    let storage = call.host.storage(id)?;
    let missing = || ApiError::died(format!("volume '{id}:{name}' does not exist"));
    let volume = storage.volumes.get(&name).cloned().ok_or_else(missing)?;
    call.require(&format!("/storage/{id}"), &["Datastore.AllocateSpace", "Datastore.Audit"], true)?;
    Ok((name, storage, volume))
}

fn volume(call: &Call) -> Result {
    let (name, storage, volume) = find(call)?;
    let file = name.split_once('/').map_or(name.as_str(), |(_, file)| file);
    let folder = match volume.content.as_str() {
        "vztmpl" => "template/cache".to_owned(),
        "backup" => "dump".to_owned(),
        "iso" => "template/iso".to_owned(),
        _ => format!("images/{}", volume.vmid.unwrap_or_default()),
    };
    let mut shown = json!({
        "path": format!("{}/{folder}/{file}", storage.path), "size": volume.size, "format": volume.format,
        "used": volume.used.unwrap_or(volume.size),
    });
    if let Some(notes) = &volume.notes {
        shown["notes"] = json!(notes);
    }
    if volume.protected {
        shown["protected"] = json!(1);
    }
    Ok(shown.into())
}

fn set_volume(call: &Call) -> Result {
    let (name, _, _) = find(call)?;
    call.require(&format!("/storage/{}", call.get("storage")), &["Datastore.Allocate"], false)?;
    call.host.write(|model| {
        let kept =
            model.storages.get_mut(call.get("storage")).and_then(|storage| storage.volumes.get_mut(&name));
        if let Some(volume) = kept {
            if let Some(notes) = call.params.get("notes") {
                volume.notes = Some(notes.clone());
            }
            volume.protected = call.params.get("protected").map_or(volume.protected, |value| value == "1");
        }
    });
    Ok(Value::Null.into())
}
