//! Disks: allocation, growth, moving.

use super::view::{bytes, size_text};
use super::{check_lock, net};
use crate::clock;
use crate::faults::Fault;
use crate::state::{ApiError, Caller, Host, Params, Storage, Volume};

/// A disk that is to be allocated: storage, volume name, bytes.
pub(super) type NewDisk = (String, String, u64);

/// Larger than this no `raw` file can be on the storage's file system.
const LARGEST: u64 = 16 * 1024 * 1024 * 1024 * 1024;

impl Storage {
    /// Bytes taken: what is not a volume, and what the volumes really take.
    pub(crate) fn used(&self) -> u64 {
        self.base_used + self.volumes.values().map(|volume| volume.used.unwrap_or(volume.size)).sum::<u64>()
    }

    /// Whether it is enabled and mounted.
    pub(crate) fn is_active(&self) -> bool {
        !self.disable && !self.broken
    }

    /// The file of a container's disk.
    pub(super) fn disk_path(&self, volume: &str) -> String {
        format!("{}/images/{volume}", self.path)
    }
}

impl Host {
    /// The storage, enabled, or the error Proxmox gives.
    pub(crate) fn storage(&self, id: &str) -> Result<Storage, ApiError> {
        let found = self.read(|model| model.storages.get(id).cloned());
        let storage = found.ok_or_else(|| ApiError::died(format!("storage '{id}' does not exist")))?;
        if storage.disable {
            return Err(ApiError::died(format!("storage '{id}' is disabled")));
        }
        Ok(storage)
    }

    /// Activates a storage: the broken one fails here.
    pub(crate) fn activate(&self, id: &str) -> Result<(), String> {
        let storage = self.storage(id).map_err(|error| error.message)?;
        if storage.broken {
            let path = &storage.path;
            return Err(format!(
                "unable to activate storage '{id}' - directory is expected to be a mount point but is not mounted: '{path}'"
            ));
        }
        Ok(())
    }

    /// Checks that a storage takes containers, as each creation and each new disk does.
    pub(super) fn check_rootdir(&self, caller: &Caller, id: &str) -> Result<(), ApiError> {
        let storage = self.storage(id)?;
        if !storage.content.iter().any(|content| content == "rootdir") {
            return Err(ApiError::param(
                "storage",
                format!("storage '{id}' does not support container directories"),
            ));
        }
        let path = format!("/storage/{id}");
        self.read(|model| {
            crate::permissions::allowed(model, caller, &path, &["Datastore.AllocateSpace"], false)
        })?;
        self.activate(id).map_err(ApiError::died)
    }

    /// Replaces `local-ct:4` by the volume it will be, for each disk option.
    pub(super) fn new_disks(
        &self,
        caller: &Caller,
        vmid: u32,
        options: &mut Params,
    ) -> Result<Vec<NewDisk>, ApiError> {
        let mut disks = Vec::new();
        let keys: Vec<String> =
            options.keys().filter(|key| *key == "rootfs" || is_mount_point(key)).cloned().collect();
        for key in keys {
            let mut parts = net::parse_properties(&options[&key], "volume");
            let volume = parts.remove("volume").unwrap_or_default();
            let Some((storage, size)) = volume.split_once(':') else { continue };
            let Ok(gigabytes) = size.parse::<f64>() else { continue };
            self.check_rootdir(caller, storage)?;
            let number = self.free_number(vmid, storage, disks.len());
            let name = format!("{vmid}/vm-{vmid}-disk-{number}.raw");
            let size = bytes(&format!("{gigabytes}G"));
            parts.insert("size".to_owned(), size_text(size));
            options.insert(key, write_volume(&format!("{storage}:{name}"), &parts));
            disks.push((storage.to_owned(), name, size));
        }
        Ok(disks)
    }

    fn free_number(&self, vmid: u32, storage: &str, taken: usize) -> usize {
        self.read(|model| {
            let prefix = format!("{vmid}/");
            let volumes = model
                .storages
                .get(storage)
                .map(|s| s.volumes.keys().filter(|v| v.starts_with(&prefix)).count());
            volumes.unwrap_or_default() + taken
        })
    }

    /// Why a disk of that size cannot be made; the text of `qemu-img`.
    pub(super) fn refuse_disk(&self, (storage, name, size): &NewDisk) -> Result<(), String> {
        let storage = self.storage(storage).map_err(|error| error.message)?;
        let path = storage.disk_path(name);
        if *size > LARGEST {
            return Err(format!(
                "unable to create image: qemu-img: {path}: The image size is too large for file format 'raw'"
            ));
        }
        if self.faults().any(|fault| matches!(fault, Fault::DiskFull)) {
            return Err(format!(
                "unable to create image: qemu-img: {path}: error while writing: No space left on device"
            ));
        }
        Ok(())
    }

    /// Puts allocated disks into their storages.
    pub(super) fn add_volumes(&self, vmid: u32, disks: Vec<NewDisk>) {
        self.write(|model| {
            for (storage, name, size) in disks {
                let volume = Volume {
                    content: "rootdir".to_owned(),
                    format: "raw".to_owned(),
                    size,
                    used: Some(size.min(223_068_160)),
                    ctime: clock::now(),
                    vmid: Some(vmid),
                    ..Volume::default()
                };
                if let Some(storage) = model.storages.get_mut(&storage) {
                    storage.volumes.insert(name, volume);
                }
            }
        });
    }

    /// Removes the disks of a container from the storages.
    pub(super) fn drop_volumes(&self, vmid: u32) {
        let prefix = format!("{vmid}/");
        self.write(|model| {
            for storage in model.storages.values_mut() {
                storage.volumes.retain(|name, _| !name.starts_with(&prefix));
            }
        });
    }

    /// Grows a disk (`resize`); `size` may start with `+`.
    pub fn resize(&self, caller: &Caller, vmid: u32, params: &Params) -> Result<String, ApiError> {
        let key = params.get("disk").cloned().unwrap_or_default();
        let asked = params.get("size").cloned().unwrap_or_default();
        let (lock, value) = self.with(vmid, |c| (check_lock(c), c.config.get(&key).cloned()))?;
        lock?;
        let value = value.ok_or_else(|| ApiError::died(format!("no such mount point '{key}'")))?;
        let mut parts = net::parse_properties(&value, "volume");
        let volume = parts.remove("volume").unwrap_or_default();
        let old = parts.get("size").map_or(0, |size| bytes(size));
        let new = asked.strip_prefix('+').map_or_else(|| bytes(&asked), |more| old + bytes(more));
        if new < old {
            return Err(ApiError::died("unable to shrink disk size"));
        }
        parts.insert("size".to_owned(), size_text(new));
        let host = self.clone();
        Ok(self.fork(caller, "resize", &vmid.to_string(), move |task| async move {
            let _held = host.hold_config(vmid).await?;
            task.work(0.6).await?;
            host.set_volume_size(vmid, &key, &volume, &parts, new);
            let blocks = new / 4096;
            let running = host.is_running(vmid);
            task.log("Image resized.");
            task.log("resize2fs 1.47.2 (1-Jan-2025)");
            if running {
                task.log("Filesystem at /dev/loop1 is mounted on /tmp; on-line resizing required");
                task.log("old_desc_blocks = 1, new_desc_blocks = 1");
                task.log(format!("The filesystem on /dev/loop1 is now {blocks} (4k) blocks long."));
            } else {
                task.log(format!("The filesystem on /dev/loop1 is now {blocks} (4k) blocks long."));
            }
            task.log("");
            Ok(())
        }))
    }

    fn set_volume_size(&self, vmid: u32, key: &str, volume: &str, parts: &Params, size: u64) {
        self.write(|model| {
            if let Some((storage, name)) = volume.split_once(':')
                && let Some(kept) =
                    model.storages.get_mut(storage).and_then(|storage| storage.volumes.get_mut(name))
            {
                kept.size = size;
            }
            if let Some(container) = model.containers.get_mut(&vmid) {
                container.config.insert(key.to_owned(), write_volume(volume, parts));
            }
        });
    }

    /// Moves a disk to another storage (`move_volume`).
    pub fn move_volume(&self, caller: &Caller, vmid: u32, params: &Params) -> Result<String, ApiError> {
        let key = params.get("volume").cloned().unwrap_or_default();
        let target = params.get("storage").cloned().unwrap_or_default();
        let container = self.with(vmid, Clone::clone)?;
        check_lock(&container)?;
        if container.run.is_some() {
            return Err(ApiError::died("cannot move volumes of a running container"));
        }
        let value = container.config.get(&key).cloned();
        let value = value.ok_or_else(|| ApiError::died(format!("volume '{key}' does not exist")))?;
        let parts = net::parse_properties(&value, "volume");
        let volume = parts.get("volume").cloned().unwrap_or_default();
        let (source, name) =
            volume.split_once(':').map(|(s, n)| (s.to_owned(), n.to_owned())).unwrap_or_default();
        if source == target {
            return Err(ApiError::died(format!("you can't move a volume to the same storage: '{target}'")));
        }
        self.check_rootdir(caller, &target)?;
        let host = self.clone();
        Ok(self.fork(caller, "move_volume", &vmid.to_string(), move |task| async move {
            let _held = host.hold_config(vmid).await?;
            task.log(format!("create full clone of mountpoint {key} ({volume})"));
            task.work(2.0).await?;
            host.write(|model| {
                let moved = model.storages.get_mut(&source).and_then(|storage| storage.volumes.remove(&name));
                if let (Some(moved), Some(storage)) = (moved, model.storages.get_mut(&target)) {
                    storage.volumes.insert(name.clone(), moved);
                }
                if let Some(container) = model.containers.get_mut(&vmid) {
                    let text = write_volume(&format!("{target}:{name}"), &without_volume(&parts));
                    container.config.insert(key.clone(), text);
                }
            });
            Ok(())
        }))
    }
}

fn without_volume(parts: &Params) -> Params {
    parts.iter().filter(|(key, _)| *key != "volume").map(|(k, v)| (k.clone(), v.clone())).collect()
}

fn is_mount_point(key: &str) -> bool {
    key.strip_prefix("mp").is_some_and(|index| index.parse::<u32>().is_ok())
}

/// Volume first, the rest sorted.
pub(super) fn write_volume(volume: &str, parts: &Params) -> String {
    let rest = parts.iter().map(|(key, value)| format!(",{key}={value}"));
    format!("{volume}{}", rest.collect::<String>())
}
