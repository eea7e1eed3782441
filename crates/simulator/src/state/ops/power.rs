//! Start, stop, shutdown, reboot, suspend.

use super::{check_lock, net};
use crate::clock;
use crate::state::{ApiError, Caller, Container, Host, Params, Run};
use crate::tasks::TaskContext;

/// Systemd of the operating system inside wants nesting; which version does it have?
pub(super) fn systemd_without_nesting(container: &Container) -> Option<u32> {
    let features = container.config.get("features").map(String::as_str).unwrap_or_default();
    if net::parse_properties(features, "").get("nesting").is_some_and(|value| value == "1") {
        return None;
    }
    let ostype = container.config.get("ostype").map(String::as_str).unwrap_or_default();
    match (ostype, container.os_version.split('.').next().unwrap_or_default()) {
        ("debian", "11") => Some(247),
        ("debian", "12") => Some(252),
        ("ubuntu", "22") => Some(249),
        ("ubuntu", _) => Some(255),
        ("debian" | "fedora" | "archlinux" | "centos" | "opensuse", _) => Some(257),
        _ => None,
    }
}

fn root_only(caller: &Caller, params: &Params, name: &str) -> Result<(), ApiError> {
    if params.get(name).is_some_and(|value| value == "1") && caller.user != "root@pam" {
        return Err(ApiError::param(name, "Only root may use this option."));
    }
    Ok(())
}

fn died(error: ApiError) -> String {
    error.message
}

impl Host {
    /// Starts a container (`vzstart`): only "already running" fails at once.
    pub fn start(&self, caller: &Caller, vmid: u32, params: &Params) -> Result<String, ApiError> {
        root_only(caller, params, "skiplock")?;
        if self.is_running(vmid) {
            return Err(ApiError::died(format!("CT {vmid} already running")));
        }
        let skip = params.get("skiplock").is_some_and(|value| value == "1");
        let host = self.clone();
        Ok(self.fork(caller, "vzstart", &vmid.to_string(), move |task| async move {
            let _held = host.hold_config(vmid).await?;
            let (lock, is_template) = host.with(vmid, |c| (check_lock(c), c.is_template())).map_err(died)?;
            if is_template {
                return Err("you can't start a CT if it's a template".to_owned());
            }
            if !skip {
                lock.map_err(died)?;
            }
            host.bring_up(&task, vmid).await
        }))
    }

    pub(super) async fn bring_up(&self, task: &TaskContext, vmid: u32) -> Result<(), String> {
        self.change(vmid, apply_pending).map_err(died)?;
        let networks = self.with(vmid, |container| net::interfaces(vmid, &container.config)).map_err(died)?;
        let bridges = self.read(|model| model.interfaces.iter().map(|i| i.iface.clone()).collect::<Vec<_>>());
        if let Some(network) = networks.iter().find(|network| !bridges.contains(&network.bridge)) {
            return Err(format!("bridge '{}' does not exist", network.bridge));
        }
        if self.is_running(vmid) {
            return Err(format!("CT {vmid} already running"));
        }
        if let Some(version) = self.with(vmid, systemd_without_nesting).map_err(died)? {
            task.warn(&format!("Systemd {version} detected. You may need to enable nesting."));
        }
        task.work(0.6).await?;
        let spec = self.guest_spec(vmid).map_err(died)?;
        self.guests()
            .start(&spec)
            .await
            .map_err(|error| format!("startup for container '{vmid}' failed: {error}"))?;
        let pid = self.guests().pid(vmid);
        self.write(|model| {
            model.next_pid += 29;
            let pid = pid.unwrap_or(model.next_pid);
            let container = model.container_mut(self.node(), vmid)?;
            container.run = Some(Run { since_ms: clock::now_ms(), pid, config: container.config.clone() });
            Ok(())
        })
        .map_err(died)?;
        // The container runs already while the task still waits for its monitor.
        task.work(0.6).await
    }

    /// Stops a container at once (`vzstop`).
    pub fn stop(&self, caller: &Caller, vmid: u32, params: &Params) -> Result<String, ApiError> {
        root_only(caller, params, "skiplock")?;
        self.must_run(vmid)?;
        let skip = params.get("skiplock").is_some_and(|value| value == "1");
        let host = self.clone();
        Ok(self.fork(caller, "vzstop", &vmid.to_string(), move |task| async move {
            let _held = host.hold_config(vmid).await?;
            if !skip {
                host.with(vmid, check_lock).map_err(died)?.map_err(died)?;
            }
            task.work(0.6).await?;
            host.bring_down(vmid).await
        }))
    }

    pub(super) async fn bring_down(&self, vmid: u32) -> Result<(), String> {
        self.guests().stop(vmid).await.map_err(|error| error.to_string())?;
        self.change(vmid, |container| {
            container.run = None;
            apply_pending(container);
        })
        .map_err(died)
    }

    fn must_run(&self, vmid: u32) -> Result<(), ApiError> {
        if self.is_running(vmid) { Ok(()) } else { Err(ApiError::died(format!("CT {vmid} not running"))) }
    }

    /// Shuts a container down cleanly (`vzshutdown`); with a timeout too short the task fails while the container
    /// goes on shutting down, unless `forceStop`.
    pub fn shutdown(&self, caller: &Caller, vmid: u32, params: &Params) -> Result<String, ApiError> {
        /// A clean shutdown takes this long.
        const NEEDED: f64 = 3.0;
        self.must_run(vmid)?;
        let timeout: f64 = params.get("timeout").and_then(|text| text.parse().ok()).unwrap_or(60.0);
        let force = params.get("forceStop").is_some_and(|value| value == "1");
        let host = self.clone();
        Ok(self.fork(caller, "vzshutdown", &vmid.to_string(), move |task| async move {
            let _held = host.hold_config(vmid).await?;
            host.with(vmid, check_lock).map_err(died)?.map_err(died)?;
            task.work(timeout.min(NEEDED)).await?;
            if timeout < NEEDED && !force {
                return Err("container did not stop".to_owned());
            }
            host.bring_down(vmid).await
        }))
    }

    /// Shuts down and starts again (`vzreboot`), applying what was pending.
    pub fn reboot(&self, caller: &Caller, vmid: u32, _params: &Params) -> Result<String, ApiError> {
        self.must_run(vmid)?;
        let host = self.clone();
        Ok(self.fork(caller, "vzreboot", &vmid.to_string(), move |task| async move {
            let _held = host.hold_config(vmid).await?;
            host.with(vmid, check_lock).map_err(died)?.map_err(died)?;
            task.work(2.0).await?;
            host.bring_down(vmid).await?;
            host.bring_up(&task, vmid).await
        }))
    }

    /// Suspends a container (`vzsuspend`): fails as on a host without CRIU.
    pub fn suspend(&self, caller: &Caller, vmid: u32) -> Result<String, ApiError> {
        self.must_run(vmid)?;
        Ok(self.fork(caller, "vzsuspend", &vmid.to_string(), move |task| async move {
            task.work(0.5).await?;
            Err(format!("command 'lxc-checkpoint -n {vmid} -s -D /var/lib/vz/dump' failed: exit code 1"))
        }))
    }

    /// Resumes a container (`vzresume`): there is never a checkpoint to resume from.
    pub fn resume(&self, caller: &Caller, vmid: u32) -> Result<String, ApiError> {
        if self.is_running(vmid) {
            return Err(ApiError::died(format!("CT {vmid} already running")));
        }
        Ok(self.fork(caller, "vzresume", &vmid.to_string(), move |task| async move {
            task.work(0.5).await?;
            Err(format!("command 'lxc-checkpoint -n {vmid} -r -D /var/lib/vz/dump' failed: exit code 1"))
        }))
    }
}

/// Makes the pending section the configuration.
pub(super) fn apply_pending(container: &mut Container) {
    for key in std::mem::take(&mut container.pending_delete) {
        container.config.remove(&key);
    }
    container.config.append(&mut container.pending);
}
