//! `systemctl` on the host, for Proxmox's own services. Restarting the API's mends an API that is planted to hang or to
//! be slow, as it would on a real host. There is no recording of it: the words are systemd's.

use super::{Failure, Session};
use crate::faults::Fault;

/// Units and what they are.
const UNITS: [(&str, &str); 6] = [
    ("pveproxy", "PVE API Proxy Server"),
    ("pvedaemon", "PVE API Daemon"),
    ("pvestatd", "PVE Status Daemon"),
    ("pve-cluster", "The Proxmox VE cluster filesystem"),
    ("ssh", "OpenBSD Secure Shell server"),
    ("corosync", "Corosync Cluster Engine"),
];

impl Session<'_> {
    /// `systemctl status|is-active|start|restart|reload UNIT …`
    pub(super) fn systemctl(&self, words: &[&str]) -> Result<(), Failure> {
        let mut names = words.iter().filter(|word| !word.starts_with('-'));
        let verb = *names.next().unwrap_or(&"");
        for name in names {
            let name = name.trim_end_matches(".service");
            let name = if name == "sshd" { "ssh" } else { name };
            let unit = UNITS.iter().find(|(known, _)| *known == name);
            let unit = unit.filter(|_| name != "corosync" || self.host.is_clustered());
            match (verb, unit) {
                ("status", Some((_, description))) => self.out(format!(
                    "● {name}.service - {description}\n     Loaded: loaded (/usr/lib/systemd/system/{name}.service; \
                     enabled; preset: enabled)\n     Active: active (running)\n\n"
                )),
                ("is-active", Some(_)) => self.out("active\n"),
                ("start" | "restart" | "reload" | "reload-or-restart", Some(_)) => self.restarted(name),
                ("status", None) => {
                    let text = format!("Unit {name}.service could not be found.");
                    return Err(Failure { text, code: 4 });
                }
                ("is-active", None) => {
                    self.out("inactive\n");
                    return Err(Failure { text: String::new(), code: 4 });
                }
                (_, None) => {
                    let text = format!("Failed to {verb} {name}.service: Unit {name}.service not found.");
                    return Err(Failure { text, code: 5 });
                }
                _ => return Err(Failure { text: format!("Unknown command verb '{verb}'."), code: 1 }),
            }
        }
        Ok(())
    }

    fn restarted(&self, name: &str) {
        if matches!(name, "pveproxy" | "pvedaemon") {
            self.host.faults().mend(|fault| matches!(fault, Fault::Hang { .. } | Fault::Latency { .. }));
        }
        if name == "ssh" {
            self.host.faults().mend(|fault| matches!(fault, Fault::SshHang { .. } | Fault::SlowSsh { .. }));
        }
    }
}
