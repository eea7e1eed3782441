//! `berth up`: everything on one machine.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use berth_store::crypto::Key;
use nix::sys::signal::Signal;
use secrecy::ExposeSecret as _;
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::context::shutdown_on_signal;
use crate::config::{Config, Given};
use crate::services::place::Place;
use crate::services::postgres::Postgres;
use crate::services::redis::Redis;
use crate::services::supervise::{End, Unit};
use crate::services::{Account, command, end_leftover};

/// Together below 25 s: a worker needs up to 20 s to finish a step or hand back its lease.
const APPLICATIONS_GRACE: Duration = Duration::from_secs(20);
const SERVICES_GRACE: Duration = Duration::from_millis(4_500);

/// Starts everything, and stops it in order on SIGINT, SIGTERM or SIGHUP.
pub(crate) async fn up(config: &Config, given: &Given) -> anyhow::Result<ExitCode> {
    let place = Place::take(&config.data_dir, Account::of_process()?)?;
    let mut group = Group::new();
    let stop = shutdown_on_signal();
    let outcome = tokio::select! {
        () = stop.cancelled() => Ok(ExitCode::SUCCESS),
        outcome = run(&mut group, config, given, &place) => outcome,
    };
    tracing::info!("stopping");
    group.stop().await;
    outcome
}

/// Runs until something gives up.
async fn run(group: &mut Group, config: &Config, given: &Given, place: &Place) -> anyhow::Result<ExitCode> {
    let mut berth =
        Berth { place: place.data.clone(), metrics: config.metrics_listen, environment: Vec::new() };
    berth.end_leftovers().await?;
    if !given.key {
        let key = key_file(&place.private)?;
        berth.environment.push(("BERTH_ENCRYPTION_KEY_FILE", key.display().to_string()));
    }
    if !given.database {
        let postgres = Postgres::prepare(place).await?;
        group.service(postgres.unit());
        group.unless_one_ends(postgres.ready()).await?;
        berth.environment.push(("BERTH_DATABASE_URL", postgres.url()));
    }
    if !given.redis {
        let redis = Redis::prepare(place).await?;
        group.service(redis.unit());
        group.unless_one_ends(redis.ready()).await?;
        berth.environment.push(("BERTH_REDIS_URL", redis.url()));
    }
    let migrated = berth.command("migrate")?.status().await?;
    anyhow::ensure!(migrated.success(), "the migrations failed: see above");
    group.application(berth.unit("web"));
    group.application(berth.unit("worker"));
    match group.first_end().await? {
        End::GaveUp { code, why } => {
            tracing::error!("{why}");
            Ok(code
                .and_then(|code| u8::try_from(code).ok())
                .filter(|code| *code != 0)
                .map_or(ExitCode::FAILURE, ExitCode::from))
        }
        End::Stopped => Ok(ExitCode::SUCCESS),
    }
}

/// Everything that was started; services outlive the applications.
struct Group {
    applications: CancellationToken,
    services: CancellationToken,
    application_units: JoinSet<anyhow::Result<End>>,
    service_units: JoinSet<anyhow::Result<End>>,
}

impl Group {
    fn new() -> Self {
        Self {
            applications: CancellationToken::new(),
            services: CancellationToken::new(),
            application_units: JoinSet::new(),
            service_units: JoinSet::new(),
        }
    }

    fn application(&mut self, unit: Unit) {
        self.application_units.spawn(unit.supervise(self.applications.clone(), APPLICATIONS_GRACE));
    }

    fn service(&mut self, unit: Unit) {
        self.service_units.spawn(unit.supervise(self.services.clone(), SERVICES_GRACE));
    }

    /// The first that runs no more, of those that were started.
    async fn first_end(&mut self) -> anyhow::Result<End> {
        let ended = tokio::select! {
            Some(ended) = self.application_units.join_next() => ended,
            Some(ended) = self.service_units.join_next() => ended,
        };
        ended.context("a supervising task ended")?
    }

    /// `ready`, or the failure of what should have become so.
    async fn unless_one_ends(
        &mut self,
        ready: impl Future<Output = anyhow::Result<()>>,
    ) -> anyhow::Result<()> {
        tokio::select! {
            outcome = ready => outcome,
            end = self.first_end() => match end? {
                End::GaveUp { why, .. } => anyhow::bail!("{why}; its log is in BERTH_DATA_DIR"),
                End::Stopped => Ok(()),
            },
        }
    }

    async fn stop(mut self) {
        self.applications.cancel();
        while self.application_units.join_next().await.is_some() {}
        self.services.cancel();
        while self.service_units.join_next().await.is_some() {}
    }
}

/// How this same program is run again as web and worker.
#[derive(Clone)]
struct Berth {
    place: PathBuf,
    metrics: Option<SocketAddr>,
    environment: Vec<(&'static str, String)>,
}

impl Berth {
    fn command(&self, verb: &str) -> anyhow::Result<Command> {
        let program = std::env::current_exe().context("cannot find this program's own file")?;
        let mut command = command(program.as_os_str(), None, "TERM");
        command.arg(verb).stdin(Stdio::null()).env("BERTH_DATA_DIR", &self.place);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        if let Some(metrics) = self.metrics.filter(|_| verb == "worker") {
            // Two processes cannot listen on one port.
            command
                .env("BERTH_METRICS_LISTEN", SocketAddr::new(metrics.ip(), metrics.port() + 1).to_string());
        }
        Ok(command)
    }

    fn unit(&self, verb: &'static str) -> Unit {
        let berth = self.clone();
        Unit::new(verb, Signal::SIGTERM, move || berth.command(verb)).with_pid_file(self.pid_file(verb))
    }

    fn pid_file(&self, verb: &str) -> PathBuf {
        self.place.join(format!("{verb}.pid"))
    }

    async fn end_leftovers(&self) -> anyhow::Result<()> {
        let marker = format!("BERTH_DATA_DIR={}", self.place.display());
        for verb in ["web", "worker"] {
            end_leftover(&self.pid_file(verb), &marker, Signal::SIGTERM, APPLICATIONS_GRACE).await?;
        }
        Ok(())
    }
}

/// The key of this machine, made once.
fn key_file(directory: &Path) -> anyhow::Result<PathBuf> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;

    let (path, fresh) = (directory.join("encryption-key"), directory.join("encryption-key.new"));
    if !path.exists() {
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        writeln!(file, "{}", Key::generate().expose_secret())?;
        file.sync_all()?;
        // Whole or not at all: half a key would make every stored secret unreadable later.
        std::fs::rename(&fresh, &path)?;
        tracing::info!(file = %path.display(), "made a key for stored secrets; keep a copy of it");
    }
    Ok(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn the_key_is_made_once_and_is_only_ours() {
        let dir = tempfile::tempdir().unwrap();
        let first = std::fs::read_to_string(key_file(dir.path()).unwrap()).unwrap();
        let path = key_file(dir.path()).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), first);
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        Key::parse(&first.into()).unwrap();
    }
}
