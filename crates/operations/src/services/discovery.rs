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
mod tests {
    use super::*;

    /// The unit, socket and property lines are those of a real Debian 12 container.
    const DEBIAN: &str = r#"== addresses
inet 10.77.0.120
== sockets
LISTEN 0      4096   *:22 *:* users:(("sshd",pid=105,fd=3),("systemd",pid=1,fd=38))
LISTEN 0      511    0.0.0.0:80 0.0.0.0:* users:(("nginx",pid=201,fd=6),("nginx",pid=200,fd=6))
LISTEN 0      511    [::]:80 [::]:* users:(("nginx",pid=201,fd=7),("nginx",pid=200,fd=7))
LISTEN 0      128    127.0.0.1:6379 0.0.0.0:* users:(("redis-server",pid=300,fd=6))
LISTEN 0      5      0.0.0.0:8000 0.0.0.0:* users:(("python3",pid=400,fd=3))
== units
apparmor.service                     not-found inactive dead    apparmor.service
cron.service                         loaded    active   running Regular background program processing daemon
networking.service                   loaded    active   exited  Raise network interfaces
nginx.service                        loaded    active   running A high performance web server
ssh.service                          loaded    active   running OpenBSD Secure Shell server
app.service                          loaded    failed   failed  My app
worker.service                       loaded    inactive dead    My worker
== unit-files
nginx.service enabled enabled
worker.service enabled enabled
== pids
MainPID=105
ControlGroup=/system.slice/ssh.service
Id=ssh.service
MainPID=200
ControlGroup=/system.slice/nginx.service
Id=nginx.service
== cgroups
201 0::/system.slice/nginx.service
== credentials
nginx STATUS_PASSWORD
nginx STATUS_USER
$(reboot) KEY
== end
"#;

    #[test]
    fn a_debian_container() {
        let found = read(DEBIAN);
        assert_eq!(found.address.as_deref(), Some("10.77.0.120"));
        let named = [("nginx", "STATUS_PASSWORD"), ("nginx", "STATUS_USER")];
        let named = named.map(|(service, key)| Credential { service: service.into(), key: key.into() });
        assert_eq!(found.credentials, named);
        assert!(is_whole(DEBIAN) && !is_whole(&DEBIAN[..DEBIAN.len() - 5]));
        let summary: Vec<_> = found
            .services
            .iter()
            .map(|service| (service.name.as_str(), service.state, service.ports.clone(), service.system))
            .collect();
        assert_eq!(
            summary,
            [
                ("nginx", ServiceState::Running, vec![80], false),
                ("python3", ServiceState::Running, vec![8000], false),
                ("app", ServiceState::Failed, vec![], false),
                ("worker", ServiceState::Stopped, vec![], false),
                ("ssh", ServiceState::Running, vec![22], true),
                ("cron", ServiceState::Running, vec![], true),
            ]
        );
    }

    #[test]
    fn what_a_container_makes_up_is_kept_in_bounds() {
        let docker: Vec<String> =
            (0..2000).map(|number| format!("{number:0>5}{}\tx\trunning\t", "n".repeat(9000))).collect();
        let docker = docker.join("\n");
        let found = read(&format!("== addresses\ninet evil.example/x\ninet6 ::1@evil\n== docker\n{docker}"));
        assert_eq!(found.address, None);
        assert_eq!(found.services.len(), MOST_SERVICES);
        assert!(found.services.iter().all(|service| service.name.chars().count() <= LONGEST_NAME));
    }

    #[test]
    fn a_docker_host() {
        let found = read(
            "== sockets\nLISTEN 0 4096 0.0.0.0:8080 0.0.0.0:* users:((\"docker-proxy\",pid=9,fd=4))\n== docker\nweb\tnginx:latest\trunning\t0.0.0.0:8080->80/tcp, [::]:8080->80/tcp\ndb\tpostgres\texited\t\n",
        );
        let summary: Vec<_> = found
            .services
            .iter()
            .map(|service| (service.name.as_str(), service.kind, service.ports.clone()))
            .collect();
        assert_eq!(summary, [("web", ServiceKind::Docker, vec![8080]), ("db", ServiceKind::Docker, vec![])]);
    }

    /// What `netstat` of busybox prints, through the script's own lines.
    #[test]
    fn an_alpine_container_without_ss() {
        let netstat = "Active Internet connections (only servers)\nProto Recv-Q Send-Q Local Address           Foreign Address         State       PID/Program name    \ntcp        0      0 0.0.0.0:80              0.0.0.0:*               LISTEN      20/nginx: master pr\ntcp        0      0 127.0.0.1:25            0.0.0.0:*               LISTEN      30/smtpd\ntcp        0      0 :::22                   :::*                    LISTEN      40/sshd\n";
        let awk = SCRIPT.split_once("| awk '$6").and_then(|(_, rest)| rest.split_once("}'")).unwrap().0;
        let mut child = std::process::Command::new("awk")
            .arg(format!("$6{awk}}}"))
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), netstat.as_bytes()).unwrap();
        let sockets = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
        let openrc = " nginx [  started  ]\n sshd [  started 01:00:00 (0)  ]\n";
        let found = read(&format!("== sockets\n{sockets}== openrc\n{openrc}"));
        let summary: Vec<_> =
            found.services.iter().map(|service| (service.name.as_str(), service.ports.clone())).collect();
        assert_eq!(summary, [("nginx", vec![80]), ("sshd", vec![22])]);
    }

    /// As much as is read of a container that prints what it likes; without bounds this would take minutes and give gigabytes.
    #[test]
    fn a_container_that_floods() {
        let socket = |port: u32| {
            let users: Vec<String> =
                (0..500).map(|pid| format!("(\"a{pid}\",pid={},fd=1)", pid + 2)).collect();
            format!("LISTEN 0 1 0.0.0.0:{} 0.0.0.0:* users:({})\n", port % 60_000 + 1, users.join(","))
        };
        let sockets: String = (0..3000).map(socket).collect();
        let openrc: Vec<String> = (0..200_000).map(|number| format!(" a{number} [  started  ]")).collect();
        let openrc = openrc.join("\n");
        let mappings: Vec<String> = (1..2000).map(|port| format!("0.0.0.0:{port}->1/tcp")).collect();
        let docker = format!("web\tnginx\trunning\t{}\n", mappings.join(","));
        let found = read(&format!("== sockets\n{sockets}== openrc\n{openrc}\n== docker\n{docker}"));
        assert_eq!(found.services.len(), MOST_SERVICES);
        assert!(found.services.iter().all(|service| service.ports.len() <= MOST_PORTS));
    }

    #[test]
    fn an_alpine_container() {
        let found = read(
            "== sockets\nLISTEN 0 511 0.0.0.0:80 0.0.0.0:* users:((\"nginx\",pid=20,fd=6))\n== openrc\nRunlevel: default\n nginx                                       [  started  ]\n crond                                       [  started  ]\n",
        );
        assert_eq!(found.services[0].name, "nginx");
        assert_eq!(found.services[0].ports, [80]);
        assert!(found.services[1].system);
    }
}
