//! A private Redis on a unix socket.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use nix::sys::signal::Signal;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::process::Command;
use tokio::time::{Instant, sleep};

use super::place::Place;
use super::supervise::Unit;
use super::{Account, command, end_leftover, in_path, open_log, tail};

/// How long loading the saved data may take.
const START_DEADLINE: Duration = Duration::from_secs(30);

/// Where the server's program and files are.
#[derive(Clone, Debug)]
pub(crate) struct Redis {
    program: PathBuf,
    data: PathBuf,
    run: PathBuf,
    log: PathBuf,
    account: Option<Account>,
}

impl Redis {
    /// Finds the program and ends what a killed run left.
    pub(crate) async fn prepare(place: &Place) -> anyhow::Result<Self> {
        let program = in_path("redis-server").context(
            "Redis is not installed: install the package redis-server, or set BERTH_REDIS_URL to one that runs elsewhere",
        )?;
        let data = place.directory("redis")?;
        let (run, log, account) = (place.run.clone(), place.data.join("redis.log"), place.account.clone());
        let redis = Self { program, data, run, log, account };
        let socket = redis.socket().to_string_lossy().into_owned();
        end_leftover(&redis.pid_file(), &socket, Signal::SIGTERM, Duration::from_secs(5)).await?;
        redis.set_damaged_data_aside();
        Ok(redis)
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    /// The server, ready to be supervised.
    pub(crate) fn unit(&self) -> Unit {
        let redis = self.clone();
        Unit::new("Redis", Signal::SIGTERM, move || redis.server())
    }

    fn server(&self) -> anyhow::Result<Command> {
        let log = open_log(&self.log)?;
        let mut command = command(self.program.as_os_str(), self.account.as_ref(), "TERM");
        command.args(["--port", "0", "--save", "60 1", "--appendonly", "no", "--set-proc-title", "no"]);
        command.arg("--unixsocket").arg(self.socket()).args(["--unixsocketperm", "700"]);
        command.arg("--dir").arg(&self.data).arg("--pidfile").arg(self.pid_file());
        command.current_dir(&self.data).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        Ok(command)
    }

    /// Waits until the server answers.
    pub(crate) async fn ready(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + START_DEADLINE;
        while Instant::now() < deadline {
            if self.ping().await.is_ok_and(|answer| answer.starts_with(b"+PONG")) {
                return Ok(());
            }
            sleep(Duration::from_millis(30)).await;
        }
        anyhow::bail!("Redis did not start; the end of {}:\n{}", self.log.display(), tail(&self.log))
    }

    async fn ping(&self) -> std::io::Result<Vec<u8>> {
        let mut stream = UnixStream::connect(self.socket()).await?;
        stream.write_all(b"PING\r\n").await?;
        let mut answer = vec![0; 64];
        let read = tokio::time::timeout(Duration::from_secs(1), stream.read(&mut answer)).await??;
        answer.truncate(read);
        Ok(answer)
    }

    /// Redis refuses to start on a damaged file. It holds sessions and a queue that can be rebuilt, so it goes aside.
    fn set_damaged_data_aside(&self) {
        let (dump, aside) = (self.data.join("dump.rdb"), self.data.join("dump.rdb.damaged"));
        let Some(check) = in_path("redis-check-rdb").filter(|_| dump.exists()) else { return };
        let sound =
            std::process::Command::new(check).arg(&dump).stdout(Stdio::null()).stderr(Stdio::null()).status();
        if sound.is_ok_and(|status| !status.success()) && std::fs::rename(&dump, &aside).is_ok() {
            tracing::warn!(file = %aside.display(), "Redis' saved data is damaged and was set aside: everyone has to log in again");
        }
    }

    fn socket(&self) -> PathBuf {
        self.run.join("redis.sock")
    }

    fn pid_file(&self) -> PathBuf {
        self.run.join("redis.pid")
    }
}
