//! Backups with `vzdump`, deletion of volumes, download of OS templates.

use time::OffsetDateTime;

use super::{check_lock, split_list};
use crate::clock;
use crate::permissions::allowed;
use crate::state::{ApiError, Caller, Host, Params, Volume};
use crate::tasks::TaskContext;

fn parts_of(epoch: i64) -> (String, String) {
    let at = OffsetDateTime::from_unix_timestamp(epoch).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (date, (hour, minute, second)) = (at.date(), at.to_hms());
    let (year, month, day) = (date.year(), u8::from(date.month()), date.day());
    let file = format!("{year:04}_{month:02}_{day:02}-{hour:02}_{minute:02}_{second:02}");
    (file, format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"))
}

impl Host {
    /// Backs containers up (`vzdump`).
    pub fn vzdump(&self, caller: &Caller, params: &Params) -> Result<String, ApiError> {
        let listed = split_list(params.get("vmid").map(String::as_str).unwrap_or_default());
        let vmids: Vec<u32> = if params.get("all").is_some_and(|value| value == "1") {
            self.list()
        } else {
            listed.iter().filter_map(|text| text.parse().ok()).collect()
        };
        if vmids.is_empty() && !params.contains_key("pool") {
            return Err(ApiError::param("vmid", "property is missing and it is not optional"));
        }
        let may =
            |vmid: &u32| self.read(|m| allowed(m, caller, &format!("/vms/{vmid}"), &["VM.Backup"], false));
        vmids.iter().try_for_each(may)?;
        let id = params.get("storage").cloned().unwrap_or_else(|| "local".to_owned());
        let storage = self.storage(&id)?;
        self.read(|m| allowed(m, caller, &format!("/storage/{id}"), &["Datastore.AllocateSpace"], false))?;
        if !storage.content.iter().any(|content| content == "backup") {
            return Err(ApiError::died(format!("storage '{id}' does not support backups")));
        }
        let mode = params.get("mode").cloned().unwrap_or_else(|| "snapshot".to_owned());
        let line = command_line(self.node(), params);
        let host = self.clone();
        let shown = if listed.len() == 1 { listed[0].clone() } else { String::new() };
        Ok(self.fork(caller, "vzdump", &shown, move |task| async move {
            task.log(format!("INFO: starting new backup job: {line}"));
            for vmid in vmids {
                host.back_up(&task, vmid, &id, &mode).await?;
            }
            task.log("INFO: Backup job finished successfully");
            Ok(())
        }))
    }

    async fn back_up(&self, task: &TaskContext, vmid: u32, storage: &str, mode: &str) -> Result<(), String> {
        let began = clock::now();
        let (stamp, shown) = parts_of(began);
        task.log(format!("INFO: Starting Backup of VM {vmid} (lxc)"));
        task.log(format!("INFO: Backup started at {shown}"));
        let lock = |container: &mut crate::state::Container| {
            check_lock(container)?;
            container.config.insert("lock".to_owned(), "backup".to_owned());
            Ok::<_, ApiError>(container.clone())
        };
        let container = self.change(vmid, lock).and_then(|result| result).map_err(|error| error.message)?;
        let status = if container.run.is_some() { "running" } else { "stopped" };
        let mode = if container.run.is_some() { mode } else { "stop" };
        let path = self.storage(storage).map_err(|error| error.message)?.path;
        let file = format!("vzdump-lxc-{vmid}-{stamp}.tar.zst");
        for text in [
            format!("status = {status}"),
            format!("backup mode: {mode}"),
            "ionice priority: 7".to_owned(),
            format!("CT Name: {}", container.name(vmid)),
            "including mount point rootfs ('/') in backup".to_owned(),
            format!("creating vzdump archive '{path}/dump/{file}'"),
        ] {
            task.log(format!("INFO: {text}"));
        }
        let written = task.work(4.0).await;
        self.unlock(vmid).map_err(|error| error.message)?;
        written?;
        let mut config = container.config.clone();
        config.remove("lock");
        config.insert("os_version".to_owned(), container.os_version.clone());
        self.keep_backup(storage, &format!("backup/{file}"), vmid, began, config);
        task.log("INFO: Total bytes written: 147087360 (141MiB, 25MiB/s)");
        task.log("INFO: archive file size: 44MB");
        let seconds = clock::now() - began;
        task.log(format!("INFO: Finished Backup of VM {vmid} (00:00:{seconds:02})"));
        task.log(format!("INFO: Backup finished at {}", parts_of(clock::now()).1));
        Ok(())
    }

    fn keep_backup(&self, storage: &str, name: &str, vmid: u32, ctime: i64, config: Params) {
        let volume = Volume {
            content: "backup".to_owned(),
            format: "tar.zst".to_owned(),
            size: 46_850_681,
            ctime,
            vmid: Some(vmid),
            config: Some(config),
            ..Volume::default()
        };
        self.write(|model| {
            if let Some(storage) = model.storages.get_mut(storage) {
                storage.volumes.insert(name.to_owned(), volume);
            }
        });
    }

    /// Deletes a volume (`imgdel`): `volume` with or without its storage.
    pub fn delete_volume(&self, caller: &Caller, storage: &str, volume: &str) -> Result<String, ApiError> {
        let name = volume.strip_prefix(&format!("{storage}:")).unwrap_or(volume).to_owned();
        let kept = self.storage(storage)?.volumes.get(&name).cloned();
        let path = format!("/storage/{storage}");
        self.read(|model| {
            if let Some(vmid) = kept.as_ref().and_then(|volume| volume.vmid)
                && allowed(model, caller, &path, &["Datastore.Allocate"], false).is_err()
            {
                allowed(model, caller, &path, &["Datastore.AllocateSpace"], false)?;
                return allowed(model, caller, &format!("/vms/{vmid}"), &["VM.Backup"], false);
            }
            allowed(model, caller, &path, &["Datastore.Allocate"], false)
        })?;
        if kept.as_ref().is_some_and(|volume| volume.protected) {
            return Err(ApiError::died(format!("cannot remove protected volume '{name}' on '{storage}'")));
        }
        let owner =
            kept.as_ref().and_then(|volume| volume.vmid).map(|vmid| format!("{vmid}@")).unwrap_or_default();
        let (host, id) = (self.clone(), storage.to_owned());
        Ok(self.fork(caller, "imgdel", &format!("{owner}{storage}"), move |task| async move {
            task.work(0.3).await?;
            let removed =
                host.write(|model| model.storages.get_mut(&id).and_then(|s| s.volumes.remove(&name)));
            if removed.is_none() {
                return Err(format!("unable to parse directory volume name '{name}'"));
            }
            task.log(format!("Removed volume '{id}:{name}'"));
            Ok(())
        }))
    }

    /// Downloads an OS template (`download`). The recorded host has no way out; a home lab has.
    pub fn download(
        &self,
        caller: &Caller,
        storage: &str,
        file: &str,
        location: &str,
    ) -> Result<String, ApiError> {
        let kept = self.storage(storage)?;
        if !kept.content.iter().any(|content| content == "vztmpl") {
            return Err(ApiError::param(
                "storage",
                format!("cannot download to storage '{storage}': no content type 'vztmpl'"),
            ));
        }
        let target = format!("{}/template/cache/{file}", kept.path);
        let offline = self.read(|model| model.recorded);
        let (host, id, file, location) =
            (self.clone(), storage.to_owned(), file.to_owned(), location.to_owned());
        Ok(self.fork(caller, "download", &file.clone(), move |task| async move {
            let (_, now) = parts_of(clock::now());
            task.log(format!("downloading {location} to {target}"));
            task.log(format!("--{now}--  {location}"));
            if offline {
                let name = "download.proxmox.com";
                task.log(format!("Resolving {name} ({name})... failed: Name or service not known."));
                return Err(format!("download failed: wget: unable to resolve host address '{name}'"));
            }
            task.log("HTTP request sent, awaiting response... 200 OK");
            download_log(&task, &file).await?;
            host.write(|model| {
                if let Some(storage) = model.storages.get_mut(&id) {
                    storage
                        .volumes
                        .insert(format!("vztmpl/{file}"), Volume::os_template(&file, OS_TEMPLATE_SIZE));
                }
            });
            task.log("calculating checksum...OK, checksum verified");
            task.log(format!("download of '{location}' to '{target}' finished"));
            Ok(())
        }))
    }
}

/// The size that every downloaded OS template has.
const OS_TEMPLATE_SIZE: u64 = 126_515_062;

/// What `wget --progress=dot:giga` writes: a line for each 32 MiB, with the share that has arrived.
async fn download_log(task: &TaskContext, file: &str) -> Result<(), String> {
    const LINE: u64 = 32 << 20;
    task.log(format!("Length: {OS_TEMPLATE_SIZE} (121M) [application/octet-stream]"));
    task.log(format!("Saving to: '/var/lib/vz/template/cache/{file}.tmp_dwnl'"));
    for begin in (0..OS_TEMPLATE_SIZE).step_by(32 << 20) {
        task.work(1.5).await?;
        let end = (begin + LINE).min(OS_TEMPLATE_SIZE);
        let percent = end * 100 / OS_TEMPLATE_SIZE;
        let dots = "........ ".repeat(usize::try_from((end - begin).div_ceil(LINE / 4)).unwrap_or(4));
        task.log(format!("{:>6}K {dots:<36}{percent:>3}% 21.3M 1s", begin >> 10));
    }
    Ok(())
}

impl Volume {
    /// An OS template as it lies in a storage.
    pub(crate) fn os_template(file: &str, size: u64) -> Self {
        let format = match file.rsplit('.').next() {
            Some("zst") => "tzst",
            Some("xz") => "txz",
            _ => "tgz",
        };
        Self {
            content: "vztmpl".to_owned(),
            format: format.to_owned(),
            size,
            ctime: clock::now(),
            ..Self::default()
        }
    }
}

fn command_line(node: &str, params: &Params) -> String {
    let vmids = split_list(params.get("vmid").map(String::as_str).unwrap_or_default()).join(" ");
    let mut line = format!("vzdump {vmids} --node {node}");
    for key in ["mode", "compress", "storage", "notes-template", "protected", "remove"] {
        if let Some(value) = params.get(key) {
            line = format!("{line} --{key} {value}");
        }
    }
    line
}
