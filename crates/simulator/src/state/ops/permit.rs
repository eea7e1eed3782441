//! Which privileges a change of a configuration needs, option by option.

use super::net;
use crate::permissions::allowed;
use crate::state::{ApiError, Caller, Container, Host, Params};

fn only_root(what: &str) -> ApiError {
    ApiError::forbidden(format!("Permission check failed ({what} only allowed for root@pam)"))
}

impl Host {
    /// Checks every option that is set or deleted; `old` is absent while a container is created.
    pub(super) fn check_config_permissions(
        &self,
        caller: &Caller,
        vmid: u32,
        old: Option<&Container>,
        changes: &Params,
        delete: &[String],
        pool: Option<&str>,
    ) -> Result<(), ApiError> {
        if caller.is_root() {
            return Ok(());
        }
        let unprivileged = match old {
            Some(old) => old.config.get("unprivileged"),
            None => changes.get("unprivileged"),
        };
        let unprivileged = unprivileged.is_some_and(|value| value == "1");
        let set = changes.iter().map(|(key, value)| (key.as_str(), Some(value.as_str())));
        for (key, value) in set.chain(delete.iter().map(|key| (key.as_str(), None))) {
            let vm = |privilege: &str| self.may_on_vm(caller, vmid, pool, privilege);
            match key.trim_end_matches(|c: char| c.is_ascii_digit()) {
                "unprivileged" if old.is_none() => {}
                "cores" | "cpuunits" | "cpulimit" => vm("VM.Config.CPU")?,
                "memory" | "swap" => vm("VM.Config.Memory")?,
                "rootfs" | "mp" | "unused" => {
                    vm("VM.Config.Disk")?;
                    self.check_disk(caller, value)?;
                }
                "net" | "nameserver" | "searchdomain" | "hostname" => {
                    vm("VM.Config.Network")?;
                    self.check_bridge(caller, value)?;
                }
                "dev" => return Err(only_root("configuring device passthrough is")),
                "hookscript" => return Err(only_root("changing the hookscript is")),
                "features" => {
                    check_features(old, value, unprivileged)?;
                    vm("VM.Allocate")?;
                }
                _ => vm("VM.Config.Options")?,
            }
        }
        Ok(())
    }

    fn may_on_vm(
        &self,
        caller: &Caller,
        vmid: u32,
        pool: Option<&str>,
        privilege: &str,
    ) -> Result<(), ApiError> {
        self.read(|model| {
            let through_pool = pool.is_some_and(|pool| {
                allowed(model, caller, &format!("/pool/{pool}"), &[privilege], false).is_ok()
            });
            if through_pool {
                return Ok(());
            }
            allowed(model, caller, &format!("/vms/{vmid}"), &[privilege], false).map_err(ApiError::from)
        })
    }

    fn check_disk(&self, caller: &Caller, value: Option<&str>) -> Result<(), ApiError> {
        let Some(value) = value else { return Ok(()) };
        let volume = net::parse_properties(value, "volume").remove("volume").unwrap_or_default();
        if volume.starts_with("/dev/") {
            return Err(ApiError::forbidden(
                "Permission check failed (mount point type device is only allowed for root@pam)",
            ));
        }
        if volume.starts_with('/') {
            return Err(ApiError::forbidden(
                "Permission check failed (mount point type bind is only allowed for root@pam)",
            ));
        }
        let Some((storage, _)) = volume.split_once(':') else { return Ok(()) };
        let path = format!("/storage/{storage}");
        self.read(|model| allowed(model, caller, &path, &["Datastore.AllocateSpace"], false))
            .map_err(ApiError::from)
    }

    fn check_bridge(&self, caller: &Caller, value: Option<&str>) -> Result<(), ApiError> {
        let bridge = value.and_then(|value| net::parse_properties(value, "").remove("bridge"));
        let Some(bridge) = bridge else { return Ok(()) };
        let path = format!("/sdn/zones/localnetwork/{bridge}");
        self.read(|model| allowed(model, caller, &path, &["SDN.Use"], false)).map_err(ApiError::from)
    }
}

fn check_features(old: Option<&Container>, value: Option<&str>, unprivileged: bool) -> Result<(), ApiError> {
    if !unprivileged {
        return Err(only_root("changing feature flags for privileged container is"));
    }
    let read = |text: &str| {
        let mut features = net::parse_properties(text, "");
        features.retain(|_, value| value != "0");
        features
    };
    let before = old.and_then(|old| old.config.get("features")).map(|text| read(text)).unwrap_or_default();
    let after = value.map(read).unwrap_or_default();
    let others = |features: &Params| {
        features.iter().filter(|(k, _)| *k != "nesting").map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>()
    };
    if others(&before) == others(&after) {
        return Ok(());
    }
    Err(only_root("changing feature flags (except nesting) is"))
}
