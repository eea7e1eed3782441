//! Subcommands that only show.

use serde_json::Value;
use std::fmt::Write as _;

use super::{Failure, Session};
use crate::state::ApiError;

/// The keys of `pct status --verbose`.
const STATUS_KEYS: [&str; 18] = [
    "cpus",
    "disk",
    "diskread",
    "diskwrite",
    "lock",
    "maxdisk",
    "maxmem",
    "maxswap",
    "mem",
    "name",
    "netin",
    "netout",
    "pid",
    "status",
    "swap",
    "type",
    "uptime",
    "vmid",
];
/// What `perl` says about a locale the host does not have.
const LOCALE_KEYS: [&str; 10] = [
    "LANGUAGE",
    "LC_ALL",
    "LC_CTYPE",
    "LC_NUMERIC",
    "LC_COLLATE",
    "LC_TIME",
    "LC_MESSAGES",
    "LC_MONETARY",
    "LC_ADDRESS",
    "LC_IDENTIFICATION",
];
const MORE_LOCALE_KEYS: [&str; 4] = ["LC_MEASUREMENT", "LC_PAPER", "LC_TELEPHONE", "LC_NAME"];

/// An octal mode such as `0640`.
pub(super) fn permissions(text: &str) -> Result<u32, Failure> {
    u32::from_str_radix(text.trim_start_matches("0x"), if text.starts_with("0x") { 16 } else { 8 })
        .map_err(|_| Failure::new(format!("invalid value for mode: {text}")))
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Proxmox writes control characters, `%`, `:` and what is not ASCII as `%XX`.
pub(super) fn encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'%' | b':' | 0..=0x1f | 0x7f.. => format!("%{byte:02X}"),
        other => char::from(other).to_string(),
    };
    text.bytes().map(encode).collect()
}

/// `1.9G`, `153.0M`
fn human(bytes: f64) -> String {
    let mut value = bytes;
    let mut unit = 0;
    while value >= 1024.0 && unit < 4 {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1}{}", ["B", "K", "M", "G", "T"][unit])
}

impl Session<'_> {
    pub(super) fn complain_about_locale(&self, locale: &[(String, String)]) {
        let known = |value: &str| matches!(value, "" | "C" | "POSIX" | "C.UTF-8" | "C.utf8" | "en_US.UTF-8");
        if locale.iter().all(|(_, value)| known(value)) {
            return;
        }
        let mut text =
            "perl: warning: Setting locale failed.\nperl: warning: Please check that your locale settings:\n"
                .to_owned();
        for key in LOCALE_KEYS.iter().chain(&MORE_LOCALE_KEYS).chain(&["LANG"]) {
            let value = locale.iter().find(|(name, _)| name == key);
            let shown = value.map_or("(unset)".to_owned(), |(_, value)| format!("\"{value}\""));
            let _ = writeln!(text, "\t{key} = {shown}{}", if *key == "LANG" { "" } else { "," });
        }
        text.push_str("    are supported and installed on your system.\nperl: warning: Falling back to the standard locale (\"C\").\n");
        self.err(text);
    }

    pub(super) fn list(&self) {
        let vmids = self.host.list();
        if vmids.is_empty() {
            return;
        }
        let row = |vmid: &str, status: &str, lock: &str, name: &str| {
            format!("{vmid:<10} {status:<10} {lock:<12} {name:<20}\n")
        };
        let mut text = row("VMID", "Status", "Lock", "Name");
        for vmid in vmids {
            let shown = self
                .host
                .with(vmid, |c| (c.lock().unwrap_or_default().to_owned(), c.name(vmid), c.run.is_some()));
            let Ok((lock, name, running)) = shown else { continue };
            text.push_str(&row(&vmid.to_string(), if running { "running" } else { "stopped" }, &lock, &name));
        }
        self.out(text);
    }

    pub(super) fn status(&self, vmid: u32, verbose: bool) -> Result<(), Failure> {
        let status = self.host.current_status(vmid)?;
        if !verbose {
            self.out(format!("status: {}\n", plain(&status["status"])));
            return Ok(());
        }
        let shown = STATUS_KEYS.iter().filter(|key| !status[**key].is_null());
        let lines: Vec<String> = shown.map(|key| format!("{key}: {}\n", plain(&status[*key]))).collect();
        self.out(lines.concat());
        Ok(())
    }

    pub(super) fn config(&self, vmid: u32) -> Result<(), Failure> {
        let config = self.host.config(vmid)?;
        let lines = config.iter().map(|(key, value)| {
            let value = if key == "description" {
                encoded(&format!("{}\n", value.trim_end_matches('\n')))
            } else {
                value.clone()
            };
            format!("{key}: {value}\n")
        });
        self.out(lines.collect::<String>());
        Ok(())
    }

    pub(super) fn pending(&self, vmid: u32) -> Result<(), Failure> {
        let view = self.host.pending_view(vmid)?;
        for entry in view.as_array().into_iter().flatten() {
            let key = plain(&entry["key"]);
            if !entry["value"].is_null() {
                self.out(format!("cur {key}: {}\n", plain(&entry["value"])));
            }
            if !entry["pending"].is_null() {
                self.out(format!("new {key}: {}\n", plain(&entry["pending"])));
            }
        }
        Ok(())
    }

    pub(super) fn disk_free(&self, vmid: u32) -> Result<(), Failure> {
        let config = self.host.config(vmid)?;
        let status = self.host.current_status(vmid)?;
        let number = |key: &str| status[key].as_f64().unwrap_or_default();
        let (total, used) = (number("maxdisk"), number("disk"));
        let volume =
            config.get("rootfs").and_then(|text| text.split(',').next()).unwrap_or_default().to_owned();
        // ext4 keeps a twentieth back and needs some for itself.
        let free = (total - used) - total / 18.0;
        let rows = [
            ["MP", "Volume", "Size", "Used", "Avail", "Use%", "Path"].map(str::to_owned),
            [
                "rootfs".to_owned(),
                volume,
                human(total),
                human(used),
                human(free),
                format!("{:.1}", 100.0 * used / total.max(1.0)),
                "/".to_owned(),
            ],
        ];
        let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
        for row in &rows {
            self.out(format!(
                "{:a$} {:b$} {:>c$} {:>d$} {:>e$} {:>f$} {}\n",
                row[0],
                row[1],
                row[2],
                row[3],
                row[4],
                row[5],
                row[6],
                a = width(0),
                b = width(1),
                c = width(2),
                d = width(3),
                e = width(4),
                f = width(5),
            ));
        }
        Ok(())
    }

    pub(super) fn snapshots(&self, vmid: u32) -> Result<(), Failure> {
        self.host.config(vmid)?;
        self.out(format!("`-> {:<51} {}\n", "current", "You are here!"));
        Ok(())
    }
}

/// The text of a failure reached through `pvesh`.
pub(super) fn api_failure(error: &ApiError) -> Failure {
    let code = if error.message.starts_with("Configuration file '") { 2 } else { 255 };
    let detail: Vec<String> = error
        .errors
        .iter()
        .map(|(name, text)| {
            format!(
                "{name}: {}
",
                text.trim_end()
            )
        })
        .collect();
    let detail = detail.concat();
    Failure { text: format!("{}\n{detail}", error.message), code }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_are_encoded_as_in_the_file() {
        assert_eq!(encoded("berth-creation: 1\n"), "berth-creation%3A 1%0A");
    }
}
