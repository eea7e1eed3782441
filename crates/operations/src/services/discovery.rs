//! Reads what `guest/discover.sh` tells.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use berth_domain::discovery::{Credential, Service, ServiceKind, ServiceState};
use berth_store::containers::Found;

use crate::foreign::shortened;

/// The script that asks; one call, whatever is found.
pub(crate) const SCRIPT: &str = include_str!("guest/discover.sh");

/// What was found inside a container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Discovery {
    /// The first IPv4 address, else the first IPv6 address, that is reachable from outside.
    pub(crate) address: Option<String>,
    /// Services, what the container is for first.
    pub(crate) services: Vec<Service>,
    /// What scripts have saved with `save_credential`.
    pub(crate) credentials: Vec<Credential>,
}

impl Discovery {
    /// What of it is stored.
    pub(crate) fn stored(&self) -> Found<'_> {
        Found { address: self.address.as_deref(), services: &self.services, credentials: &self.credentials }
    }
}

/// Units that are part of a distribution rather than what a container is for.
const SYSTEM_UNITS: [&str; 24] = [
    "apt-",
    "console-",
    "container-getty",
    "cron",
    "dbus",
    "dpkg-",
    "e2scrub",
    "fstrim",
    "getty",
    "ifup",
    "initrd",
    "kmod",
    "logrotate",
    "man-db",
    "modprobe",
    "networking",
    "polkit",
    "postfix",
    "rc-local",
    "rsyslog",
    "ssh",
    "systemd-",
    "udev",
    "user",
];
const SYSTEM_OPENRC: [&str; 14] = [
    "bootmisc",
    "crond",
    "devfs",
    "dmesg",
    "hostname",
    "hwdrivers",
    "killprocs",
    "loopback",
    "mdev",
    "networking",
    "savecache",
    "sshd",
    "swap",
    "syslog",
];

/// More than anybody runs in one container, and less than what would choke a page.
const MOST_SERVICES: usize = 500;
/// The same for credentials.
const MOST_CREDENTIALS: usize = 100;
/// Characters of a service's name and description.
const LONGEST_NAME: usize = 200;
/// Ports of one service.
const MOST_PORTS: usize = 32;
/// Lines of each kind that are read, and bytes of a line: a container may print whatever it likes.
const MOST_LINES: usize = 2000;
const LONGEST_LINE: usize = 16 << 10;
/// Processes that share a socket.
const MOST_SHARING: usize = 64;

#[derive(Default)]
struct Sections<'text>(BTreeMap<&'text str, Vec<&'text str>>);

impl<'text> Sections<'text> {
    fn read(output: &'text str) -> Self {
        let mut sections = Self::default();
        let mut current = "";
        for line in output.lines() {
            match line.strip_prefix("== ") {
                Some(name) => current = name,
                None if line.trim().is_empty() || line.len() > LONGEST_LINE => {}
                None => {
                    let lines = sections.0.entry(current).or_default();
                    if lines.len() < MOST_LINES {
                        lines.push(line);
                    }
                }
            }
        }
        sections
    }

    fn of(&self, name: &str) -> &[&'text str] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }
}

/// Understands the script's whole output; what it cannot read it leaves out.
pub(crate) fn read(output: &str) -> Discovery {
    let sections = Sections::read(output);
    let sockets = sockets(sections.of("sockets"));
    let owners = owners(sections.of("cgroups"));
    let mut claimed = BTreeSet::new();
    let mut services = docker(sections.of("docker"), &mut claimed);
    services.extend(units(&sections, &sockets, &owners, &mut claimed));
    services.extend(openrc(sections.of("openrc"), &sockets, &mut claimed));
    services.extend(bare_processes(&sockets, &claimed));
    services.sort_by_key(|service| (service.system, service.ports.is_empty(), service.name.clone()));
    services.truncate(MOST_SERVICES);
    for service in &mut services {
        service.name = shortened(&service.name, LONGEST_NAME);
        service.description = shortened(&service.description, LONGEST_NAME);
        service.ports.truncate(MOST_PORTS);
    }
    let credentials = credentials(sections.of("credentials"));
    Discovery { address: address(sections.of("addresses")), services, credentials }
}

/// Whether the script has told everything: its last line says so.
pub(crate) fn is_whole(output: &str) -> bool {
    output.lines().next_back() == Some("== end")
}

/// `nginx STATUS_PASSWORD`; names that `save_credential` would not take are nobody's to read.
fn credentials(lines: &[&str]) -> Vec<Credential> {
    let is_name = |text: &str| {
        (1..=LONGEST_NAME).contains(&text.len())
            && text.chars().all(|character| character.is_ascii_alphanumeric() || "._-".contains(character))
    };
    let named = lines.iter().filter_map(|line| line.split_once(' '));
    let named = named.filter(|(service, key)| is_name(service) && is_name(key));
    let credential = |(service, key): (&str, &str)| Credential { service: service.into(), key: key.into() };
    named.map(credential).take(MOST_CREDENTIALS).collect()
}

fn address(lines: &[&str]) -> Option<String> {
    let of = |family: &str| {
        lines
            .iter()
            .find_map(|line| line.split_once(' ').filter(|(found, _)| *found == family))
            .and_then(|(_, found)| address_of(found))
    };
    of("inet").or_else(|| of("inet6"))
}

/// What a container or host says is an address, if it is one: it becomes a part of links.
pub(crate) fn address_of(text: &str) -> Option<String> {
    text.parse::<IpAddr>().ok().map(|address| address.to_string())
}

/// A listening TCP socket reachable from outside.
struct Socket<'text> {
    port: u16,
    processes: Vec<(&'text str, u32)>,
}

impl Socket<'_> {
    fn held_by(&self) -> impl Iterator<Item = (u16, u32)> + '_ {
        self.processes.iter().map(|(_, pid)| (self.port, *pid))
    }
}

fn sockets<'text>(lines: &[&'text str]) -> Vec<Socket<'text>> {
    lines.iter().filter_map(|line| socket(line)).collect()
}

/// `LISTEN 0 4096 *:22 *:* users:(("sshd",pid=105,fd=3),("systemd",pid=1,fd=38))`
fn socket(line: &str) -> Option<Socket<'_>> {
    let (host, port) = line.split_whitespace().nth(3)?.rsplit_once(':')?;
    if host.starts_with("127.") || host == "[::1]" || host == "::1" {
        return None;
    }
    let users = line.split_once("users:(").map_or("", |(_, users)| users);
    let processes = users
        .split("(\"")
        .filter_map(|user| {
            let (name, rest) = user.split_once('"')?;
            let pid = rest.split_once("pid=")?.1.split(',').next()?.parse().ok()?;
            Some((name, pid))
        })
        .filter(|(_, pid)| *pid != 1)
        .take(MOST_SHARING)
        .collect();
    Some(Socket { port: port.parse().ok()?, processes })
}

/// Which unit each process belongs to, by its control group.
fn owners<'text>(lines: &[&'text str]) -> BTreeMap<u32, &'text str> {
    lines
        .iter()
        .filter_map(|line| {
            let (pid, cgroup) = line.split_once(' ')?;
            let unit = cgroup.rsplit('/').find(|part| part.ends_with(".service"))?;
            Some((pid.parse().ok()?, unit))
        })
        .collect()
}

fn units(
    sections: &Sections<'_>,
    sockets: &[Socket<'_>],
    owners: &BTreeMap<u32, &str>,
    claimed: &mut BTreeSet<u16>,
) -> Vec<Service> {
    let main_pids = main_pids(sections.of("pids"));
    let by_main_pid: BTreeMap<u32, &str> = main_pids.iter().map(|(unit, pid)| (*pid, *unit)).collect();
    let mut ports: BTreeMap<&str, BTreeSet<u16>> = BTreeMap::new();
    for (port, pid) in sockets.iter().flat_map(Socket::held_by) {
        for unit in owners.get(&pid).into_iter().chain(by_main_pid.get(&pid)) {
            ports.entry(unit).or_default().insert(port);
        }
    }
    let enabled: BTreeSet<&str> =
        sections.of("unit-files").iter().filter_map(|line| line.split_whitespace().next()).collect();
    sections.of("units").iter().filter_map(|line| unit(line, &enabled, &ports, claimed)).collect()
}

fn unit(
    line: &str,
    enabled: &BTreeSet<&str>,
    ports: &BTreeMap<&str, BTreeSet<u16>>,
    claimed: &mut BTreeSet<u16>,
) -> Option<Service> {
    let mut words = line.split_whitespace();
    let (unit, load, active, sub) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let name = unit.strip_suffix(".service")?;
    let system = SYSTEM_UNITS.iter().any(|prefix| name.starts_with(prefix));
    let state = match (active, sub) {
        ("failed", _) => ServiceState::Failed,
        ("active", "running" | "listening") => ServiceState::Running,
        // Units that ran once at boot and those nobody enabled say nothing of what the container is for.
        _ if system || !enabled.contains(unit) => return None,
        ("active" | "activating" | "reloading", _) => ServiceState::Running,
        _ => ServiceState::Stopped,
    };
    if load != "loaded" {
        return None;
    }
    let listens = ports.get(unit).into_iter().flatten().copied();
    let ports: BTreeSet<u16> = listens
        // What Docker passes on to a container is that container's, although Docker's own unit listens.
        .filter(|port| !claimed.contains(port))
        .collect();
    claimed.extend(&ports);
    let description = words.collect::<Vec<_>>().join(" ");
    Some(Service {
        name: name.into(),
        kind: ServiceKind::Systemd,
        state,
        description,
        ports: ports.into_iter().collect(),
        system,
    })
}

/// `systemctl show` prints blocks of `Key=value`, in any order within a block; `Sections` has dropped the empty lines between them, so a key
/// that comes again begins a new block.
fn main_pids<'text>(lines: &[&'text str]) -> BTreeMap<&'text str, u32> {
    let mut found = BTreeMap::new();
    let mut block: BTreeMap<&str, &'text str> = BTreeMap::new();
    let mut close = |block: &mut BTreeMap<&str, &'text str>| {
        if let (Some(id), Some(pid)) =
            (block.get("Id"), block.get("MainPID").and_then(|pid| pid.parse().ok()))
        {
            found.insert(*id, pid);
        }
        block.clear();
    };
    for (key, value) in lines.iter().filter_map(|line| line.split_once('=')) {
        if block.contains_key(key) {
            close(&mut block);
        }
        block.insert(key, value);
    }
    close(&mut block);
    found
}

/// ` nginx                                      [  started  ]`
fn openrc(lines: &[&str], sockets: &[Socket<'_>], claimed: &mut BTreeSet<u16>) -> Vec<Service> {
    let mut ports_of: BTreeMap<&str, BTreeSet<u16>> = BTreeMap::new();
    for socket in sockets {
        for (process, _) in &socket.processes {
            ports_of.entry(process).or_default().insert(socket.port);
        }
    }
    let mut services: BTreeMap<&str, Service> = BTreeMap::new();
    for (name, state) in lines.iter().filter_map(|line| line.strip_suffix(']')?.split_once('[')) {
        let name = name.trim();
        let state = match state.split_whitespace().next() {
            Some("started") => ServiceState::Running,
            Some("crashed") => ServiceState::Failed,
            _ => ServiceState::Stopped,
        };
        let processes = [name, name.trim_end_matches('d')];
        let ports: BTreeSet<u16> =
            processes.iter().filter_map(|process| ports_of.get(process)).flatten().copied().collect();
        claimed.extend(&ports);
        let system = SYSTEM_OPENRC.contains(&name);
        let service = Service {
            name: name.into(),
            kind: ServiceKind::Openrc,
            state,
            description: String::new(),
            ports: ports.into_iter().collect(),
            system,
        };
        services.insert(name, service);
    }
    services.into_values().collect()
}

/// `web<TAB>nginx:latest<TAB>running<TAB>0.0.0.0:8080->80/tcp, [::]:8080->80/tcp`
fn docker(lines: &[&str], claimed: &mut BTreeSet<u16>) -> Vec<Service> {
    let service = |line: &&str| {
        let mut columns = line.split('\t');
        let (name, image, state) = (columns.next()?, columns.next()?, columns.next()?);
        let published =
            |mapping: &str| mapping.trim().split_once("->")?.0.rsplit_once(':')?.1.parse::<u16>().ok();
        let ports: BTreeSet<u16> = columns
            .next()
            .unwrap_or("")
            .split(',')
            .filter(|mapping| mapping.ends_with("/tcp"))
            .filter_map(published)
            .collect();
        let state = match state {
            "running" | "restarting" => ServiceState::Running,
            "dead" => ServiceState::Failed,
            _ => ServiceState::Stopped,
        };
        Some(Service {
            name: name.into(),
            kind: ServiceKind::Docker,
            state,
            description: image.into(),
            ports: ports.into_iter().collect(),
            system: false,
        })
    };
    let services: Vec<Service> = lines.iter().filter_map(service).collect();
    claimed.extend(services.iter().flat_map(|service| &service.ports));
    services
}

fn bare_processes(sockets: &[Socket<'_>], claimed: &BTreeSet<u16>) -> Vec<Service> {
    let mut ports: BTreeMap<&str, BTreeSet<u16>> = BTreeMap::new();
    for socket in sockets.iter().filter(|socket| !claimed.contains(&socket.port)) {
        if let Some((name, _)) = socket.processes.first().filter(|(name, _)| *name != "docker-proxy") {
            ports.entry(name).or_default().insert(socket.port);
        }
    }
    ports
        .into_iter()
        .map(|(name, ports)| Service {
            name: name.into(),
            kind: ServiceKind::Process,
            state: ServiceState::Running,
            description: String::new(),
            ports: ports.into_iter().collect(),
            system: false,
        })
        .collect()
}

#[cfg(test)]
mod tests;
