//! A Redis of a test's own, to be stopped, restarted and emptied.

use std::path::{Path, PathBuf};

use crate::process::Process;
use crate::wait::{DEADLINE, wait_until};

/// A `redis-server` on a unix socket that notes every write in a file.
#[derive(Debug)]
pub struct RedisServer {
    directory: PathBuf,
    process: Process,
}

impl RedisServer {
    /// Starts it in `directory`, whose path must be short enough for a socket.
    pub async fn start(directory: &Path) -> Self {
        let directory = directory.join("redis");
        std::fs::create_dir_all(&directory).unwrap();
        let process = launch(&directory);
        let server = Self { directory, process };
        server.answers().await;
        server
    }

    /// Names it for processes.
    pub fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    fn socket(&self) -> PathBuf {
        self.directory.join("redis.sock")
    }

    /// Kills it and starts it anew, with nothing in it.
    pub async fn restart(&mut self) {
        self.kill();
        self.process = launch(&self.directory);
        self.answers().await;
    }

    /// Kills it for good.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Removes every key.
    pub async fn flush_all(&self) {
        let () = redis::cmd("FLUSHALL").query_async(&mut self.connection().await.unwrap()).await.unwrap();
    }

    /// Every write that was ever made, as Redis' append-only file has it.
    pub fn writes(&self) -> String {
        let folder = std::fs::read_dir(self.directory.join("appendonlydir")).unwrap();
        let files = folder.flatten().map(|entry| std::fs::read(entry.path()).unwrap());
        files.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).collect()
    }

    /// Every key and value, as Redis saves them to its file.
    pub async fn saved(&self) -> String {
        let mut connection = self.connection().await.unwrap();
        let mut compression = redis::cmd("CONFIG");
        compression.arg("SET").arg("rdbcompression").arg("no");
        for command in [compression, redis::cmd("SAVE")] {
            let () = command.query_async(&mut connection).await.unwrap();
        }
        String::from_utf8_lossy(&std::fs::read(self.directory.join("dump.rdb")).unwrap()).into_owned()
    }

    async fn connection(&self) -> redis::RedisResult<redis::aio::MultiplexedConnection> {
        redis::Client::open(self.url())?.get_multiplexed_async_connection().await
    }

    async fn answers(&self) {
        wait_until(DEADLINE, "Redis answers", async || {
            let mut connection = self.connection().await.ok()?;
            redis::cmd("PING").query_async::<String>(&mut connection).await.ok()
        })
        .await;
    }
}

fn launch(directory: &Path) -> Process {
    // Another start begins with nothing.
    let _ = std::fs::remove_dir_all(directory.join("appendonlydir"));
    let place = directory.to_string_lossy().into_owned();
    let socket = format!("{place}/redis.sock");
    let arguments = [
        "--port",
        "0",
        "--unixsocket",
        &socket,
        "--dir",
        &place,
        "--save",
        "",
        "--appendonly",
        "yes",
        "--appendfsync",
        "no",
        "--aof-use-rdb-preamble",
        "no",
    ];
    Process::start(Path::new("redis-server"), &arguments, &[], directory.join("redis.log"))
}
