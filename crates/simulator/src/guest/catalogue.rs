//! The packages that can be installed inside a guest, and what installing one does to its root.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde::Deserialize;

use super::sandbox::{MACHINE, TOOL};

/// A package as Debian 12 (or Alpine) has it.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) description: String,
    /// KiB once installed.
    pub(crate) size: u64,
    #[serde(default)]
    pub(crate) depends: Vec<String>,
    #[serde(default)]
    pub(crate) programs: Vec<String>,
    #[serde(default)]
    pub(crate) units: Vec<PackagedUnit>,
    #[serde(default)]
    users: Vec<String>,
    /// Contents by path; `->` is a link, a path that ends in `/` a directory.
    #[serde(default)]
    files: std::collections::BTreeMap<String, String>,
    /// The version Alpine has, where Alpine has it.
    #[serde(default)]
    pub(crate) alpine: Option<String>,
}

/// A unit a package brings.
#[derive(Debug, Deserialize)]
pub(crate) struct PackagedUnit {
    pub(crate) name: String,
    pub(crate) description: String,
    exec: String,
    #[serde(default)]
    pub(crate) listen: Vec<Listen>,
    #[serde(default)]
    user: Option<String>,
    #[serde(default)]
    kind: Option<String>,
}

/// A port of a unit.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Listen {
    pub(crate) port: u16,
    /// `http`, `tcp`, `tcp-local` or `udp`.
    pub(crate) kind: String,
}

/// All packages.
pub(crate) fn packages() -> &'static [Package] {
    static ALL: OnceLock<Vec<Package>> = OnceLock::new();
    ALL.get_or_init(|| serde_json::from_str(include_str!("catalogue.json")).expect("the catalogue is valid"))
}

/// One package by name.
pub(crate) fn find(name: &str) -> Option<&'static Package> {
    packages().iter().find(|package| package.name == name)
}

/// What a daemon of this program name listens on.
pub(crate) fn listens(program: &str) -> Option<&'static [Listen]> {
    let units = packages().iter().flat_map(|package| &package.units);
    units.filter(|unit| basename(&unit.exec) == program).map(|unit| unit.listen.as_slice()).next()
}

fn basename(exec: &str) -> &str {
    exec.split_whitespace().next().and_then(|path| path.rsplit('/').next()).unwrap_or_default()
}

impl Package {
    /// This package and what it needs, dependencies first.
    pub(crate) fn closure(&'static self) -> Vec<&'static Package> {
        let mut all = Vec::new();
        for depend in self.depends.iter().filter_map(|name| find(name)) {
            all.extend(depend.closure());
        }
        all.push(self);
        all
    }

    /// Puts the package's files, users, programs and units below `root`.
    pub(crate) fn unpack(&self, root: &Path) -> io::Result<()> {
        for user in &self.users {
            add_user(root, user)?;
        }
        for (path, content) in &self.files {
            let target = below(root, path);
            if path.ends_with('/') {
                fs::create_dir_all(target)?;
                continue;
            }
            if let Some(parent) = target.parent() {
                fs::create_dir_all(parent)?;
            }
            if target.symlink_metadata().is_ok() {
                continue;
            }
            match content.strip_prefix("->") {
                Some(to) => symlink(to, target)?,
                None => fs::write(target, content)?,
            }
        }
        for program in &self.programs {
            self.link_program(root, program)?;
        }
        let units = below(root, "/usr/lib/systemd/system");
        fs::create_dir_all(&units)?;
        for unit in &self.units {
            fs::write(units.join(&unit.name), unit.text())?;
        }
        Ok(())
    }

    fn link_program(&self, root: &Path, program: &str) -> io::Result<()> {
        let is_daemon = self.units.iter().any(|unit| basename(&unit.exec) == basename(program));
        let own = matches!(basename(program), "docker" | "docker-compose" | "sudo" | "tini-static")
            || super::tools::clients::NAMES.contains(&basename(program))
            || is_daemon;
        let inside = program.replacen("/usr", MACHINE, 1);
        // Inside a guest the machine's programs are elsewhere than outside, where the root of a guest is made.
        let is_there = Path::new(&inside).exists() || (root != Path::new("/") && Path::new(program).exists());
        let target = if is_there && !own { inside.as_str() } else { TOOL };
        let link = below(root, program);
        if let Some(parent) = link.parent() {
            fs::create_dir_all(parent)?;
        }
        if link.symlink_metadata().is_ok() { Ok(()) } else { symlink(target, link) }
    }
}

impl PackagedUnit {
    /// The unit file.
    pub(crate) fn text(&self) -> String {
        let mut service = format!("ExecStart={}\n", self.exec);
        match self.kind.as_deref() {
            Some("oneshot-stays") => service.push_str("Type=oneshot\nRemainAfterExit=yes\n"),
            _ => service.push_str("ExecReload=/bin/kill -HUP $MAINPID\nRestart=on-failure\n"),
        }
        if let Some(user) = &self.user {
            let _ = write!(service, "User={user}\nGroup={user}\n");
        }
        let description = &self.description;
        format!(
            "[Unit]\nDescription={description}\nAfter=network.target\n\n[Service]\n{service}\n[Install]\nWantedBy=multi-user.target\n"
        )
    }

    /// Whether it only becomes a unit together with a name, as `x@.service` does.
    pub(crate) fn needs_instance(&self) -> bool {
        self.name.contains("@.")
    }

    /// Enables the unit below `root`.
    pub(crate) fn enable(&self, root: &Path) -> io::Result<()> {
        let wants = below(root, "/etc/systemd/system/multi-user.target.wants");
        fs::create_dir_all(&wants)?;
        let link = wants.join(&self.name);
        if link.symlink_metadata().is_ok() {
            Ok(())
        } else {
            symlink(format!("/lib/systemd/system/{}", self.name), link)
        }
    }
}

/// `path` inside `root`.
pub(crate) fn below(root: &Path, path: &str) -> PathBuf {
    root.join(path.trim_start_matches('/'))
}

fn add_user(root: &Path, name: &str) -> io::Result<()> {
    let group_only = name.strip_prefix("group:");
    let name = group_only.unwrap_or(name);
    let groups = fs::read_to_string(below(root, "/etc/group"))?;
    if groups.lines().any(|line| line.split(':').next() == Some(name)) {
        return Ok(());
    }
    let used = groups.lines().filter_map(|line| line.split(':').nth(2)?.parse::<u32>().ok());
    let id = used.filter(|id| (100..999).contains(id)).max().unwrap_or(100) + 1;
    fs::write(below(root, "/etc/group"), format!("{groups}{name}:x:{id}:\n"))?;
    if group_only.is_none() {
        let path = below(root, "/etc/passwd");
        let users = fs::read_to_string(&path)?;
        fs::write(path, format!("{users}{name}:x:{id}:{id}::/var/lib/{name}:/usr/sbin/nologin\n"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dependency_is_in_the_catalogue_or_part_of_the_base_system() {
        let base = ["iproute2", "dbus"];
        for package in packages() {
            for depend in &package.depends {
                assert!(
                    find(depend).is_some() || base.contains(&depend.as_str()),
                    "{} needs {depend}",
                    package.name
                );
            }
        }
    }
}
