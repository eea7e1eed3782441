//! Creation from an OS template and restore from a backup.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use rand::Rng;

use super::disk::NewDisk;
use super::{config, power};
use crate::permissions::allowed;
use crate::state::{ApiError, Caller, Container, Host, Params};
use crate::tasks::TaskContext;

/// What a worker needs to make the container that was asked for.
#[derive(Debug)]
struct Plan {
    vmid: u32,
    archive: String,
    restore: bool,
    container: Container,
    disks: Vec<NewDisk>,
    start: bool,
}

impl Host {
    /// Creates (`vzcreate`) or restores (`vzrestore`) a container: `params` verified. Whether the OS template and the
    /// bridge exist is found out by the task.
    pub fn create(&self, caller: &Caller, vmid: u32, params: &Params) -> Result<String, ApiError> {
        let mut options = params.clone();
        let mut take = |name: &str| options.remove(name);
        let restore = take("restore").is_some_and(|value| value == "1");
        let force = take("force").is_some_and(|value| value == "1");
        let start = take("start").is_some_and(|value| value == "1");
        let (password, ssh_keys, pool) = (take("password"), take("ssh-public-keys"), take("pool"));
        let archive = take("ostemplate").unwrap_or_default();
        let storage = take("storage").unwrap_or_else(|| "local".to_owned());
        for ignored in ["node", "vmid", "ignore-unpack-errors", "bwlimit", "unique", "ha-managed"] {
            take(ignored);
        }
        self.check_unused(vmid, restore && force)?;
        if ssh_keys.as_deref().is_some_and(|keys| !valid_keys(keys)) {
            return Err(ApiError::died("SSH public key validation error"));
        }
        self.check_create(caller, vmid, pool.as_deref())?;
        self.check_config_permissions(caller, vmid, None, &options, &[], pool.as_deref())?;
        self.check_archive(caller, vmid, &archive, restore)?;
        let disks = self.plan_disks(caller, vmid, &mut options, &storage)?;
        let mut container = Container { password, ssh_keys, ..Container::default() };
        options.retain(|key, value| key != "unprivileged" || value == "1");
        container.config =
            options.iter().map(|(key, value)| (key.clone(), config::normal_value(key, value))).collect();
        self.reserve(vmid, pool.as_deref(), restore && force)?;
        let plan = Plan { vmid, archive, restore, container, disks, start };
        let kind = if restore { "vzrestore" } else { "vzcreate" };
        let (host, by) = (self.clone(), caller.clone());
        Ok(self.fork(caller, kind, &vmid.to_string(), move |task| async move {
            host.build(&task, &by, plan).await
        }))
    }

    fn check_unused(&self, vmid: u32, overwrite: bool) -> Result<(), ApiError> {
        let Some(node) = self.node_of(vmid) else { return Ok(()) };
        if !overwrite || node != self.node() {
            return Err(ApiError::died(format!("CT {vmid} already exists on node '{node}'")));
        }
        if self.is_running(vmid) {
            return Err(ApiError::died("can't overwrite running container"));
        }
        Ok(())
    }

    fn check_create(&self, caller: &Caller, vmid: u32, pool: Option<&str>) -> Result<(), ApiError> {
        self.read(|model| {
            if let Some(pool) = pool.filter(|pool| !model.accounts.pools.contains_key(*pool)) {
                return Err(ApiError::died(format!("pool '{pool}' does not exist")));
            }
            let may = |path: &str| allowed(model, caller, path, &["VM.Allocate"], false).is_ok();
            if may(&format!("/vms/{vmid}")) || pool.is_some_and(|pool| may(&format!("/pool/{pool}"))) {
                return Ok(());
            }
            Err(ApiError::forbidden("Permission check failed"))
        })
    }

    fn check_archive(
        &self,
        caller: &Caller,
        vmid: u32,
        archive: &str,
        restore: bool,
    ) -> Result<(), ApiError> {
        let Some((storage, _)) = archive.split_once(':') else {
            if caller.is_root() {
                return Ok(());
            }
            return Err(ApiError::died(
                "Only root can pass arbitrary filesystem paths. at /usr/share/perl5/PVE/Storage.pm line 651.",
            ));
        };
        self.storage(storage)?;
        let path = format!("/storage/{storage}");
        self.read(|model| {
            if !restore {
                return allowed(model, caller, &path, &["Datastore.AllocateSpace", "Datastore.Audit"], true);
            }
            allowed(model, caller, &path, &["Datastore.Allocate"], false).or_else(|_| {
                allowed(model, caller, &format!("/vms/{vmid}"), &["VM.Backup"], false)?;
                allowed(model, caller, &path, &["Datastore.AllocateSpace"], false)
            })
        })
        .map_err(ApiError::from)
    }

    fn plan_disks(
        &self,
        caller: &Caller,
        vmid: u32,
        options: &mut Params,
        storage: &str,
    ) -> Result<Vec<NewDisk>, ApiError> {
        let mounted = options.keys().any(|key| key.starts_with("mp"));
        match options.get("rootfs").cloned() {
            None if mounted => {
                return Err(ApiError::died("mount points configured, but 'rootfs' not set - aborting"));
            }
            None => {
                self.check_rootdir(caller, storage)?;
                options.insert("rootfs".to_owned(), format!("{storage}:4"));
            }
            Some(size) if size.parse::<f64>().is_ok() => {
                options.insert("rootfs".to_owned(), format!("{storage}:{size}"));
            }
            Some(_) => {}
        }
        let binds = options.iter().filter(|(key, _)| *key == "rootfs" || key.starts_with("mp"));
        let binds = binds.filter(|(_, value)| value.starts_with('/')).count();
        if binds > 0 && !caller.is_root() {
            return Err(ApiError::died("Only root can pass arbitrary filesystem paths."));
        }
        self.new_disks(caller, vmid, options)
    }

    /// Writes the configuration with `lock: create`: of two callers one wins.
    fn reserve(&self, vmid: u32, pool: Option<&str>, overwrite: bool) -> Result<(), ApiError> {
        self.write(|model| {
            if model.containers.contains_key(&vmid) && !overwrite {
                let node = self.node();
                return Err(ApiError::died(format!(
                    "unable to create CT {vmid} - CT {vmid} already exists on node '{node}'"
                )));
            }
            let mut reserved = Container::default();
            reserved.config.insert("lock".to_owned(), "create".to_owned());
            model.containers.insert(vmid, reserved);
            if let Some(pool) = pool.and_then(|pool| model.accounts.pools.get_mut(pool)) {
                pool.vms.insert(vmid);
            }
            Ok(())
        })
    }

    async fn build(&self, task: &TaskContext, caller: &Caller, plan: Plan) -> Result<(), String> {
        let (vmid, start) = (plan.vmid, plan.start);
        let what = if plan.restore { "restore" } else { "create" };
        let held = self.hold_config(vmid).await?;
        if let Err(reason) = self.unpack(task, plan).await {
            self.clear_away(vmid).await;
            return Err(format!("unable to {what} CT {vmid} - {reason}"));
        }
        drop(held);
        if start {
            // A task of its own: whether it succeeds is not this one's business.
            let started = self.start(caller, vmid, &Params::new());
            started.map_err(|error| error.message)?;
        }
        Ok(())
    }

    /// Removes what a failed create had begun.
    pub(crate) async fn clear_away(&self, vmid: u32) {
        self.drop_volumes(vmid);
        if let Err(error) = self.guests().destroy(vmid).await {
            tracing::debug!(vmid, %error, "no guest to remove");
        }
        self.write(|model| {
            model.containers.remove(&vmid);
            model.accounts.pools.values_mut().for_each(|pool| {
                pool.vms.remove(&vmid);
            });
        });
    }

    async fn unpack(&self, task: &TaskContext, plan: Plan) -> Result<(), String> {
        let Plan { vmid, archive, restore, mut container, disks, .. } = plan;
        if restore {
            task.log(format!("recovering backed-up configuration from '{archive}'"));
        }
        for disk in &disks {
            self.format(task, disk).await?;
        }
        self.add_volumes(vmid, disks);
        let (volume, path) = self.find_archive(task, &archive)?;
        if restore {
            task.log(format!("restoring '{archive}' now.."));
        }
        task.log(format!("extracting archive '{path}'"));
        task.work(1.2).await.map_err(|_| tar_interrupted(vmid))?;
        let read = if restore { "147087360 (141MiB, 30MiB/s)" } else { "140318720 (134MiB, 30MiB/s)" };
        task.log(format!("Total bytes read: {read}"));
        if restore {
            task.log("merging backed-up and given configuration..");
            merge_backup(&mut container, volume.config.unwrap_or_default());
        } else {
            complete(&mut container, vmid, &archive);
            set_up(task, &container, vmid).await?;
        }
        self.change(vmid, |kept| *kept = container).map_err(|error| error.message)?;
        let spec = self.guest_spec(vmid).map_err(|error| error.message)?;
        self.guests().create(&spec).await.map_err(|error| error.to_string())
    }

    async fn format(&self, task: &TaskContext, disk: &NewDisk) -> Result<(), String> {
        let (id, name, size) = disk;
        let storage = self.storage(id).map_err(|error| error.message)?;
        let path = storage.disk_path(name);
        task.work(0.2).await?;
        task.log(format!("Formatting '{path}', fmt=raw size={size} preallocation=off"));
        self.refuse_disk(disk)?;
        log_filesystem(task, *size);
        task.work(0.2).await
    }

    fn find_archive(
        &self,
        task: &TaskContext,
        archive: &str,
    ) -> Result<(crate::state::Volume, String), String> {
        let (id, name) = archive.split_once(':').unwrap_or(("local", archive));
        let storage = self.storage(id).map_err(|error| error.message)?;
        let Some(volume) = storage.volumes.get(name) else {
            let text = format!("volume '{archive}' does not exist");
            task.log(text.clone());
            return Err(text);
        };
        let file = name.split_once('/').map_or(name, |(_, file)| file);
        let directory = if volume.content == "backup" { "dump" } else { "template/cache" };
        Ok((volume.clone(), format!("{}/{directory}/{file}", storage.path)))
    }
}

/// What `mke2fs` says about a file system of that size.
pub(super) fn log_filesystem(task: &TaskContext, size: u64) {
    const STEPS: [u64; 8] = [32_768, 98_304, 163_840, 229_376, 294_912, 819_200, 884_736, 1_605_632];
    let blocks = size / 4096;
    task.log(format!("Creating filesystem with {blocks} 4k blocks and {} inodes", blocks / 4));
    task.log(format!("Filesystem UUID: {}", uuid::Uuid::new_v4()));
    task.log("Superblock backups stored on blocks: ");
    let places: Vec<String> = STEPS.iter().filter(|step| **step < blocks).map(u64::to_string).collect();
    task.log(format!("\t{}", places.join(", ")));
}

fn tar_interrupted(vmid: u32) -> String {
    format!(
        "command 'lxc-usernsexec -m u:0:100000:65536 -m g:0:100000:65536 -- tar xpf - --zstd --totals --one-file-system \
         -p --sparse --numeric-owner --acls --xattrs '--xattrs-include=user.*' '--xattrs-include=security.capability' \
         '--warning=no-file-ignored' '--warning=no-xattr-write' -C /var/lib/lxc/{vmid}/rootfs --skip-old-files \
         --anchored --exclude './dev/*'' failed: received interrupt"
    )
}

/// Operating system and version by the name of an OS template, such as `debian-12-standard_12.7-1_amd64.tar.zst`.
fn system_of(archive: &str) -> (String, String) {
    let name = archive.rsplit('/').next().unwrap_or_default();
    let mut words = name.split(['-', '_']);
    let system = words.next().unwrap_or("unmanaged").to_owned();
    let version = words.next().unwrap_or_default().to_owned();
    (system, version)
}

fn complete(container: &mut Container, vmid: u32, archive: &str) {
    let (system, version) = system_of(archive);
    container.os_version = version;
    let mut usual = |key: &str, value: &str| {
        container.config.entry(key.to_owned()).or_insert_with(|| value.to_owned());
    };
    usual("arch", "amd64");
    usual("hostname", &format!("CT{vmid}"));
    usual("memory", "512");
    usual("swap", "512");
    usual("ostype", &system);
}

fn merge_backup(container: &mut Container, backed_up: Params) {
    for (key, value) in backed_up {
        if key == "os_version" {
            container.os_version = value;
        } else if key != "rootfs" && key != "lock" {
            container.config.entry(key).or_insert(value);
        }
    }
}

async fn set_up(task: &TaskContext, container: &Container, vmid: u32) -> Result<(), String> {
    task.log("Detected container architecture: amd64");
    if container.config.get("ostype").is_none_or(|system| system != "alpine") {
        for kind in ["rsa", "ed25519", "ecdsa"] {
            task.log(format!("Creating SSH host key 'ssh_host_{kind}_key' - this may take some time ..."));
            task.work(0.1).await?;
            let fingerprint = STANDARD_NO_PAD.encode(rand::rng().random::<[u8; 32]>());
            task.log(format!("done: SHA256:{fingerprint} root@{}", container.name(vmid)));
        }
    }
    if let Some(version) = power::systemd_without_nesting(container) {
        task.warn(&format!("Systemd {version} detected. You may need to enable nesting."));
    }
    Ok(())
}

fn valid_keys(text: &str) -> bool {
    const KINDS: [&str; 8] = [
        "ssh-rsa",
        "ssh-dss",
        "ssh-ed25519",
        "ecdsa-sha2-nistp256",
        "ecdsa-sha2-nistp384",
        "ecdsa-sha2-nistp521",
        "sk-ssh-ed25519@openssh.com",
        "sk-ecdsa-sha2-nistp256@openssh.com",
    ];
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split_whitespace().collect::<Vec<_>>()).all(|words| {
        let kind = words.iter().position(|word| KINDS.contains(word));
        let key = kind.and_then(|index| words.get(index + 1));
        key.is_some_and(|key| {
            base64::engine::general_purpose::STANDARD.decode(key).is_ok_and(|bytes| bytes.len() > 16)
        })
    })
}
