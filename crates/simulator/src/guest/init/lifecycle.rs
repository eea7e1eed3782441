//! Starting, stopping, restarting and watching units.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::manager::{Manager, Unit, described};
use super::protocol::Response;
use super::reaper::kill_group;
use super::run::{environment, steps};
use super::unit_file::UnitFile;
use crate::clock;

const TERM: i32 = 15;
const KILL: i32 = 9;
const POLL: Duration = Duration::from_millis(20);
/// systemd's default start limit: so many starts in so much time.
const START_LIMIT: (usize, Duration) = (5, Duration::from_secs(10));

impl Manager {
    /// Starts a unit and waits until systemd would answer.
    pub(super) fn start(self: &Arc<Self>, name: &str) -> Response {
        let known = self.show(name);
        if matches!(known.active.as_str(), "active" | "activating") {
            return Response::Done;
        }
        let Some(file) = UnitFile::load(name) else {
            if known.load == "loaded" {
                self.settle(name, known.description);
                return Response::Done;
            }
            return Response::Refused { text: format!("Unit {name} not found."), code: 5 };
        };
        for wanted in ["Requires", "Wants", "Unit"].iter().flat_map(|key| file.all(key).to_vec()) {
            for other in wanted.split_whitespace().filter(|other| is_service(other) && *other != name) {
                if UnitFile::load(other).is_some() && !is_timer(name) {
                    self.start(other);
                }
            }
        }
        if !is_service(name) {
            let sub = if is_timer(name) { "waiting" } else { "active" };
            self.enter(name, &file, "active", sub);
            return Response::Done;
        }
        self.launch(name, &file)
    }

    /// A stock unit without a process of its own.
    fn settle(&self, name: &str, description: String) {
        let mut info = described(name, &UnitFile::default());
        info.description = description;
        "active".clone_into(&mut info.active);
        "exited".clone_into(&mut info.sub);
        self.lock().insert(name.to_owned(), Unit { info, ..Unit::default() });
    }

    fn enter(&self, name: &str, file: &UnitFile, active: &str, sub: &str) -> String {
        let invocation = uuid::Uuid::new_v4().simple().to_string();
        let mut units = self.lock();
        let unit = units.entry(name.to_owned()).or_default();
        let restarts = unit.info.restarts;
        unit.info = described(name, file);
        unit.info.restarts = restarts;
        active.clone_into(&mut unit.info.active);
        sub.clone_into(&mut unit.info.sub);
        unit.info.started_ms = clock::now_ms();
        unit.info.invocation.clone_from(&invocation);
        unit.file = file.clone();
        unit.stopping = false;
        drop(units);
        self.changed.notify_all();
        invocation
    }

    pub(super) fn launch(self: &Arc<Self>, name: &str, file: &UnitFile) -> Response {
        let invocation = self.enter(name, file, "activating", "start");
        let kind = file.last("Type").unwrap_or("simple").to_owned();
        let description = self.show(name).description;
        if kind != "simple" {
            self.journal.manager(name, format!("Starting {name} - {description}..."));
        }
        make_directories(file);
        let env = environment(name, file, &invocation);
        if let Err(code) = self.run_steps(name, file, "ExecStartPre", &env) {
            return self.failed_to_start(name, code);
        }
        if kind == "oneshot" || kind == "forking" {
            return match self.run_steps(name, file, "ExecStart", &env) {
                Ok(()) => self.after_foreground(name, file, &kind, &invocation),
                Err(code) => self.failed_to_start(name, code),
            };
        }
        let Some(step) = steps(name, file, "ExecStart", &env).into_iter().next() else {
            let text = format!("Unit {name} has a bad unit file setting.");
            return Response::Refused { text, code: 1 };
        };
        match self.spawn_step(name, file, &env, &step) {
            Ok(pid) => {
                self.update(name, |unit| {
                    unit.info.main_pid = pid;
                    "active".clone_into(&mut unit.info.active);
                    "running".clone_into(&mut unit.info.sub);
                });
                self.journal.manager(name, format!("Started {name} - {description}."));
                let (manager, name) = (Arc::clone(self), name.to_owned());
                std::thread::spawn(move || {
                    let code = manager.reaper.wait(pid);
                    manager.ended(&name, &invocation, code);
                });
                Response::Done
            }
            Err(error) => {
                self.journal.manager(name, format!("{name}: Failed to execute {}: {error}", step.argv[0]));
                self.ended(name, &invocation, 203);
                Response::Done
            }
        }
    }

    fn after_foreground(
        self: &Arc<Self>,
        name: &str,
        file: &UnitFile,
        kind: &str,
        invocation: &str,
    ) -> Response {
        let description = self.show(name).description;
        if kind == "oneshot" {
            let stays = file.flag("RemainAfterExit");
            self.update(name, |unit| {
                (if stays { "active" } else { "inactive" }).clone_into(&mut unit.info.active);
                (if stays { "exited" } else { "dead" }).clone_into(&mut unit.info.sub);
            });
            if !stays {
                self.journal.manager(name, format!("{name}: Deactivated successfully."));
            }
            self.journal.manager(name, format!("Finished {name} - {description}."));
            return Response::Done;
        }
        let pid = processes(invocation).into_iter().min().unwrap_or(0);
        self.update(name, |unit| {
            unit.info.main_pid = pid;
            "active".clone_into(&mut unit.info.active);
            "running".clone_into(&mut unit.info.sub);
        });
        self.journal.manager(name, format!("Started {name} - {description}."));
        let (manager, name, invocation) = (Arc::clone(self), name.to_owned(), invocation.to_owned());
        std::thread::spawn(move || {
            while !processes(&invocation).is_empty() {
                std::thread::sleep(Duration::from_millis(200));
            }
            manager.ended(&name, &invocation, 0);
        });
        Response::Done
    }

    fn failed_to_start(&self, name: &str, code: i32) -> Response {
        self.note_failure(name, code);
        let text = format!(
            "Job for {name} failed because the control process exited with error code.\n\
             See \"systemctl status {name}\" and \"journalctl -xeu {name}\" for details."
        );
        Response::Refused { text, code: 1 }
    }

    fn note_failure(&self, name: &str, code: i32) {
        let how = if code > 128 {
            format!("code=killed, status={}", code - 128)
        } else {
            format!("code=exited, status={code}/{}", if code == 203 { "EXEC" } else { "FAILURE" })
        };
        self.journal.manager(name, format!("{name}: Main process exited, {how}"));
        self.journal.manager(name, format!("{name}: Failed with result 'exit-code'."));
        self.update(name, |unit| {
            "failed".clone_into(&mut unit.info.active);
            "failed".clone_into(&mut unit.info.sub);
            "exit-code".clone_into(&mut unit.info.result);
            unit.info.exit_code = code;
            unit.info.main_pid = 0;
        });
    }

    /// The main process is gone: what follows depends on how, and on `Restart=`.
    pub(super) fn ended(self: &Arc<Self>, name: &str, invocation: &str, code: i32) {
        let Some(unit) = self.lock().get(name).filter(|unit| unit.info.invocation == invocation).cloned()
        else {
            return;
        };
        let clean = code == 0 || matches!(code, 129 | 130 | 141 | 143) || unit.stopping;
        if clean {
            self.journal.manager(name, format!("{name}: Deactivated successfully."));
            self.update(name, |unit| {
                "inactive".clone_into(&mut unit.info.active);
                "dead".clone_into(&mut unit.info.sub);
                unit.info.main_pid = 0;
                unit.info.exit_code = code;
            });
        } else {
            self.note_failure(name, code);
        }
        if unit.collect && (clean || unit.file.last("CollectMode") == Some("inactive-or-failed")) {
            self.lock().remove(name);
            self.changed.notify_all();
        }
        let again = match unit.file.last("Restart") {
            Some("always") => true,
            Some("on-failure" | "on-abnormal" | "on-abort") => !clean,
            Some("on-success") => clean,
            _ => false,
        };
        if again && !unit.stopping {
            self.restart_later(name, &unit);
        }
    }

    fn restart_later(self: &Arc<Self>, name: &str, unit: &Unit) {
        let now = Instant::now();
        let recent = unit.restarts.iter().filter(|at| now.duration_since(**at) < START_LIMIT.1).count();
        if recent >= START_LIMIT.0 {
            self.journal.manager(name, format!("{name}: Start request repeated too quickly."));
            return;
        }
        self.update(name, |unit| {
            unit.restarts.push(now);
            unit.info.restarts += 1;
            "activating".clone_into(&mut unit.info.active);
            "auto-restart".clone_into(&mut unit.info.sub);
        });
        let pause = unit.file.last("RestartSec").and_then(seconds).unwrap_or(0.1);
        std::thread::sleep(Duration::from_secs_f64(pause));
        let stopped =
            self.lock().get(name).is_none_or(|unit| unit.stopping || unit.info.sub != "auto-restart");
        if !stopped {
            let count = self.show(name).restarts;
            self.journal
                .manager(name, format!("{name}: Scheduled restart job, restart counter is at {count}."));
            self.launch(name, &unit.file);
        }
    }

    /// Stops a unit and waits until its processes are gone.
    pub(super) fn stop(self: &Arc<Self>, name: &str) -> Response {
        let Some(unit) = self.lock().get(name).cloned() else {
            let known = self.show(name);
            if known.load == "not-found" {
                return Response::Refused { text: format!("Unit {name} not loaded."), code: 5 };
            }
            return Response::Done;
        };
        let running = unit.info.active == "active" || unit.info.active == "activating";
        self.update(name, |unit| unit.stopping = true);
        if !running {
            return Response::Done;
        }
        let env = environment(name, &unit.file, &unit.info.invocation);
        // A failing ExecStop does not keep a unit alive.
        let _ = self.run_steps(name, &unit.file, "ExecStop", &env);
        let wait = unit.file.last("TimeoutStopSec").and_then(seconds).unwrap_or(10.0).min(90.0);
        end_processes(&unit.info.invocation, unit.info.main_pid, Duration::from_secs_f64(wait));
        self.update(name, |unit| {
            "inactive".clone_into(&mut unit.info.active);
            "dead".clone_into(&mut unit.info.sub);
            unit.info.main_pid = 0;
        });
        self.journal.manager(name, format!("Stopped {name} - {}.", unit.info.description));
        Response::Done
    }

    pub(super) fn reload(self: &Arc<Self>, name: &str) -> Response {
        let Some(unit) = self.lock().get(name).cloned().filter(|unit| unit.info.active == "active") else {
            let text = format!("{name} is not active, cannot reload.");
            return Response::Refused { text, code: 1 };
        };
        let mut env = environment(name, &unit.file, &unit.info.invocation);
        env.insert("MAINPID".to_owned(), unit.info.main_pid.to_string());
        match self.run_steps(name, &unit.file, "ExecReload", &env) {
            Ok(()) => {
                self.journal.manager(name, format!("Reloaded {name} - {}.", unit.info.description));
                Response::Done
            }
            Err(_) => Response::Refused { text: format!("Job for {name} failed."), code: 1 },
        }
    }
}

fn is_service(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, kind)| kind == "service")
}

fn is_timer(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, kind)| kind == "timer")
}

fn make_directories(file: &UnitFile) {
    for (key, base) in [
        ("RuntimeDirectory", "/run"),
        ("StateDirectory", "/var/lib"),
        ("LogsDirectory", "/var/log"),
        ("CacheDirectory", "/var/cache"),
    ] {
        for name in file.all(key).iter().flat_map(|names| names.split_whitespace()) {
            let path = format!("{base}/{name}");
            // What cannot be made shows when the program misses it.
            let _ = std::fs::create_dir_all(&path);
            if let Some(uid) = file.last("User").and_then(|user| super::files::lookup("/etc/passwd", user)) {
                let _ = std::os::unix::fs::chown(&path, Some(uid), Some(uid));
            }
        }
    }
}

/// All processes that carry a unit's invocation id in their environment: what a control group would hold.
pub(super) fn processes(invocation: &str) -> Vec<i32> {
    let mark = format!("INVOCATION_ID={invocation}");
    let pids = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    pids.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok())
        .filter(|pid| {
            let env = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            env.split(|byte| *byte == 0).any(|pair| pair == mark.as_bytes())
        })
        .collect()
}

fn end_processes(invocation: &str, main: i32, patience: Duration) {
    if main > 0 {
        kill_group(main, TERM);
    }
    for pid in processes(invocation) {
        kill_one(pid, TERM);
    }
    let deadline = Instant::now() + patience;
    while !processes(invocation).is_empty() {
        if Instant::now() > deadline {
            for pid in processes(invocation) {
                kill_one(pid, KILL);
            }
        }
        std::thread::sleep(POLL);
    }
}

fn kill_one(pid: i32, signal: i32) {
    if let Ok(signal) = nix::sys::signal::Signal::try_from(signal) {
        // Gone in the meantime is what was wanted.
        let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), signal);
    }
}

/// A time span such as `5`, `5s`, `100ms`, `2min`.
fn seconds(text: &str) -> Option<f64> {
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number: f64 = text[..split].parse().ok()?;
    let unit = match text[split..].trim() {
        "" | "s" | "sec" => 1.0,
        "ms" => 0.001,
        "min" | "m" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    Some(number * unit)
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn spans_have_units() {
        assert_eq!(seconds("5"), Some(5.0));
        assert_eq!(seconds("100ms"), Some(0.1));
        assert_eq!(seconds("2min"), Some(120.0));
        assert_eq!(seconds("soon"), None);
    }
}
