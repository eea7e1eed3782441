//! Debian's database of installed packages, in the format `dpkg` itself reads.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use super::catalogue::{Package, below};

const STATUS: &str = "/var/lib/dpkg/status";

/// Packages every Debian 12 container has: name and version.
const BASE: [(&str, &str); 26] = [
    ("adduser", "3.134"),
    ("apt", "2.6.1"),
    ("base-files", "12.4+deb12u7"),
    ("base-passwd", "3.6.1"),
    ("coreutils", "9.1-1"),
    ("dash", "0.5.12-2"),
    ("dbus", "1.14.10-1~deb12u1"),
    ("debianutils", "5.7-0.5~deb12u1"),
    ("diffutils", "1:3.8-4"),
    ("dpkg", "1.21.22"),
    ("findutils", "4.9.0-4"),
    ("grep", "3.8-5"),
    ("gzip", "1.12-1"),
    ("hostname", "3.23+nmu1"),
    ("ifupdown", "0.8.41"),
    ("iproute2", "6.1.0-3"),
    ("libc6", "2.36-9+deb12u8"),
    ("login", "1:4.13+dfsg1-1+b1"),
    ("mawk", "1.3.4.20200120-3.1"),
    ("passwd", "1:4.13+dfsg1-1+b1"),
    ("perl-base", "5.36.0-7+deb12u1"),
    ("procps", "2:4.0.2-3"),
    ("sed", "4.9-1"),
    ("systemd", "252.30-1~deb12u2"),
    ("tar", "1.34+dfsg-1.2+deb12u1"),
    ("util-linux", "2.38.1-5+deb12u1"),
];

/// Writes the database of a fresh container.
pub(super) fn base(root: &Path) -> io::Result<()> {
    for directory in
        ["/var/lib/dpkg/info", "/var/lib/dpkg/updates", "/var/lib/apt/lists", "/var/cache/apt/archives"]
    {
        fs::create_dir_all(below(root, directory))?;
    }
    fs::write(below(root, "/var/lib/dpkg/available"), "")?;
    let mut text = String::new();
    for (name, version) in BASE {
        text.push_str(&stanza(name, version, 100, name));
        fs::write(below(root, &format!("/var/lib/dpkg/info/{name}.list")), "/.\n")?;
    }
    fs::write(below(root, STATUS), text)
}

fn stanza(name: &str, version: &str, size: u64, description: &str) -> String {
    format!(
        "Package: {name}\nStatus: install ok installed\nPriority: optional\nSection: utils\nInstalled-Size: {size}\n\
         Maintainer: Debian <debian@example.org>\nArchitecture: amd64\nVersion: {version}\nDescription: {description}\n\n"
    )
}

/// Records a package as installed.
pub(crate) fn record(root: &Path, package: &Package) -> io::Result<()> {
    let path = below(root, STATUS);
    let mut text = fs::read_to_string(&path)?;
    text.push_str(&stanza(&package.name, &package.version, package.size, &package.description));
    fs::write(path, text)?;
    let mut list = "/.\n".to_owned();
    for program in &package.programs {
        let _ = writeln!(list, "{program}");
    }
    for unit in &package.units {
        let _ = writeln!(list, "/lib/systemd/system/{}", unit.name);
    }
    fs::write(below(root, &format!("/var/lib/dpkg/info/{}.list", package.name)), list)
}

/// The installed version of a package.
pub(crate) fn version(root: &Path, name: &str) -> Option<String> {
    let text = fs::read_to_string(below(root, STATUS)).ok()?;
    let stanza =
        text.split("\n\n").find(|stanza| stanza.lines().any(|line| line == format!("Package: {name}")))?;
    let installed = stanza.contains("Status: install ok installed");
    let version = stanza.lines().find_map(|line| line.strip_prefix("Version: "))?;
    installed.then(|| version.to_owned())
}

/// Names of all installed packages.
pub(crate) fn installed(root: &Path) -> Vec<String> {
    let text = fs::read_to_string(below(root, STATUS)).unwrap_or_default();
    text.lines().filter_map(|line| line.strip_prefix("Package: ")).map(str::to_owned).collect()
}

/// Forgets a package.
pub(crate) fn forget(root: &Path, name: &str) -> io::Result<()> {
    let path = below(root, STATUS);
    let text = fs::read_to_string(&path)?;
    let kept: Vec<&str> = text
        .split_inclusive("\n\n")
        .filter(|stanza| !stanza.lines().any(|line| line == format!("Package: {name}")))
        .collect();
    fs::write(path, kept.concat())
}
