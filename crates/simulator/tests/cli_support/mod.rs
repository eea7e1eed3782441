//! A recorded host in this process, and commands run on it over real SSH.
#![allow(dead_code, clippy::unwrap_used)] // each test file uses some of it, and unwraps as tests do

use std::sync::Arc;
use std::time::Duration;

use berth_simulator::simulator::{Options, Simulator};
use russh::client::{Config, Handle, Handler};
use russh::keys::PublicKeyOrCertificate;
use russh::{ChannelMsg, Disconnect};

/// Longer than any command here takes, even on a busy machine.
const DEADLINE: Duration = Duration::from_mins(1);

/// The host; its directory goes with it.
pub(crate) struct Rig {
    pub(crate) simulator: Simulator,
    pub(crate) directory: tempfile::TempDir,
}

/// What a command left behind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) code: Option<u32>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

impl Outcome {
    pub(crate) fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    pub(crate) fn err(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

/// Trusts any host key: what is tested here is what the host does.
#[derive(Debug, Default)]
pub(crate) struct Anyone {
    pub(crate) seen: Arc<std::sync::Mutex<String>>,
}

impl Handler for Anyone {
    type Error = russh::Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        *self.seen.lock().unwrap() = key.public_key().fingerprint(russh::keys::HashAlg::Sha256).to_string();
        Ok(true)
    }
}

pub(crate) async fn start_in(directory: tempfile::TempDir) -> Rig {
    let options = Options { speed: 20.0, ..Options::recorded(directory.path()) };
    Rig { simulator: Simulator::start(options).await.unwrap(), directory }
}

pub(crate) async fn start() -> Rig {
    start_in(tempfile::tempdir().unwrap()).await
}

impl Rig {
    pub(crate) async fn connect(&self) -> Handle<Anyone> {
        self.try_connect("FAKE-Passw0rd").await.unwrap().expect("the password is right")
    }

    pub(crate) async fn try_connect(&self, password: &str) -> Result<Option<Handle<Anyone>>, russh::Error> {
        let config = Arc::new(Config::default());
        let address = self.simulator.ready.nodes[0].ssh;
        let mut session = russh::client::connect(config, address, Anyone::default()).await?;
        let accepted = session.authenticate_password("root", password).await?.success();
        Ok(accepted.then_some(session))
    }

    /// The fingerprint of the host key that is shown.
    pub(crate) async fn host_key(&self) -> String {
        let seen = Arc::new(std::sync::Mutex::default());
        let client = Anyone { seen: Arc::clone(&seen) };
        let address = self.simulator.ready.nodes[0].ssh;
        let session = russh::client::connect(Arc::new(Config::default()), address, client).await.unwrap();
        drop(session);
        let found: String = seen.lock().unwrap().clone();
        found
    }

    /// Runs one command on a connection of its own.
    pub(crate) async fn run(&self, command: &str) -> Outcome {
        self.run_with(command, b"", false).await
    }

    pub(crate) async fn run_with(&self, command: &str, stdin: &[u8], terminal: bool) -> Outcome {
        let session = self.connect().await;
        let outcome = tokio::time::timeout(DEADLINE, exec(&session, command, stdin, terminal)).await;
        let outcome = outcome.unwrap_or_else(|_| panic!("no end within {DEADLINE:?}: {command}"));
        session.disconnect(Disconnect::ByApplication, "", "").await.unwrap();
        outcome
    }

    /// Runs a command until its output satisfies a condition.
    pub(crate) async fn until(&self, command: &str, wanted: impl Fn(&Outcome) -> bool) -> Outcome {
        let begun = std::time::Instant::now();
        loop {
            let outcome = self.run(command).await;
            if wanted(&outcome) {
                return outcome;
            }
            assert!(begun.elapsed() < DEADLINE, "{command} still says {outcome:?}");
        }
    }
}

/// Runs a command on an open connection and reads to the channel's end.
pub(crate) async fn exec(session: &Handle<Anyone>, command: &str, stdin: &[u8], terminal: bool) -> Outcome {
    let mut channel = session.channel_open_session().await.unwrap();
    if terminal {
        channel.request_pty(true, "xterm", 0, 0, 0, 0, &[]).await.unwrap();
    }
    channel.exec(true, command).await.unwrap();
    if !stdin.is_empty() {
        channel.data(stdin).await.unwrap();
    }
    channel.eof().await.unwrap();
    let mut outcome = Outcome::default();
    while let Some(message) = channel.wait().await {
        match message {
            ChannelMsg::Data { data } => outcome.stdout.extend_from_slice(&data),
            ChannelMsg::ExtendedData { data, .. } => outcome.stderr.extend_from_slice(&data),
            ChannelMsg::ExitStatus { exit_status } => outcome.code = Some(exit_status),
            _ => {}
        }
    }
    outcome
}
