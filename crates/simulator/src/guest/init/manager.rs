//! The service manager of a guest: which units exist and in which state they are.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::journal::Journal;
use super::protocol::{Request, Response, UnitInfo};
use super::reaper::{Reaper, kill_group};
use super::unit_file::{DIRECTORIES, UnitFile, find};

/// Units of a stock Debian 12 container that are there and do not run: name, load, active, sub, description.
const STATIC_UNITS: &str = include_str!("static_units.txt");

/// A unit that was loaded.
#[derive(Debug, Clone, Default)]
pub(super) struct Unit {
    pub(super) info: UnitInfo,
    pub(super) file: UnitFile,
    /// Told to stop: its end is no failure and brings no restart.
    pub(super) stopping: bool,
    /// Forgotten as soon as it has ended.
    pub(super) collect: bool,
    /// When it was restarted automatically of late.
    pub(super) restarts: Vec<Instant>,
}

/// Shared by all threads of the init.
#[derive(Debug)]
pub(crate) struct Manager {
    pub(super) reaper: Arc<Reaper>,
    pub(super) journal: Journal,
    units: Mutex<BTreeMap<String, Unit>>,
    pub(super) changed: Condvar,
    pub(super) booted: AtomicBool,
    /// The stock units of Debian are part of this guest.
    systemd: bool,
}

impl Manager {
    pub(super) fn new(reaper: Arc<Reaper>, journal: Journal, systemd: bool) -> Arc<Self> {
        Arc::new(Self {
            reaper,
            journal,
            units: Mutex::default(),
            changed: Condvar::new(),
            booted: AtomicBool::new(false),
            systemd,
        })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Unit>> {
        self.units.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes a unit under the lock and wakes those who wait for a change.
    pub(super) fn update(&self, name: &str, change: impl FnOnce(&mut Unit)) {
        if let Some(unit) = self.lock().get_mut(name) {
            change(unit);
        }
        self.changed.notify_all();
    }

    /// Answers one request of a program inside.
    pub(crate) fn answer(self: &Arc<Self>, request: Request) -> Response {
        match request {
            Request::List => Response::Units(self.list()),
            Request::Show(names) => Response::Units(names.iter().map(|name| self.show(name)).collect()),
            Request::Start(name) => self.start(&name),
            Request::Stop(name) => self.stop(&name),
            Request::Restart(name) => {
                if self.lock().contains_key(&name) {
                    self.stop(&name);
                }
                self.start(&name)
            }
            Request::Reload(name) => self.reload(&name),
            Request::ResetFailed(name) => self.reset_failed(name.as_deref()),
            Request::Kill { unit, signal } => {
                let pid = self.show(&unit).main_pid;
                if pid > 0 {
                    kill_group(pid, signal);
                }
                Response::Done
            }
            Request::Run { unit, description, argv, properties, wait } => {
                self.run_transient(&unit, &description, &argv, &properties, wait)
            }
            Request::State { wait } => Response::State(self.state(wait)),
        }
    }

    /// Every unit that is loaded, stock, or has a file.
    fn list(&self) -> Vec<UnitInfo> {
        let mut all: BTreeMap<String, UnitInfo> = BTreeMap::new();
        if self.systemd {
            all.extend(static_units().map(|info| (info.name.clone(), info)));
        }
        for name in DIRECTORIES.iter().flat_map(|directory| unit_names(directory)) {
            let info = self.show(&name);
            all.insert(name, info);
        }
        all.extend(self.lock().iter().map(|(name, unit)| (name.clone(), unit.info.clone())));
        let mut list: Vec<_> = all.into_values().collect();
        list.sort_by_key(|info| info.name.to_lowercase());
        list
    }

    /// One unit; `load` is `not-found` when there is none.
    pub(super) fn show(&self, name: &str) -> UnitInfo {
        if let Some(unit) = self.lock().get(name) {
            return unit.info.clone();
        }
        if let Some(file) = UnitFile::load(name) {
            return described(name, &file);
        }
        let known = if self.systemd { static_units().find(|info| info.name == name) } else { None };
        known.unwrap_or_else(|| UnitInfo {
            name: name.to_owned(),
            load: "not-found".to_owned(),
            active: "inactive".to_owned(),
            sub: "dead".to_owned(),
            description: name.to_owned(),
            ..UnitInfo::default()
        })
    }

    fn state(&self, wait: bool) -> String {
        let deadline = Instant::now() + Duration::from_mins(1);
        let mut units = self.lock();
        while wait && !self.booted.load(Ordering::Acquire) && Instant::now() < deadline {
            units = self
                .changed
                .wait_timeout(units, Duration::from_millis(200))
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        drop(units);
        if !self.booted.load(Ordering::Acquire) {
            return "starting".to_owned();
        }
        let failed = self.list().iter().any(|info| info.active == "failed");
        if failed { "degraded".to_owned() } else { "running".to_owned() }
    }

    fn reset_failed(&self, name: Option<&str>) -> Response {
        for (_, unit) in
            self.lock().iter_mut().filter(|(key, _)| name.is_none_or(|name| name == key.as_str()))
        {
            if unit.info.active == "failed" {
                "inactive".clone_into(&mut unit.info.active);
                "dead".clone_into(&mut unit.info.sub);
            }
        }
        Response::Done
    }

    /// Marks the end of the boot.
    pub(super) fn set_booted(&self) {
        self.booted.store(true, Ordering::Release);
        self.changed.notify_all();
    }
}

/// A unit that has a file and was never started.
pub(super) fn described(name: &str, file: &UnitFile) -> UnitInfo {
    UnitInfo {
        name: name.to_owned(),
        load: "loaded".to_owned(),
        active: "inactive".to_owned(),
        sub: "dead".to_owned(),
        description: file
            .last("Description")
            .unwrap_or(name)
            .replace("%I", instance(name))
            .replace("%i", instance(name)),
        fragment: file.path.display().to_string(),
        result: "success".to_owned(),
        kind: file.last("Type").unwrap_or("simple").to_owned(),
        ..UnitInfo::default()
    }
}

fn instance(name: &str) -> &str {
    name.split_once('@').and_then(|(_, rest)| rest.rsplit_once('.')).map_or("", |(instance, _)| instance)
}

fn static_units() -> impl Iterator<Item = UnitInfo> {
    STATIC_UNITS.lines().filter_map(|line| {
        let mut fields = line.split('\t').map(str::to_owned);
        Some(UnitInfo {
            name: fields.next()?,
            load: fields.next()?,
            active: fields.next()?,
            sub: fields.next()?,
            description: fields.next()?,
            ..UnitInfo::default()
        })
    })
}

fn unit_names(directory: &str) -> Vec<String> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let kinds = [".service", ".timer", ".socket", ".target", ".mount", ".path"];
    names
        .filter(|name| {
            !name.contains("@.") && kinds.iter().any(|kind| name.ends_with(kind)) && find(name).is_some()
        })
        .collect()
}
