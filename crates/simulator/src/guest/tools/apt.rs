//! `apt-get`, `apt`, `apt-cache` and `apt-mark` over the catalogue and Debian's own database.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::manager::ask;
use super::{err, is_full};
use crate::guest::catalogue::{Package, find, packages};
use crate::guest::dpkg;
use crate::guest::init::Request;

/// Each package takes a moment, so that progress can be watched.
const MOMENT: Duration = Duration::from_millis(60);

/// Set by `-qq`: only errors are told.
static QUIET: AtomicBool = AtomicBool::new(false);

fn out(text: impl AsRef<str>) {
    if !QUIET.load(Ordering::Relaxed) {
        super::out(text);
    }
}

/// `apt-get VERB NAMES`
pub(super) fn main(called: &str, args: &[String]) -> i32 {
    let mut words = Vec::new();
    let mut index = 0;
    while index < args.len() {
        if matches!(args[index].as_str(), "-o" | "-t" | "--target-release" | "-c") {
            index += 1;
        } else if !args[index].starts_with('-') {
            words.push(args[index].as_str());
        }
        index += 1;
    }
    QUIET.store(args.iter().any(|arg| arg == "-qq"), Ordering::Relaxed);
    let simulate = args.iter().any(|arg| matches!(arg.as_str(), "-s" | "--simulate" | "--dry-run"));
    match words.split_first() {
        Some((&"update", _)) => update(),
        Some((&"install" | &"reinstall", names)) => install(names, simulate),
        Some((&"remove" | &"purge", names)) => remove(names),
        Some((&"upgrade" | &"dist-upgrade" | &"full-upgrade" | &"autoremove" | &"autopurge", _)) => {
            lists();
            out("0 upgraded, 0 newly installed, 0 to remove and 0 not upgraded.\n");
            0
        }
        Some((&"policy", names)) => policy(names),
        Some((&"show", names)) => show(names),
        Some((&"list", names)) => list(names, args.iter().any(|arg| arg == "--installed")),
        Some((&"search", names)) => search(names),
        Some((
            &"clean" | &"autoclean" | &"check" | &"hold" | &"unhold" | &"manual" | &"auto" | &"showhold",
            _,
        )) => 0,
        Some((verb, _)) => {
            err(format!("E: Invalid operation {verb}"));
            100
        }
        None => {
            out(format!("{called} 2.6.1 (amd64)\n"));
            0
        }
    }
}

fn update() -> i32 {
    for (index, suite) in
        ["bookworm InRelease [151 kB]", "bookworm/main amd64 Packages [8791 kB]"].iter().enumerate()
    {
        out(format!("Get:{} http://deb.debian.org/debian {suite}\n", index + 1));
        std::thread::sleep(MOMENT);
    }
    out("Fetched 8942 kB in 0s (28.1 MB/s)\n");
    // Only the time of the last update, for tools that look at it.
    let _ = std::fs::write("/var/lib/apt/periodic-update-success-stamp", "");
    lists();
    out("All packages are up to date.\n");
    0
}

fn lists() {
    out("Reading package lists...\nBuilding dependency tree...\nReading state information...\n");
}

/// `name`, `name=version`, `name/release`, `name:arch`.
fn bare(name: &str) -> &str {
    name.split(['=', '/', ':']).next().unwrap_or(name)
}

fn install(names: &[&str], simulate: bool) -> i32 {
    lists();
    let root = Path::new("/");
    let mut wanted: Vec<&'static Package> = Vec::new();
    for name in names {
        let Some(package) = find(bare(name)).filter(|package| !package.version.contains("-r")) else {
            if let Some(version) = dpkg::version(root, bare(name)) {
                out(format!("{name} is already the newest version ({version}).\n"));
                continue;
            }
            err(format!("E: Unable to locate package {name}"));
            return 100;
        };
        if let Some(version) =
            name.split_once('=').map(|(_, version)| version).filter(|version| *version != package.version)
        {
            err(format!("E: Version '{version}' for '{}' was not found", package.name));
            return 100;
        }
        if dpkg::version(root, &package.name).is_some() {
            out(format!("{} is already the newest version ({}).\n", package.name, package.version));
            continue;
        }
        for needed in package.closure() {
            let known = dpkg::version(root, &needed.name).is_some()
                || wanted.iter().any(|other| other.name == needed.name);
            if !known {
                wanted.push(needed);
            }
        }
    }
    summary(&wanted);
    if wanted.is_empty() || simulate {
        return 0;
    }
    if is_full() {
        err("E: You don't have enough free space in /var/cache/apt/archives/.");
        return 100;
    }
    match unpack_all(root, &wanted) {
        Ok(()) => 0,
        Err(error) => {
            err(format!(
                "dpkg: error processing archive (--unpack): {error}\nE: Sub-process /usr/bin/dpkg returned an error code (1)"
            ));
            100
        }
    }
}

fn summary(wanted: &[&Package]) {
    if !wanted.is_empty() {
        let mut names: Vec<&str> = wanted.iter().map(|package| package.name.as_str()).collect();
        names.sort_unstable();
        out(format!("The following NEW packages will be installed:\n  {}\n", names.join(" ")));
    }
    out(format!("0 upgraded, {} newly installed, 0 to remove and 0 not upgraded.\n", wanted.len()));
    let size: u64 = wanted.iter().map(|package| package.size).sum();
    if size > 0 {
        out(format!(
            "Need to get {} kB of archives.\nAfter this operation, {size} kB of additional disk space will be used.\n",
            size / 3
        ));
    }
}

fn unpack_all(root: &Path, wanted: &[&Package]) -> io::Result<()> {
    for (index, package) in wanted.iter().enumerate() {
        let (name, version) = (&package.name, &package.version);
        out(format!(
            "Get:{} http://deb.debian.org/debian bookworm/main amd64 {name} amd64 {version} [{} kB]\n",
            index + 1,
            package.size / 3
        ));
        std::thread::sleep(MOMENT);
    }
    out("Fetched archives in 0s\n");
    for package in wanted {
        let (name, version) = (&package.name, &package.version);
        out(format!(
            "Selecting previously unselected package {name}.\nPreparing to unpack .../{name}_{version}_amd64.deb ...\nUnpacking {name} ({version}) ...\n"
        ));
        std::thread::sleep(MOMENT);
    }
    for package in wanted {
        package.unpack(root)?;
        dpkg::record(root, package)?;
        out(format!("Setting up {} ({}) ...\n", package.name, package.version));
        for unit in package.units.iter().filter(|unit| !unit.needs_instance()) {
            unit.enable(root)?;
            err(format!(
                "Created symlink /etc/systemd/system/multi-user.target.wants/{0} → /lib/systemd/system/{0}.",
                unit.name
            ));
            ask(&Request::Start(unit.name.clone()));
        }
    }
    out("Processing triggers for libc-bin (2.36-9+deb12u8) ...\n");
    Ok(())
}

fn remove(names: &[&str]) -> i32 {
    lists();
    for name in names {
        let Some(package) =
            find(bare(name)).filter(|package| dpkg::version(Path::new("/"), &package.name).is_some())
        else {
            out(format!("Package '{name}' is not installed, so not removed\n"));
            continue;
        };
        out(format!(
            "The following packages will be REMOVED:\n  {}\nRemoving {} ({}) ...\n",
            package.name, package.name, package.version
        ));
        for unit in &package.units {
            ask(&Request::Stop(unit.name.clone()));
            // Already gone is as good.
            let _ = std::fs::remove_file(format!("/lib/systemd/system/{}", unit.name));
            let _ =
                std::fs::remove_file(format!("/etc/systemd/system/multi-user.target.wants/{}", unit.name));
        }
        for program in &package.programs {
            let _ = std::fs::remove_file(program);
        }
        if let Err(error) = dpkg::forget(Path::new("/"), &package.name) {
            err(format!("E: {error}"));
            return 100;
        }
    }
    0
}

fn policy(names: &[&str]) -> i32 {
    for package in names.iter().filter_map(|name| find(name)) {
        let installed = dpkg::version(Path::new("/"), &package.name).unwrap_or_else(|| "(none)".to_owned());
        out(format!(
            "{}:\n  Installed: {installed}\n  Candidate: {}\n  Version table:\n     {} 500\n",
            package.name, package.version, package.version
        ));
    }
    0
}

fn show(names: &[&str]) -> i32 {
    for name in names {
        let Some(package) = find(name) else {
            err("E: No packages found");
            return 100;
        };
        out(format!(
            "Package: {}\nVersion: {}\nInstalled-Size: {} kB\nDescription: {}\n\n",
            package.name, package.version, package.size, package.description
        ));
    }
    0
}

fn list(names: &[&str], only_installed: bool) -> i32 {
    out("Listing...\n");
    let root = Path::new("/");
    for name in dpkg::installed(root) {
        if names.is_empty() || names.contains(&name.as_str()) {
            out(format!(
                "{name}/stable,now {} amd64 [installed]\n",
                dpkg::version(root, &name).unwrap_or_default()
            ));
        }
    }
    for package in
        packages().iter().filter(|package| !only_installed && names.contains(&package.name.as_str()))
    {
        if dpkg::version(root, &package.name).is_none() {
            out(format!("{}/stable {} amd64\n", package.name, package.version));
        }
    }
    0
}

fn search(names: &[&str]) -> i32 {
    for package in packages().iter().filter(|package| {
        names.iter().all(|word| package.name.contains(word) || package.description.contains(word))
    }) {
        out(format!("{} - {}\n", package.name, package.description));
    }
    0
}
