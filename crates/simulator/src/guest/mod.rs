//! Guests: what is inside a container, with real processes in a private root over the machine's own `/usr`.

mod catalogue;
mod dpkg;
mod init;
mod rootfs;
mod sandbox;
pub mod tools;
pub(crate) mod wire;

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use tokio::sync::{mpsc, watch};

use self::init::{Network, Role};
use self::rootfs::Kind;
use self::sandbox::Spawner;
use self::wire::{FromInit, ToInit};
use crate::host_files::PRIVATE;

/// The key under which the host itself is kept among the guests.
pub(crate) const HOST: u32 = 0;

/// What a guest has to know of its container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestSpec {
    /// Container id.
    pub vmid: u32,
    /// Host name inside.
    pub hostname: String,
    /// `debian`, `ubuntu`, `alpine`, …
    pub ostype: String,
    /// Such as `12`.
    pub os_version: String,
    /// Addresses with prefix length, such as `10.77.0.101/24`.
    pub addresses: Vec<String>,
    /// Hardware address of the first interface, empty without one.
    pub hwaddr: String,
}

/// A guest that runs; killing the sandbox ends everything in it.
#[derive(Debug)]
struct Running {
    control: Mutex<UnixStream>,
    sandbox: Mutex<Child>,
    pid: Option<u32>,
    ended: watch::Receiver<bool>,
}

/// The guests of one host.
#[derive(Debug)]
pub struct Guests {
    directory: PathBuf,
    spawner: Spawner,
    running: Mutex<HashMap<u32, Arc<Running>>>,
}

impl Guests {
    /// Guests kept below `directory`.
    pub fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned(), spawner: Spawner::new(), running: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u32, Arc<Running>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place(&self, vmid: u32) -> PathBuf {
        self.directory.join(vmid.to_string())
    }

    /// Makes the private root of a new container.
    pub async fn create(&self, spec: &GuestSpec) -> anyhow::Result<()> {
        self.build(spec.clone(), Kind::of(&spec.ostype)).await
    }

    async fn build(&self, spec: GuestSpec, kind: Kind) -> anyhow::Result<()> {
        let root = self.place(spec.vmid).join("rootfs");
        tokio::task::spawn_blocking(move || {
            rootfs::build(&root, &spec, kind)
                .with_context(|| format!("cannot make the root in {}", root.display()))
        })
        .await?
    }

    /// Boots a container.
    pub async fn start(&self, spec: &GuestSpec) -> anyhow::Result<()> {
        self.boot(spec, Kind::of(&spec.ostype), None).await
    }

    /// Makes the private root of the host itself.
    pub(crate) async fn build_host(&self, node: &str) -> anyhow::Result<()> {
        self.build(host_spec(node), Kind::Host).await
    }

    /// Boots the host's own shell environment; connections of its programs arrive at `clients`. `private` is a directory of
    /// this machine that it has as `/etc/pve/priv`.
    pub(crate) async fn start_host(
        &self,
        node: &str,
        private: &Path,
        clients: mpsc::UnboundedSender<UnixStream>,
    ) -> anyhow::Result<()> {
        let spec = host_spec(node);
        self.boot(&spec, Kind::Host, Some((private, clients))).await
    }

    async fn boot(
        &self,
        spec: &GuestSpec,
        kind: Kind,
        host: Option<(&Path, mpsc::UnboundedSender<UnixStream>)>,
    ) -> anyhow::Result<()> {
        self.build(spec.clone(), kind).await?;
        self.stop(spec.vmid).await?;
        let (ours, theirs) = UnixStream::pair()?;
        let role = Role {
            host: kind == Kind::Host,
            systemd: kind == Kind::Debian,
            network: spec.addresses.first().map(|address| Network {
                name: "eth0".to_owned(),
                address: address.clone(),
                gateway: None,
                mac: spec.hwaddr.clone(),
            }),
        };
        let place = self.place(spec.vmid);
        let role = serde_json::to_string(&role)?;
        let console = place.join("console.log");
        let shared = host.as_ref().map(|(private, _)| (*private, PRIVATE));
        let clients = host.as_ref().map(|(_, clients)| clients.clone());
        let control = OwnedFd::from(theirs);
        let root = place.join("rootfs");
        let command = sandbox::command(&root, &spec.hostname, &role, control, &console, shared)?;
        let sandbox = self.spawner.spawn(command).await.context("cannot start bwrap")?;
        let (up, ready) = tokio::sync::oneshot::channel();
        let (down, ended) = watch::channel(false);
        let events = ours.try_clone()?;
        std::thread::spawn(move || listen(&events, up, clients.as_ref(), &down));
        if tokio::time::timeout(std::time::Duration::from_secs(20), ready).await.is_err() || *ended.borrow() {
            anyhow::bail!("the guest's init did not come up: see {}", console.display());
        }
        let pid = first_child(sandbox.id());
        let running = Running { control: Mutex::new(ours), sandbox: Mutex::new(sandbox), pid, ended };
        self.lock().insert(spec.vmid, Arc::new(running));
        Ok(())
    }

    /// Ends everything that runs in it.
    pub async fn stop(&self, vmid: u32) -> anyhow::Result<()> {
        let Some(running) = self.lock().remove(&vmid) else { return Ok(()) };
        running.sandbox.lock().unwrap_or_else(PoisonError::into_inner).kill()?;
        let mut ended = running.ended.clone();
        // The control socket closes with the last process that holds it, the init.
        let gone = tokio::time::timeout(std::time::Duration::from_secs(10), ended.wait_for(|ended| *ended));
        gone.await.context("the guest does not end")??;
        running.sandbox.lock().unwrap_or_else(PoisonError::into_inner).wait()?;
        Ok(())
    }

    /// Removes its private root.
    pub async fn destroy(&self, vmid: u32) -> anyhow::Result<()> {
        self.stop(vmid).await?;
        let place = self.place(vmid);
        tokio::task::spawn_blocking(move || remove_tree(&place)).await??;
        Ok(())
    }

    /// The process id of its init.
    pub fn pid(&self, vmid: u32) -> Option<u32> {
        self.lock().get(&vmid).and_then(|running| running.pid)
    }

    /// The private root of a guest on this machine.
    pub fn root(&self, vmid: u32) -> PathBuf {
        self.place(vmid).join("rootfs")
    }

    /// Hands a request with descriptors to the init of a guest; `NotConnected` when it does not run.
    pub(crate) fn request(&self, vmid: u32, request: &ToInit, fds: &[BorrowedFd<'_>]) -> io::Result<()> {
        let running = self.lock().get(&vmid).cloned().ok_or(io::ErrorKind::NotConnected)?;
        wire::send(&running.control.lock().unwrap_or_else(PoisonError::into_inner), request, fds)
    }

    /// Tells all guests whether their disk is full.
    pub(crate) fn set_disk_full(&self, full: bool) {
        let vmids: Vec<u32> = self.lock().keys().copied().filter(|vmid| *vmid != HOST).collect();
        for vmid in vmids {
            if let Err(error) = self.request(vmid, &ToInit::DiskFull(full), &[]) {
                tracing::debug!(vmid, %error, "guest not told about its disk");
            }
        }
    }
}

impl Drop for Guests {
    fn drop(&mut self) {
        for running in self.lock().values() {
            // Gone already is what is wanted.
            let _ = running.sandbox.lock().unwrap_or_else(PoisonError::into_inner).kill();
        }
    }
}

fn host_spec(node: &str) -> GuestSpec {
    GuestSpec {
        vmid: HOST,
        hostname: node.to_owned(),
        ostype: "debian".to_owned(),
        os_version: String::new(),
        addresses: Vec::new(),
        hwaddr: String::new(),
    }
}

/// Whether processes inside may be of other users than root: true when a real root runs the simulator.
pub(crate) fn has_users() -> bool {
    nix::unistd::geteuid().is_root() && init::all_ids_mapped()
}

fn listen(
    events: &UnixStream,
    up: tokio::sync::oneshot::Sender<()>,
    clients: Option<&mpsc::UnboundedSender<UnixStream>>,
    down: &watch::Sender<bool>,
) {
    let mut up = Some(up);
    while let Ok(Some((event, fds))) = wire::receive::<FromInit>(events) {
        match event {
            FromInit::Ready => {
                if let Some(up) = up.take() {
                    // Who waited may have given up.
                    let _ = up.send(());
                }
            }
            FromInit::Client => {
                if let (Some(clients), Some(fd)) = (clients, fds.into_iter().next()) {
                    let _ = clients.send(UnixStream::from(fd));
                }
            }
            FromInit::Halted => {}
        }
    }
    down.send_replace(true);
}

fn first_child(parent: u32) -> Option<u32> {
    let children = std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).ok()?;
    children.split_whitespace().next()?.parse().ok()
}

/// Removes a tree whose directories a script may have made unreadable.
fn remove_tree(place: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            std::process::Command::new("chmod").args(["-R", "u+rwX"]).arg(place).status()?;
            std::fs::remove_dir_all(place)
        }
        other => other,
    }
}

/// Keeps descriptors borrowed together.
pub(crate) fn borrow(fds: &[OwnedFd]) -> Vec<BorrowedFd<'_>> {
    fds.iter().map(AsFd::as_fd).collect()
}
