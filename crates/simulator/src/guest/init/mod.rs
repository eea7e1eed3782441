//! The first process of a guest: reaps, runs units, and starts what the simulator asks for.

mod attach;

mod files;
mod journal;
mod lifecycle;
mod manager;
mod protocol;
mod reaper;
mod run;
mod terminal;
mod transient;
mod unit_file;

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Mutex, PoisonError};

pub(crate) use attach::resolve;
pub(crate) use files::{describe, lookup};
pub(crate) use journal::{Entry, PATH as JOURNAL_PATH};
pub(crate) use protocol::{Request, Response, SOCKET, UnitInfo};
use serde::{Deserialize, Serialize};
pub(crate) use unit_file::{DIRECTORIES, UnitFile, find as find_unit};

use self::manager::Manager;
use self::reaper::Reaper;
use super::wire::{self, FromInit, ToInit};

/// The environment variable that carries the [`Role`].
pub(crate) const ROLE: &str = "BERTH_GUEST";
/// Where programs on the host reach the simulator.
pub(crate) const HOST_SOCKET: &str = "/run/pve.sock";
/// Where the guest's address is kept for `ip` and `hostname -I`.
pub(crate) const NETWORK: &str = "/run/network.json";
/// As old as the guest's boot.
pub(crate) const BOOTED: &str = "/run/booted";
/// Exists while writes are to fail with `No space left on device`.
pub(crate) const DISK_FULL: &str = "/run/disk-full";

/// The lines a stock Debian container's journal ends a boot with.
const BOOT_LINES: [(&str, &str); 3] = [
    (
        "systemd-update-utmp-runlevel.service",
        "systemd-update-utmp-runlevel.service: Deactivated successfully.",
    ),
    (
        "systemd-update-utmp-runlevel.service",
        "Finished systemd-update-utmp-runlevel.service - Record Runlevel Change in UTMP.",
    ),
    ("", "Startup finished in "),
];

/// What kind of machine this is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Role {
    /// The Proxmox host itself: its programs reach the simulator.
    pub(crate) host: bool,
    /// Debian's stock units are there.
    pub(crate) systemd: bool,
    pub(crate) network: Option<Network>,
}

/// The first interface of a guest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Network {
    /// Such as `eth0`.
    pub(crate) name: String,
    /// IPv4 address with prefix length.
    pub(crate) address: String,
    /// IPv4 gateway.
    pub(crate) gateway: Option<String>,
    /// MAC address.
    pub(crate) mac: String,
}

/// Runs as process 1 until the simulator closes the control socket (standard input).
pub(crate) fn main() -> i32 {
    match boot() {
        Ok(reaper) => reaper.run(),
        Err(error) => {
            let _ = io::Write::write_all(&mut io::stderr(), format!("guest init: {error}\n").as_bytes());
            1
        }
    }
}

fn boot() -> io::Result<Arc<Reaper>> {
    let role: Role = serde_json::from_str(&std::env::var(ROLE).unwrap_or_default())?;
    // Cosmetic: `ps` shows the name a real init has.
    let _ = std::fs::write("/proc/self/comm", if role.systemd { "systemd" } else { "init" });
    prepare(&role)?;
    let control = Arc::new(UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?));
    let sender = Arc::new(Mutex::new(control.try_clone()?));
    let reaper = Arc::new(Reaper::default());
    let journal = journal::Journal::open(!role.systemd && !role.host)?;
    let manager = Manager::new(Arc::clone(&reaper), journal, role.systemd && !role.host);
    serve_manager(&manager)?;
    if role.host {
        forward_clients(Arc::clone(&sender))?;
    }
    tell(&sender, &FromInit::Ready, &[])?;
    let starter = Arc::clone(&manager);
    std::thread::spawn(move || starter.boot_units());
    std::thread::spawn(move || {
        while let Ok(Some((message, fds))) = wire::receive::<ToInit>(&control) {
            handle(&manager, &sender, message, fds);
        }
        std::process::exit(0);
    });
    Ok(reaper)
}

fn prepare(role: &Role) -> io::Result<()> {
    for directory in ["/run/systemd/transient", "/run/lock", "/run/user"] {
        std::fs::create_dir_all(directory)?;
    }
    std::fs::write(BOOTED, "")?;
    if let Some(network) = &role.network {
        std::fs::write(NETWORK, serde_json::to_vec(network)?)?;
        // Without the program or the privilege only the loopback address answers.
        let _ = std::process::Command::new("/usr/.machine/bin/ip")
            .args(["address", "add", network.address.as_str(), "dev", "lo"])
            .stdin(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .status();
    }
    Ok(())
}

fn handle(manager: &Arc<Manager>, sender: &Arc<Mutex<UnixStream>>, message: ToInit, mut fds: Vec<OwnedFd>) {
    match message {
        ToInit::Attach(request) => {
            let reaper = Arc::clone(&manager.reaper);
            std::thread::spawn(move || attach::attach(&reaper, &request, fds));
        }
        ToInit::Push { path, mode, user, group } => {
            let (Some(reply), Some(source)) = (fds.pop(), fds.pop()) else { return };
            std::thread::spawn(move || {
                let answer = files::push(path.as_ref(), mode, user.as_deref(), group.as_deref(), source);
                // A caller that is gone has nobody to tell.
                let _ = wire::send(&UnixStream::from(reply), &answer, &[]);
            });
        }
        ToInit::Pull { path } => {
            if let Some(reply) = fds.pop() {
                let _ = files::pull(path.as_ref(), &UnixStream::from(reply));
            }
        }
        ToInit::Shutdown => {
            let (manager, sender) = (Arc::clone(manager), Arc::clone(sender));
            std::thread::spawn(move || {
                manager.shut_down();
                let _ = tell(&sender, &FromInit::Halted, &[]);
            });
        }
        ToInit::DiskFull(on) => {
            let _ = if on { std::fs::write(DISK_FULL, "") } else { std::fs::remove_file(DISK_FULL) };
        }
    }
}

fn tell(
    sender: &Mutex<UnixStream>,
    message: &FromInit,
    fds: &[std::os::fd::BorrowedFd<'_>],
) -> io::Result<()> {
    wire::send(&sender.lock().unwrap_or_else(PoisonError::into_inner), message, fds)
}

fn serve_manager(manager: &Arc<Manager>) -> io::Result<()> {
    // Left over only where /run is not fresh.
    let _ = std::fs::remove_file(SOCKET);
    let listener = UnixListener::bind(SOCKET)?;
    let manager = Arc::clone(manager);
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let manager = Arc::clone(&manager);
            std::thread::spawn(move || {
                while let Ok(Some((request, _))) = wire::receive::<Request>(&client) {
                    if wire::send(&client, &manager.answer(request), &[]).is_err() {
                        break;
                    }
                }
            });
        }
    });
    Ok(())
}

fn forward_clients(sender: Arc<Mutex<UnixStream>>) -> io::Result<()> {
    let _ = std::fs::remove_file(HOST_SOCKET);
    let listener = UnixListener::bind(HOST_SOCKET)?;
    // Whoever is on the host may ask; who may do what is decided by whom the socket says it is.
    std::fs::set_permissions(HOST_SOCKET, std::fs::Permissions::from_mode(0o666))?;
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let _ = tell(&sender, &FromInit::Client, &[client.as_fd()]);
        }
    });
    Ok(())
}

impl Manager {
    fn boot_units(self: &Arc<Self>) {
        let began = std::time::Instant::now();
        let mut names: Vec<String> = Vec::new();
        for directory in DIRECTORIES {
            for target in [
                "sysinit.target.wants",
                "basic.target.wants",
                "multi-user.target.wants",
                "default.target.wants",
                "timers.target.wants",
                "sockets.target.wants",
            ] {
                let entries =
                    std::fs::read_dir(format!("{directory}/{target}")).into_iter().flatten().flatten();
                names.extend(entries.filter_map(|entry| entry.file_name().into_string().ok()));
            }
        }
        for name in names {
            self.start(&name);
        }
        for (unit, line) in BOOT_LINES {
            let end = if unit.is_empty() {
                format!("{:.3}s.", began.elapsed().as_secs_f64())
            } else {
                String::new()
            };
            self.journal.manager(unit, format!("{line}{end}"));
        }
        self.set_booted();
    }

    fn shut_down(self: &Arc<Self>) {
        let names: Vec<String> = self.lock().keys().rev().cloned().collect();
        for name in names {
            self.stop(&name);
        }
    }
}

/// Whether this guest has more users than root: true when a real root runs the simulator.
pub(crate) fn all_ids_mapped() -> bool {
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    map.split_whitespace().nth(2).and_then(|count| count.parse::<u64>().ok()).is_some_and(|count| count > 1)
}

/// The guest's host name.
pub(crate) fn hostname() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned()
}
