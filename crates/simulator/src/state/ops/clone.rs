//! Clones, templates, snapshots.

use super::create::log_filesystem;
use super::view::bytes;
use super::{check_lock, net};
use crate::permissions::allowed;
use crate::state::{ApiError, Caller, Container, Host, Params};

/// What `rsync` prints after copying a small Debian.
const COPIED: [&str; 16] = [
    "",
    "Number of files: 6,599 (reg: 5,031, dir: 558, link: 1,010)",
    "Number of created files: 6,597 (reg: 5,031, dir: 556, link: 1,010)",
    "Number of deleted files: 0",
    "Number of regular files transferred: 5,029",
    "Total file size: 139,396,550 bytes",
    "Total transferred file size: 135,564,702 bytes",
    "Literal data: 135,564,702 bytes",
    "Matched data: 0 bytes",
    "File list size: 131,064",
    "File list generation time: 0.025 seconds",
    "File list transfer time: 0.000 seconds",
    "Total bytes sent: 135,989,997",
    "Total bytes received: 101,490",
    "",
    "sent 135,989,997 bytes  received 101,490 bytes  11,834,042.35 bytes/sec",
];

impl Host {
    /// Copies a container (`vzclone`).
    pub fn clone_container(&self, caller: &Caller, vmid: u32, params: &Params) -> Result<String, ApiError> {
        let newid: u32 = params.get("newid").and_then(|text| text.parse().ok()).unwrap_or_default();
        let full = params.get("full").is_some_and(|value| value == "1");
        let source = self.with(vmid, Clone::clone)?;
        check_lock(&source)?;
        if let Some(node) = self.node_of(newid) {
            return Err(ApiError::died(format!("CT {newid} already exists on node '{node}'")));
        }
        if source.run.is_some() {
            return Err(ApiError::died("Cannot do full clones on a running container without snapshots"));
        }
        if params.contains_key("storage") && !full && !source.is_template() {
            return Err(ApiError::died("parameter 'storage' not allowed for linked clones"));
        }
        let rootfs = source.config.get("rootfs").cloned().unwrap_or_default();
        let mut parts = net::parse_properties(&rootfs, "volume");
        let volume = parts.remove("volume").unwrap_or_default();
        let own = volume.split_once(':').map(|(storage, _)| storage.to_owned()).unwrap_or_default();
        let storage = params.get("storage").cloned().unwrap_or(own);
        self.check_rootdir(caller, &storage)?;
        let size = parts.get("size").map_or(0, |size| bytes(size));
        let disk = (storage.clone(), format!("{newid}/vm-{newid}-disk-0.raw"), size);
        let copy = copied(
            &source,
            newid,
            params,
            &super::disk::write_volume(&format!("{storage}:{}", disk.1), &parts),
        );
        self.write(|model| {
            let mut reserved = Container::default();
            reserved.config.insert("lock".to_owned(), "create".to_owned());
            model.containers.insert(newid, reserved);
        });
        let host = self.clone();
        Ok(self.fork(caller, "vzclone", &vmid.to_string(), move |task| async move {
            task.log(format!("creating a clone of container {vmid} with ID {newid}"));
            task.log(format!("create full clone of mountpoint rootfs ({volume})"));
            let path = host.storage(&disk.0).map_err(|error| error.message)?.disk_path(&disk.1);
            task.log(format!("Formatting '{path}', fmt=raw size={size} preallocation=off"));
            log_filesystem(&task, size);
            if let Err(reason) = task.work(2.0).await {
                host.write(|model| model.containers.remove(&newid));
                return Err(format!("clone failed: {reason}"));
            }
            for line in COPIED {
                task.log(line);
            }
            task.log("total size is 139,396,550  speedup is 1.02");
            host.add_volumes(newid, vec![disk]);
            host.change(newid, |container| *container = copy).map_err(|error| error.message)?;
            let spec = host.guest_spec(newid).map_err(|error| error.message)?;
            host.guests().create(&spec).await.map_err(|error| error.to_string())
        }))
    }

    /// Converts a container to a template (`vztemplate`).
    pub fn convert(&self, caller: &Caller, vmid: u32) -> Result<(), ApiError> {
        let container = self.with(vmid, Clone::clone)?;
        check_lock(&container)?;
        if container.is_template() {
            return Err(ApiError::died("you can't convert a CT to template if it's already a template"));
        }
        if container.run.is_some() {
            return Err(ApiError::died("you can't convert a CT to template if the CT is running"));
        }
        let host = self.clone();
        self.fork(caller, "vztemplate", &vmid.to_string(), move |task| async move {
            task.work(0.5).await?;
            let convert =
                |container: &mut Container| container.config.insert("template".to_owned(), "1".to_owned());
            host.change(vmid, convert).map(|_| ()).map_err(|error| error.message)
        });
        Ok(())
    }

    /// Takes a snapshot (`vzsnapshot`): disks in raw files cannot, and a directory is all there is.
    pub fn snapshot(&self, caller: &Caller, vmid: u32) -> String {
        let host = self.clone();
        self.fork(caller, "vzsnapshot", &vmid.to_string(), move |task| async move {
            host.with(vmid, check_lock).and_then(|result| result).map_err(|error| error.message)?;
            task.work(0.3).await?;
            Err("snapshot feature is not available".to_owned())
        })
    }

    /// Deletes a snapshot (`vzdelsnapshot`): there is none.
    pub fn delete_snapshot(&self, caller: &Caller, vmid: u32, name: &str) -> String {
        let (host, name) = (self.clone(), name.to_owned());
        self.fork(caller, "vzdelsnapshot", &vmid.to_string(), move |task| async move {
            host.with(vmid, |_| ()).map_err(|error| error.message)?;
            task.work(0.2).await?;
            Err(format!("snapshot '{name}' does not exist"))
        })
    }

    /// Whether `caller` may see a container in lists.
    pub fn may_see(&self, caller: &Caller, vmid: u32) -> bool {
        self.read(|model| allowed(model, caller, &format!("/vms/{vmid}"), &["VM.Audit"], false).is_ok())
    }
}

fn copied(source: &Container, newid: u32, params: &Params, rootfs: &str) -> Container {
    let mut copy = Container { run: None, ..source.clone() };
    copy.config.remove("template");
    copy.config.insert("rootfs".to_owned(), rootfs.to_owned());
    let hostname = params.get("hostname").cloned().unwrap_or_else(|| format!("CT{newid}"));
    copy.config.insert("hostname".to_owned(), hostname);
    if let Some(text) = params.get("description") {
        copy.config.insert("description".to_owned(), super::config::normal_value("description", text));
    }
    for (key, value) in copy.config.iter_mut().filter(|(key, _)| key.starts_with("net")) {
        let mut parts = net::parse_properties(value, "");
        parts.remove("hwaddr");
        let text: Vec<String> = parts.iter().map(|(key, value)| format!("{key}={value}")).collect();
        *value = super::config::normal_value(key, &text.join(","));
    }
    copy
}
