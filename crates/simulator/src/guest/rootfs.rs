//! The private tree of a guest: everything of its own, and links to the machine's programs.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use super::GuestSpec;
use super::catalogue::{below, find, packages};
use super::dpkg;
use super::sandbox::{MACHINE, TOOL};

/// Programs that are this program under another name, in every guest.
const TOOLS: [&str; 12] = [
    "bin/uptime",
    "bin/hostname",
    "bin/ip",
    "sbin/ip",
    "bin/ss",
    "bin/tar",
    "bin/chown",
    "bin/chgrp",
    "bin/install",
    "bin/su",
    "sbin/runuser",
    "sbin/init",
];
const DEBIAN_TOOLS: [&str; 12] = [
    "sbin/useradd",
    "sbin/chpasswd",
    "bin/systemctl",
    "bin/systemd-run",
    "bin/journalctl",
    "bin/apt",
    "bin/apt-get",
    "bin/apt-cache",
    "bin/apt-mark",
    "sbin/service",
    "bin/loginctl",
    "bin/hostnamectl",
];
const ALPINE_TOOLS: [&str; 5] = ["sbin/apk", "bin/apk", "sbin/rc-service", "sbin/rc-update", "bin/rc-status"];
const HOST_TOOLS: [&str; 16] = [
    "bin/systemctl",
    "sbin/pveum",
    "bin/pvecm",
    "sbin/adduser",
    "sbin/deluser",
    "sbin/visudo",
    "bin/passwd",
    "sbin/chpasswd",
    "sbin/pct",
    "bin/pvesh",
    "sbin/pvesm",
    "bin/pveam",
    "bin/pveversion",
    "bin/lxc-attach",
    "bin/sudo",
    "sbin/qm",
];
/// Programs of other systems, hidden wherever they are not a tool.
const FOREIGN: [&str; 14] = [
    "apt",
    "apt-get",
    "apt-cache",
    "apt-mark",
    "dpkg",
    "dpkg-query",
    "dpkg-deb",
    "apk",
    "systemctl",
    "systemd-run",
    "journalctl",
    "service",
    "docker-compose",
    "podman",
];
/// Daemons of a stock Debian container: unit, program, description.
const STOCK: [(&str, &str, &str); 7] = [
    ("systemd-journald.service", "/lib/systemd/systemd-journald", "Journal Service"),
    ("systemd-networkd.service", "/lib/systemd/systemd-networkd", "Network Configuration"),
    ("dbus.service", "/usr/bin/dbus-daemon --system --nofork", "D-Bus System Message Bus"),
    ("systemd-logind.service", "/lib/systemd/systemd-logind", "User Login Management"),
    ("console-getty.service", "@/sbin/agetty agetty console", "Console Getty"),
    ("container-getty@1.service", "@/sbin/agetty agetty tty1", "Container Getty on /dev/tty1"),
    ("container-getty@2.service", "@/sbin/agetty agetty tty2", "Container Getty on /dev/tty2"),
];

/// What kind of tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Host,
    Debian,
    Alpine,
}

impl Kind {
    pub(super) fn of(ostype: &str) -> Self {
        if ostype == "alpine" { Self::Alpine } else { Self::Debian }
    }
}

/// Makes the tree below `root`, once; the files that follow the configuration are written each time.
pub(super) fn build(root: &Path, spec: &GuestSpec, kind: Kind) -> io::Result<()> {
    let made = root.parent().map(|parent| parent.join("made")).unwrap_or_default();
    if !made.exists() {
        skeleton(root)?;
        farm(root, kind)?;
        base_files(root, spec, kind)?;
        if kind == Kind::Debian {
            stock(root)?;
        }
        fs::write(made, "")?;
    }
    if kind == Kind::Host {
        host(root)?;
    }
    write(root, "/etc/hostname", &format!("{}\n", spec.hostname))?;
    write(
        root,
        "/etc/hosts",
        &format!("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n127.0.1.1\t{}\n", spec.hostname),
    )
}

/// What a host has that its tree may lack when an older simulator made it.
fn host(root: &Path) -> io::Result<()> {
    for tool in HOST_TOOLS {
        let link = root.join("usr").join(tool);
        if fs::read_link(&link).is_ok_and(|target| target == Path::new(TOOL)) {
            continue;
        }
        if link.symlink_metadata().is_ok() {
            fs::remove_file(&link)?;
        }
        symlink(TOOL, link)?;
    }
    fs::create_dir_all(root.join("etc/sudoers.d"))?;
    let sudoers = root.join("etc/sudoers");
    if !sudoers.exists() {
        fs::write(&sudoers, include_str!("base/sudoers"))?;
        fs::set_permissions(sudoers, fs::Permissions::from_mode(0o440))?;
    }
    Ok(())
}

fn write(root: &Path, path: &str, content: &str) -> io::Result<()> {
    let target = below(root, path);
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(target, content)
}

fn skeleton(root: &Path) -> io::Result<()> {
    let directories = [
        "boot",
        "dev",
        "etc",
        "home",
        "media",
        "mnt",
        "opt",
        "proc",
        "root",
        "run",
        "srv",
        "sys",
        "tmp",
        "usr/.machine",
        "usr/bin",
        "usr/sbin",
        "usr/lib",
        "usr/share",
        "usr/local/bin",
        "usr/local/sbin",
        "usr/local/lib",
        "usr/local/etc",
        "usr/local/share",
        "usr/src",
        "usr/games",
        "var/cache",
        "var/lib",
        "var/log",
        "var/mail",
        "var/opt",
        "var/spool",
        "var/tmp",
        "var/backups",
    ];
    for directory in directories {
        fs::create_dir_all(root.join(directory))?;
    }
    for (link, target) in [
        ("bin", "usr/bin"),
        ("sbin", "usr/sbin"),
        ("lib", "usr/lib"),
        ("lib64", "usr/lib64"),
        ("var/run", "/run"),
        ("var/lock", "/run/lock"),
    ] {
        symlink(target, root.join(link))?;
    }
    for scratch in ["tmp", "var/tmp"] {
        fs::set_permissions(root.join(scratch), fs::Permissions::from_mode(0o1777))?;
    }
    fs::set_permissions(root.join("root"), fs::Permissions::from_mode(0o700))?;
    fs::write(root.join("usr/.sim"), "")
}

/// Links to what the machine has in `/usr`, without what a fresh guest has not.
fn farm(root: &Path, kind: Kind) -> io::Result<()> {
    let tools: Vec<&str> = match kind {
        Kind::Host => [TOOLS.as_slice(), &HOST_TOOLS].concat(),
        Kind::Debian => [TOOLS.as_slice(), &DEBIAN_TOOLS].concat(),
        Kind::Alpine => [TOOLS.as_slice(), &ALPINE_TOOLS].concat(),
    };
    for tool in &tools {
        symlink(TOOL, root.join("usr").join(tool))?;
    }
    let dpkg = kind != Kind::Alpine;
    let mut hidden: Vec<&str> = packages()
        .iter()
        .flat_map(|package| &package.programs)
        .filter_map(|path| path.rsplit('/').next())
        .collect();
    hidden.extend(FOREIGN.iter().filter(|name| !(dpkg && name.starts_with("dpkg"))));
    if kind == Kind::Host {
        hidden.retain(|name| matches!(*name, "docker" | "systemctl" | "journalctl" | "nginx"));
    }
    for keep in ["less", "nano", "xz", "bash"] {
        hidden.retain(|name| *name != keep);
    }
    for directory in ["bin", "sbin", "lib", "share"] {
        let Ok(entries) = fs::read_dir(Path::new("/usr").join(directory)) else { continue };
        for name in entries.flatten().map(|entry| entry.file_name()) {
            let link = root.join("usr").join(directory).join(&name);
            let is_hidden = directory.ends_with("bin") && hidden.iter().any(|hidden| name == *hidden);
            // Debian keeps PostgreSQL's programs below lib.
            let is_hidden = is_hidden || directory == "lib" && name == "postgresql";
            if is_hidden || name == "systemd" || link.symlink_metadata().is_ok() {
                continue;
            }
            symlink(Path::new(MACHINE).join(directory).join(&name), link)?;
        }
    }
    for directory in
        ["lib64", "lib32", "libexec", "include"].iter().filter(|name| Path::new("/usr").join(name).exists())
    {
        symlink(Path::new(MACHINE).join(directory), root.join("usr").join(directory))?;
    }
    fs::create_dir_all(root.join("usr/lib/systemd/system"))
}

fn base_files(root: &Path, spec: &GuestSpec, kind: Kind) -> io::Result<()> {
    write(root, "/etc/os-release", &os_release(spec, kind))?;
    write(root, "/etc/passwd", include_str!("base/passwd"))?;
    write(root, "/etc/group", include_str!("base/group"))?;
    write(root, "/etc/profile", include_str!("base/profile"))?;
    write(root, "/root/.profile", "")?;
    write(root, "/etc/resolv.conf", "nameserver 10.77.0.1\n")?;
    write(root, "/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n")?;
    write(root, "/etc/machine-id", &format!("{}\n", uuid::Uuid::new_v4().simple()))?;
    write(root, "/etc/default/locale", "LANG=C.UTF-8\n")?;
    write(root, "/etc/fstab", "")?;
    write(root, "/etc/shells", "/bin/sh\n/bin/bash\n")?;
    if kind == Kind::Alpine {
        write(root, "/etc/alpine-release", "3.20.3\n")?;
        write(root, "/etc/apk/world", "alpine-base\n")?;
        fs::create_dir_all(root.join("run/openrc"))?;
    } else {
        write(root, "/etc/debian_version", "12.7\n")?;
        write(root, "/etc/apt/sources.list", "deb http://deb.debian.org/debian bookworm main contrib\n")?;
        dpkg::base(root)?;
    }
    for name in ["alternatives", "ld.so.cache", "localtime", "login.defs"] {
        copy(&Path::new("/etc").join(name), &root.join("etc").join(name))?;
    }
    Ok(())
}

fn os_release(spec: &GuestSpec, kind: Kind) -> String {
    if kind == Kind::Alpine {
        return "NAME=\"Alpine Linux\"\nID=alpine\nVERSION_ID=3.20.3\nPRETTY_NAME=\"Alpine Linux v3.20\"\n"
            .to_owned();
    }
    if spec.ostype == "ubuntu" {
        let version = if spec.os_version.is_empty() { "24.04" } else { &spec.os_version };
        return format!(
            "PRETTY_NAME=\"Ubuntu {version} LTS\"\nNAME=\"Ubuntu\"\nVERSION_ID=\"{version}\"\nID=ubuntu\nID_LIKE=debian\n"
        );
    }
    include_str!("base/os-release").to_owned()
}

/// Links are copied as links; what this user may not read stays out.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let Ok(meta) = from.symlink_metadata() else { return Ok(()) };
    if meta.is_symlink() {
        let target = fs::read_link(from)?;
        return symlink(target, to);
    }
    if meta.is_dir() {
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(from)?.flatten() {
            copy(&entry.path(), &to.join(entry.file_name()))?;
        }
    } else if let Ok(content) = fs::read(from) {
        fs::write(to, content)?;
    }
    Ok(())
}

/// The daemons a stock Debian container runs.
fn stock(root: &Path) -> io::Result<()> {
    let wants = root.join("etc/systemd/system/multi-user.target.wants");
    fs::create_dir_all(&wants)?;
    symlink(TOOL, root.join("usr/lib/systemd/systemd"))?;
    for (unit, exec, description) in STOCK {
        let text =
            format!("[Unit]\nDescription={description}\n\n[Service]\nExecStart={exec}\nRestart=always\n");
        write(root, &format!("/usr/lib/systemd/system/{unit}"), &text)?;
        symlink(format!("/lib/systemd/system/{unit}"), wants.join(unit))?;
        let program = exec.trim_start_matches('@').split_whitespace().next().unwrap_or_default();
        let program = if program.starts_with("/usr") { program.to_owned() } else { format!("/usr{program}") };
        let link = below(root, &program);
        if link.symlink_metadata().is_ok() {
            fs::remove_file(&link)?;
        }
        symlink(TOOL, link)?;
    }
    for name in ["cron", "openssh-server", "less", "nano", "bash", "xz-utils"] {
        let Some(package) = find(name) else { continue };
        package.unpack(root)?;
        dpkg::record(root, package)?;
        for unit in &package.units {
            unit.enable(root)?;
        }
    }
    Ok(())
}
