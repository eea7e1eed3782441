//! `berth up`: everything on one machine.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::signal::Signal;
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::context::shutdown_on_signal;
use crate::config::{Config, Given};
use crate::services::keys::KeyFiles;
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
    let seal_anew = berth.give_keys(given, &KeyFiles::of(&place.private))?;
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
    if seal_anew && !berth.command("rotate-key")?.status().await?.success() {
        tracing::warn!("some stored secrets are not under the current key: see above");
    }
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
    /// Names the keys in the data directory for what was not given; whether one of them is no longer the current one.
    fn give_keys(&mut self, given: &Given, files: &KeyFiles) -> anyhow::Result<bool> {
        if given.key {
            return Ok(false);
        }
        files.prepare()?;
        self.environment.push(("BERTH_ENCRYPTION_KEY_FILE", files.current.display().to_string()));
        self.environment.push(("BERTH_OLD_ENCRYPTION_KEYS_FILE", files.old.display().to_string()));
        files.has_old()
    }

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
