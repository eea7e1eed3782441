//! SSH to the host: one connection, many commands. See `docs/decisions/0003-rsa-keys.md` for the kinds of keys.

mod authorized_key;
mod connect;
mod exec;
mod host_key;
mod private_key;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use berth_domain::HostPort;
use secrecy::SecretString;

pub use authorized_key::{AuthorizedKeyProblem, check_authorized_key};
pub use connect::probe_host_key;
pub use exec::{ExecEvent, ExecStream, Exit, Limits, Output, Stdin};
pub use host_key::{HostKey, InvalidHostKey};
pub use private_key::{check_private_key, public_key};

use crate::{Command, Error, Result};

/// How long the server may take to accept a command.
const OPEN_DEADLINE: Duration = Duration::from_secs(15);

/// How to log in.
#[derive(Clone, Debug)]
pub enum SshCredential {
    /// By password.
    Password(SecretString),
    /// By private key.
    Key {
        /// The key file's text: OpenSSH, PKCS#1, PKCS#8 or `PuTTY` form; Ed25519, ECDSA or RSA.
        pem: SecretString,
        /// What opens the key, if it is encrypted.
        passphrase: Option<SecretString>,
    },
}

/// Where and how to connect.
#[derive(Clone, Debug)]
pub struct SshTarget {
    /// The server's address, most often port 22.
    pub host: HostPort,
    /// The user. Any other than `root` runs its commands by `sudo -n`.
    pub user: String,
    /// How the user logs in.
    pub credential: SshCredential,
    /// The server's key, pinned: it is compared before any credential is sent. See [`probe_host_key`].
    pub host_key: HostKey,
}

/// An SSH connection that is logged in. Clones share it; it ends when the last clone and the last command are gone.
#[derive(Clone)]
pub struct SshConnection {
    shared: Arc<Shared>,
}

struct Shared {
    host: Arc<HostPort>,
    user: String,
    handle: russh::client::Handle<connect::PinnedHost>,
    commands: AtomicU64,
}

impl SshConnection {
    /// Connects and logs in, within the deadline.
    ///
    /// [`Error::SshUnreachable`], [`Error::HostKeyChanged`] (before any credential is sent), [`Error::SshAuth`] or
    /// [`Error::PrivateKey`] tell what was wrong.
    pub async fn connect(target: &SshTarget, deadline: Duration) -> Result<Self> {
        let (host, handle) = connect::log_in(target, deadline).await?;
        Ok(Self {
            shared: Arc::new(Shared { host, user: target.user.clone(), handle, commands: AtomicU64::new(0) }),
        })
    }

    /// Starts a command; its output comes as a stream. Users other than `root` run it by `sudo -n`.
    ///
    /// The stream has no deadline of its own, but a server that stays silent for a minute ends it with [`Error::SshDropped`].
    pub async fn exec(&self, command: &Command, stdin: Stdin) -> Result<ExecStream> {
        let line =
            if self.uses_sudo() { command.clone().with_sudo().to_line()? } else { command.to_line()? };
        let number = self.shared.commands.fetch_add(1, Ordering::Relaxed) + 1;
        tracing::debug!(host = %self.shared.host, program = command.program(), number, "command over SSH");
        let open = ExecStream::open(self.clone(), line, stdin);
        tokio::time::timeout(OPEN_DEADLINE, open)
            .await
            .unwrap_or_else(|_| Err(self.dropped("it does not accept a command")))
    }

    /// Runs a command to its end and returns its exit and output, within limits.
    pub async fn run(&self, command: &Command, stdin: Stdin, limits: Limits) -> Result<Output> {
        let collected = async { self.exec(command, stdin).await?.collect(limits.max_output).await };
        tokio::time::timeout(limits.deadline, collected).await.unwrap_or_else(|_| {
            Err(Error::CommandTimeout { host: self.shared.host.clone(), after: limits.deadline })
        })
    }

    /// How many commands this connection has run.
    pub fn commands(&self) -> u64 {
        self.shared.commands.load(Ordering::Relaxed)
    }

    /// Whether the connection is gone and another is needed.
    pub fn is_closed(&self) -> bool {
        self.shared.handle.is_closed()
    }

    /// The server's address.
    pub fn host(&self) -> &HostPort {
        &self.shared.host
    }

    /// The user that is logged in.
    pub fn user(&self) -> &str {
        &self.shared.user
    }

    /// Whether commands run by `sudo`.
    pub fn uses_sudo(&self) -> bool {
        self.shared.user != "root"
    }

    pub(crate) fn shared_host(&self) -> Arc<HostPort> {
        self.shared.host.clone()
    }

    fn dropped(&self, cause: impl std::fmt::Display) -> Error {
        Error::SshDropped { host: self.shared_host(), cause: cause.to_string() }
    }
}

impl std::fmt::Debug for SshConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SshConnection({}@{})", self.shared.user, self.shared.host)
    }
}
