//! A private PostgreSQL on a unix socket.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::signal::Signal;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::time::{Instant, sleep};

use super::place::Place;
use super::supervise::Unit;
use super::{Account, command, end_leftover, in_path, open_log, tail};

/// How long crash recovery may take.
const START_DEADLINE: Duration = Duration::from_mins(1);

/// Where the server's programs and files are.
#[derive(Clone, Debug)]
pub(crate) struct Postgres {
    programs: PathBuf,
    parent: PathBuf,
    data: PathBuf,
    run: PathBuf,
    log: PathBuf,
    account: Option<Account>,
}

impl Postgres {
    /// Finds the programs, ends what a killed run left, and makes the database on the first run.
    pub(crate) async fn prepare(place: &Place) -> anyhow::Result<Self> {
        let parent = place.directory("postgres")?;
        let data = parent.join("data");
        let postgres = Self {
            programs: find_programs(&data)?,
            run: place.run.clone(),
            log: place.data.join("postgres.log"),
            account: place.account.clone(),
            parent,
            data,
        };
        let marker = postgres.data.to_string_lossy().into_owned();
        end_leftover(&postgres.pid_file(), &marker, Signal::SIGINT, Duration::from_secs(15)).await?;
        // What is not yet renamed was never complete; without a control file it is no database either.
        remove_directory(&postgres.fresh())?;
        if postgres.data.exists() && !postgres.data.join("global/pg_control").exists() {
            tracing::warn!(directory = %postgres.data.display(), "removing an unfinished database");
            remove_directory(&postgres.data)?;
        }
        if !postgres.data.exists() {
            postgres.initialise().await.context("cannot make a database")?;
        }
        Ok(postgres)
    }

    /// The address of the database `berth`.
    pub(crate) fn url(&self) -> String {
        Self::url_in(&self.run)
    }

    /// The address of the database `berth` of a server whose socket is in `run`.
    pub(crate) fn url_in(run: &Path) -> String {
        let run: String = run.to_string_lossy().split('/').map(encode).collect::<Vec<_>>().join("/");
        format!("postgres://berth@localhost/berth?host={run}&port=5432")
    }

    /// The server, ready to be supervised.
    pub(crate) fn unit(&self) -> Unit {
        let postgres = self.clone();
        Unit::new("PostgreSQL", Signal::SIGINT, move || postgres.server())
    }

    fn server(&self) -> anyhow::Result<Command> {
        let log = open_log(&self.log)?;
        let mut command = self.program("postgres", "INT");
        command.arg("-D").arg(&self.data);
        let sockets = format!("unix_socket_directories={}", self.run.display());
        for setting in ["listen_addresses=", "port=5432", "unix_socket_permissions=0700", &sockets] {
            command.arg("-c").arg(setting);
        }
        command.stdout(log.try_clone()?).stderr(log);
        Ok(command)
    }

    /// Waits until the server accepts connections.
    pub(crate) async fn ready(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + START_DEADLINE;
        while Instant::now() < deadline {
            let state = std::fs::read_to_string(self.pid_file()).unwrap_or_default();
            if state.lines().nth(7).is_some_and(|line| line.trim() == "ready") {
                return Ok(());
            }
            sleep(Duration::from_millis(30)).await;
        }
        anyhow::bail!("PostgreSQL did not start; the end of {}:\n{}", self.log.display(), tail(&self.log))
    }

    /// Built aside and renamed when complete, so that an interruption never leaves half a database.
    async fn initialise(&self) -> anyhow::Result<()> {
        tracing::info!(directory = %self.data.display(), "making a database");
        let mut initdb = self.program("initdb", "KILL");
        initdb.arg("-D").arg(self.fresh());
        initdb.args(["--username=berth", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"]);
        run(initdb, "").await?;
        let mut single = self.program("postgres", "KILL");
        single.arg("--single").arg("-D").arg(self.fresh()).arg("postgres");
        run(single, "CREATE DATABASE berth\n").await?;
        std::fs::rename(self.fresh(), &self.data)?;
        Ok(())
    }

    fn program(&self, name: &str, death_signal: &str) -> Command {
        let mut command = command(self.programs.join(name).as_os_str(), self.account.as_ref(), death_signal);
        // The caller's directory may be closed to the other user. A fixed locale keeps messages readable.
        command.current_dir(&self.parent).env("LC_ALL", "C.UTF-8").env_remove("PGDATA").stdin(Stdio::null());
        command
    }

    fn pid_file(&self) -> PathBuf {
        self.data.join("postmaster.pid")
    }

    fn fresh(&self) -> PathBuf {
        self.parent.join("data.new")
    }
}

/// Percent-encoding of what would end a query parameter.
fn encode(segment: &str) -> String {
    segment
        .bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

async fn run(mut command: Command, input: &str) -> anyhow::Result<()> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn()?;
    let mut stdin = child.stdin.take().expect("stdin is piped");
    stdin.write_all(input.as_bytes()).await?;
    drop(stdin);
    let output = child.wait_with_output().await?;
    let said = String::from_utf8_lossy(&output.stderr);
    // The single-user server ends well even when a statement failed.
    anyhow::ensure!(
        output.status.success() && !said.contains("ERROR:"),
        "{}: {}",
        output.status,
        said.trim()
    );
    Ok(())
}

fn remove_directory(path: &Path) -> anyhow::Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// The directory of `initdb` and `postgres`: of the version that made `data`, otherwise the newest.
fn find_programs(data: &Path) -> anyhow::Result<PathBuf> {
    let installed = installed_versions();
    if let Ok(version) = std::fs::read_to_string(data.join("PG_VERSION")) {
        let version = version.trim();
        let same = installed.into_iter().find(|(installed, _)| version.parse() == Ok(*installed));
        return same.map(|(_, programs)| programs).with_context(|| {
            format!(
                "{} was made by PostgreSQL {version}, which is not installed: install postgresql-{version}",
                data.display()
            )
        });
    }
    installed.into_iter().max().map(|(_, programs)| programs).context(
        "PostgreSQL is not installed: install the package postgresql, or set BERTH_DATABASE_URL to one that runs elsewhere",
    )
}

/// Versions with their programs: Debian keeps them off `PATH`.
fn installed_versions() -> Vec<(u32, PathBuf)> {
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<_> = debian
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, programs)| programs.join("initdb").is_file())
        .collect();
    if found.is_empty()
        && let Some(programs) = in_path("initdb").and_then(|initdb| Some(initdb.parent()?.to_owned()))
    {
        found.extend(version_of(&programs).map(|version| (version, programs)));
    }
    found
}

fn version_of(programs: &Path) -> Option<u32> {
    let output = std::process::Command::new(programs.join("postgres")).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.split_whitespace().find_map(|word| word.split('.').next()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_cannot_end_the_query_parameter() {
        assert_eq!(encode("a&b=c d%é"), "a%26b%3Dc%20d%25%C3%A9");
    }
}
