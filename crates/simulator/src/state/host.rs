//! The handle on one host: its model, tasks, guests, faults and calls.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::Model;
use crate::calls::Calls;
use crate::faults::Faults;
use crate::guest::Guests;
use crate::tasks::Tasks;

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
    config_locks: Mutex<HashMap<u32, Arc<tokio::sync::Mutex<()>>>>,
    fingerprint: RwLock<String>,
    members: RwLock<Vec<Host>>,
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
            config_locks: Mutex::default(),
            fingerprint: RwLock::default(),
            members: RwLock::default(),
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

    /// SHA-256 of its certificate, as `AB:CD:…`.
    pub fn fingerprint(&self) -> String {
        self.0.fingerprint.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tells the host which certificate it shows.
    pub fn set_fingerprint(&self, fingerprint: String) {
        *self.0.fingerprint.write().unwrap_or_else(PoisonError::into_inner) = fingerprint;
    }

    /// The other members of its cluster; empty when it stands alone.
    pub fn members(&self) -> Vec<Host> {
        self.0.members.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Joins it with the other members of a cluster.
    pub fn set_members(&self, members: Vec<Host>) {
        *self.0.members.write().unwrap_or_else(PoisonError::into_inner) = members;
    }

    /// Reads the state.
    pub fn read<R>(&self, reader: impl FnOnce(&Model) -> R) -> R {
        reader(&self.0.model.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the state without saving it: for what may be lost in a crash, such as a line of a running task.
    pub fn touch<R>(&self, change: impl FnOnce(&mut Model) -> R) -> R {
        change(&mut self.0.model.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the state and saves it before anyone else may look.
    pub fn write<R>(&self, change: impl FnOnce(&mut Model) -> R) -> R {
        let mut model = self.0.model.lock().unwrap_or_else(PoisonError::into_inner);
        let result = change(&mut model);
        if let Err(error) = save(&self.0.directory, &model) {
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
