//! Subcommands that run a task and follow it to its end.

use super::options::Line;
use super::{Failure, Session};
use crate::state::{ApiError, Caller, Params};

impl Session<'_> {
    /// Runs the task in the foreground, as the command line does: its log is the output, its failure the error.
    pub(super) fn follow(&self, started: impl FnOnce() -> Result<String, ApiError>) -> Result<(), Failure> {
        let task = {
            let _inside = self.runtime.enter();
            let upid = started()?;
            let show = |line: &str| {
                if let Some(warning) = line.strip_prefix("WARN: ") {
                    self.err(format!("WARN: {warning}\n"));
                } else if !line.starts_with("TASK ") {
                    self.out(format!("{line}\n"));
                }
            };
            self.runtime.block_on(self.host.follow(&upid, show))
        };
        match task.and_then(|task| task.status) {
            Some(status) if status == "OK" => Ok(()),
            Some(status) if status.starts_with("WARNINGS: ") => {
                let count = status.trim_start_matches("WARNINGS: ");
                self.err(format!("Task finished with {count} warning(s)!\n"));
                Ok(())
            }
            Some(status) => Err(Failure::new(status)),
            None => Err(Failure::new("the task was lost")),
        }
    }

    pub(super) fn lifecycle(&self, subcommand: &str, vmid: u32, params: &Params) -> Result<(), Failure> {
        let (host, caller) = (self.host, Caller::root());
        self.follow(|| match subcommand {
            "start" => host.start(&caller, vmid, params),
            "stop" => host.stop(&caller, vmid, params),
            "shutdown" => host.shutdown(&caller, vmid, params),
            "reboot" => host.reboot(&caller, vmid, params),
            "suspend" => host.suspend(&caller, vmid),
            "resume" => host.resume(&caller, vmid),
            "destroy" => host.destroy(&caller, vmid, params),
            "resize" => host.resize(&caller, vmid, params),
            "clone" => host.clone_container(&caller, vmid, params),
            "move-volume" => host.move_volume(&caller, vmid, params),
            "snapshot" => Ok(host.snapshot(&caller, vmid)),
            "delsnapshot" => {
                Ok(host.delete_snapshot(&caller, vmid, params.get("snapname").map_or("", String::as_str)))
            }
            _ => host.create(&caller, vmid, params),
        })
    }

    /// `--ssh-public-keys` names a file on the command line.
    pub(super) fn read_keys(&self, line: &mut Line) -> Result<(), Failure> {
        let Some(path) = line.options.get("ssh-public-keys").cloned() else { return Ok(()) };
        let root = self.host.guests().root(crate::guest::HOST);
        let text = std::fs::read_to_string(root.join(path.trim_start_matches('/')))
            .map_err(|_| Failure::new(format!("unable to open file '{path}' - No such file or directory")))?;
        line.options.insert("ssh-public-keys".to_owned(), text);
        Ok(())
    }
}
