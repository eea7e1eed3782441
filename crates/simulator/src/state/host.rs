//! The handle on one host: its model, tasks, guests, faults and calls.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::Model;
use super::accounts::{Open, SharedAccounts};
use crate::calls::Calls;
use crate::faults::{Fault, Faults};
use crate::guest::Guests;
use crate::tasks::Tasks;
use crate::tls::{Certificate, Certificates, ROOT};

/// One simulated host; clones share everything.
#[derive(Debug, Clone)]
pub struct Host(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    node: String,
    directory: PathBuf,
    model: Mutex<Model>,
    tasks: Tasks,
    calls: Calls,
    faults: Faults,
    guests: Guests,
    speed: f64,
    accept_any: bool,
    config_locks: Mutex<HashMap<u32, Arc<tokio::sync::Mutex<()>>>>,
    certificates: OnceLock<Certificates>,
    cluster: OnceLock<(Vec<Host>, SharedAccounts)>,
}

/// How to open a host.
#[derive(Debug, Clone)]
pub struct HostOptions {
    /// Node name, such as `pve`.
    pub node: String,
    /// Where its state is kept; one directory per host.
    pub directory: PathBuf,
    /// Tasks take this many times less time.
    pub speed: f64,
    /// Be an impostor: any password, token or key opens.
    pub accept_any: bool,
    /// Shared by all hosts of a process.
    pub calls: Calls,
    /// Shared by all hosts of a process.
    pub faults: Faults,
}

impl Host {
    /// Opens the host kept in `directory`, or starts it as `fresh`.
    ///
    /// # Errors
    /// When the directory cannot be made or its state not read.
    pub fn open(options: HostOptions, fresh: impl FnOnce() -> Model) -> std::io::Result<Self> {
        std::fs::create_dir_all(&options.directory)?;
        let kept = state_file(&options.directory);
        let model = if kept.exists() {
            let mut model: Model = serde_json::from_slice(&std::fs::read(kept)?)?;
            model.come_back();
            model
        } else {
            fresh()
        };
        let host = Self(Arc::new(Inner {
            guests: Guests::new(&options.directory.join("guests")),
            node: options.node,
            directory: options.directory,
            model: Mutex::new(model),
            tasks: Tasks::default(),
            calls: options.calls,
            faults: options.faults,
            speed: options.speed,
            accept_any: options.accept_any,
            config_locks: Mutex::default(),
            certificates: OnceLock::new(),
            cluster: OnceLock::new(),
        }));
        host.write(|_| ());
        Ok(host)
    }

    /// Node name, such as `pve`.
    pub fn node(&self) -> &str {
        &self.0.node
    }

    /// Where this host keeps its state; a private directory.
    pub fn directory(&self) -> &Path {
        &self.0.directory
    }

    /// Its running tasks.
    pub fn tasks(&self) -> &Tasks {
        &self.0.tasks
    }

    /// What was asked of it.
    pub fn calls(&self) -> &Calls {
        &self.0.calls
    }

    /// What is planted in it.
    pub fn faults(&self) -> &Faults {
        &self.0.faults
    }

    /// What is inside its containers.
    pub fn guests(&self) -> &Guests {
        &self.0.guests
    }

    /// By how much tasks are faster than on a real host.
    pub fn speed(&self) -> f64 {
        self.0.speed
    }

    /// Whether it is an impostor, which any password, token or key opens.
    pub fn accepts_anyone(&self) -> bool {
        self.0.accept_any
    }

    /// SHA-256 of the certificate it shows now, as `AB:CD:…`; empty before it serves.
    pub fn fingerprint(&self) -> String {
        let shown = self.certificates().into_iter().find(|(name, _)| *name == "pve-ssl.pem");
        shown.map(|(_, certificate)| certificate.fingerprint).unwrap_or_default()
    }

    /// Its certificates by file name, those of now: `pve-ssl.pem` is the other one while it is "changed".
    pub fn certificates(&self) -> Vec<(&'static str, Certificate)> {
        let Some(all) = self.0.certificates.get() else { return Vec::new() };
        let changed = self.faults().any(|fault| matches!(fault, Fault::ChangedCertificate));
        let own = if changed { &all.changed } else { &all.own };
        vec![(ROOT, all.root.clone()), ("pve-ssl.pem", own.clone())]
    }

    /// Tells the host which certificates it has; only the first time counts.
    pub fn set_certificates(&self, certificates: Certificates) {
        let _ = self.0.certificates.set(certificates);
    }

    /// Whether it is switched off.
    pub fn is_off(&self) -> bool {
        crate::listen::is_off(self.faults())
    }

    /// The other members of its cluster; empty when it stands alone.
    pub fn members(&self) -> Vec<Host> {
        self.0.cluster.get().map(|(members, _)| members.clone()).unwrap_or_default()
    }

    /// Joins it with the other members of a cluster; only the first time counts.
    pub fn join(&self, members: Vec<Host>, accounts: SharedAccounts) {
        let _ = self.0.cluster.set((members, accounts));
    }

    /// What the host has as `/etc/pve/priv`, in a cluster shared by all members.
    pub(crate) fn private(&self) -> PathBuf {
        let shared = self.0.cluster.get().map(|(_, accounts)| accounts.directory());
        shared.unwrap_or_else(|| self.directory().to_owned()).join("priv")
    }

    /// Whether it is a member of a cluster, if only of one.
    pub fn is_clustered(&self) -> bool {
        self.0.cluster.get().is_some()
    }

    fn open_state(&self) -> Open<'_> {
        Open::new(&self.0.model, self.0.cluster.get().map(|(_, accounts)| accounts))
    }

    /// Reads the state.
    pub fn read<R>(&self, reader: impl FnOnce(&Model) -> R) -> R {
        reader(&self.open_state())
    }

    /// Changes the state without saving it: for what may be lost in a crash, such as a line of a running task.
    pub fn touch<R>(&self, change: impl FnOnce(&mut Model) -> R) -> R {
        change(&mut self.open_state())
    }

    /// Changes the state and saves it before anyone else may look.
    pub fn write<R>(&self, change: impl FnOnce(&mut Model) -> R) -> R {
        let mut model = self.open_state();
        let result = change(&mut model);
        let saved = save(&self.0.directory, &model).and_then(|()| model.save_shared());
        if let Err(error) = saved {
            tracing::error!(%error, directory = %self.0.directory.display(), "the state could not be saved");
        }
        result
    }

    /// The lock Proxmox holds while it works on a container's configuration.
    pub fn config_lock(&self, vmid: u32) -> Arc<tokio::sync::Mutex<()>> {
        let mut locks = self.0.config_locks.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(locks.entry(vmid).or_default())
    }
}

fn state_file(directory: &Path) -> PathBuf {
    directory.join("state.json")
}

fn save(directory: &Path, model: &Model) -> std::io::Result<()> {
    let scratch = directory.join("state.json.new");
    let mut file = std::fs::File::create(&scratch)?;
    file.write_all(&serde_json::to_vec(model)?)?;
    std::fs::rename(scratch, state_file(directory))
}
