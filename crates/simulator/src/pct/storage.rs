//! `pvesm`, `pveam`, `pveversion`, `pvesh` and what else has no file of its own.

use std::ffi::OsString;
use std::fmt::Write as _;

use serde_json::Value;

use super::{Failure, Session, view};
use crate::api;
use crate::state::{Params, Storage};

/// `pveversion -v` of the recorded host.
const VERSIONS: &str = include_str!("versions.txt");
const KIB: u64 = 1024;

impl Session<'_> {
    /// Every program but `pct`.
    pub(super) fn other(&self, program: &str, argv: &[OsString]) -> Result<(), Failure> {
        let words: Vec<String> = argv.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        let parts: Vec<&str> = words.iter().map(String::as_str).collect();
        match (program, parts.as_slice()) {
            ("pveversion", ["-v" | "--verbose" | "-verbose"]) => {
                self.out(VERSIONS);
                Ok(())
            }
            ("pveversion", _) => {
                self.out("pve-manager/9.2.11/14a22df3d2f2d0f4 (running kernel: 6.12.101)\n");
                Ok(())
            }
            ("pvesm", ["status", ..]) => {
                self.storages();
                Ok(())
            }
            ("pvesm", ["list", storage, ..]) => self.volumes(storage),
            ("pveam", ["list", storage]) => self.os_templates(storage),
            ("pvesh", [verb, path, rest @ ..]) => self.shell(verb, path, rest),
            ("qm", ["list"]) => Ok(()),
            ("systemctl", words) => self.systemctl(words),
            ("pvecm", [subcommand, ..]) => self.pvecm(subcommand),
            ("chpasswd", [user, password]) => {
                let (user, password) = ((*user).to_owned(), (*password).to_owned());
                self.host.write(|model| model.passwords.insert(user, password));
                Ok(())
            }
            _ => Err(Failure::new(format!(
                "ERROR: unknown command '{program} {}'",
                parts.first().unwrap_or(&"")
            ))),
        }
    }

    fn complain_about_broken(&self) {
        let broken = self.host.read(|model| {
            let broken = model.storages.iter().find(|(_, storage)| storage.broken && !storage.disable);
            broken.map(|(name, storage)| (name.clone(), storage.path.clone()))
        });
        if let Some((name, path)) = broken {
            self.err(format!(
                "unable to activate storage '{name}' - directory is expected to be a mount point but is not mounted: '{path}'\n"
            ));
        }
    }

    fn storages(&self) {
        self.complain_about_broken();
        let storages = self.host.read(|model| model.storages.clone());
        let width = storages.keys().map(String::len).max().unwrap_or(0) + 1;
        let mut text = format!(
            "{:<width$} {:>10} {:>10} {:>15} {:>15} {:>15} {:>8}\n",
            "Name", "Type", "Status", "Total (KiB)", "Used (KiB)", "Available (KiB)", "%",
        );
        for (name, storage) in &storages {
            let status = if storage.disable {
                "disabled"
            } else if storage.broken {
                "inactive"
            } else {
                "active"
            };
            let (total, used, free) = if status == "active" { figures(storage) } else { (0, 0, 0) };
            let share = match status {
                "disabled" => "N/A".to_owned(),
                _ => format!("{:.2}%", 100.0 * used as f64 / (total.max(1)) as f64),
            };
            let _ = writeln!(
                text,
                "{name:<width$} {:>10} {status:>10} {total:>15} {used:>15} {free:>15} {share:>8}",
                "dir"
            );
        }
        self.out(text);
    }

    fn storage(&self, name: &str) -> Result<Storage, Failure> {
        let found = self.host.read(|model| model.storages.get(name).cloned());
        let storage = found.ok_or_else(|| Failure::new(format!("storage '{name}' does not exist")))?;
        if storage.disable {
            return Err(Failure::new(format!("storage '{name}' is disabled")));
        }
        Ok(storage)
    }

    fn volumes(&self, name: &str) -> Result<(), Failure> {
        let storage = self.storage(name)?;
        let rows: Vec<_> =
            storage.volumes.iter().map(|(id, volume)| (format!("{name}:{id}"), volume)).collect();
        let width = rows.iter().map(|(id, _)| id.len()).max().unwrap_or(0).max(5);
        let mut text =
            format!("{:<width$} {:<7} {:<8} {:>9} {}\n", "Volid", "Format", "Type", "Size", "VMID");
        for (id, volume) in rows {
            let vmid = volume.vmid.map_or(String::new(), |vmid| format!(" {vmid}"));
            let _ = writeln!(
                text,
                "{id:<width$} {:<7} {:<8} {:>9}{vmid}",
                volume.format, volume.content, volume.size
            );
        }
        self.out(text);
        Ok(())
    }

    fn os_templates(&self, name: &str) -> Result<(), Failure> {
        let storage = self.storage(name)?;
        let mut text = format!("{:<60} {:<6}\n", "NAME", "SIZE");
        for (id, volume) in storage.volumes.iter().filter(|(_, volume)| volume.content == "vztmpl") {
            let size = format!("{:.2}MB", volume.size as f64 / (1024.0 * 1024.0));
            let _ = writeln!(text, "{:<60} {size:<6}", format!("{name}:{id}"));
        }
        self.out(text);
        Ok(())
    }

    /// `pvesh get|set|create|delete PATH [--KEY VALUE …] [--output-format json]`
    fn shell(&self, verb: &str, path: &str, rest: &[&str]) -> Result<(), Failure> {
        let method = match verb {
            "get" | "ls" => "GET",
            "set" => "PUT",
            "create" => "POST",
            "delete" => "DELETE",
            _ => return Err(Failure::new(format!("ERROR: unknown command 'pvesh {verb}'"))),
        };
        let mut params = Params::new();
        for pair in rest.chunks(2) {
            let key = pair[0].trim_start_matches('-');
            if key != "output-format" {
                params.insert(key.to_owned(), pair.get(1).map_or("1", |value| value).to_owned());
            }
        }
        let _inside = self.runtime.enter();
        let value = api::local(self.host, method, path, params).map_err(|error| view::api_failure(&error))?;
        if !value.is_null() {
            self.out(format!("{}\n", shown(&value)));
        }
        Ok(())
    }
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Total, used and available KiB.
fn figures(storage: &Storage) -> (u64, u64, u64) {
    let volumes: u64 = storage.volumes.values().map(|volume| volume.used.unwrap_or(volume.size)).sum();
    let used = storage.base_used + volumes;
    // ext4 keeps a twentieth for root.
    let free = storage.total.saturating_sub(used).saturating_sub(storage.total / 20);
    (storage.total / KIB, used / KIB, free / KIB)
}
