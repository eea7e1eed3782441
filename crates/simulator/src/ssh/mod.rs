//! The host's SSH server: logins, and commands run by a real shell in the host's own private root.

mod connection;
mod exec;
mod faulty;
mod keys;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use russh::keys::PrivateKey;
use russh::server::{Config, run_stream};
use russh::{MethodKind, MethodSet, SshId};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use self::connection::Connection;
use self::faulty::{Faulty, hang, slow};
pub use self::keys::HostKeyKind;
use crate::faults::{Fault, Stage};
use crate::listen::{Door, switched_off};
use crate::state::Host;
use crate::{host_files, pct};

/// A host's SSH server, ready to serve.
#[derive(Debug)]
pub struct SshServer {
    host: Host,
    own: Arc<Config>,
    other: Arc<Config>,
    /// SHA-256 of the first host key, `SHA256:…`.
    pub fingerprint: String,
}

impl SshServer {
    /// Loads or makes the host keys and boots the host's shell environment.
    ///
    /// # Errors
    /// When keys cannot be kept or the machine has no way to make a private root.
    pub async fn open(host: &Host, kinds: &[HostKeyKind]) -> anyhow::Result<Self> {
        let own = keys::host_keys(host.directory(), "ssh_host", kinds)?;
        let other = keys::host_keys(host.directory(), "ssh_host_changed", kinds)?;
        let fingerprint = own.first().map(keys::fingerprint).unwrap_or_default();
        let (sender, clients) = mpsc::unbounded_channel();
        host.guests().build_host(host.node()).await?;
        host_files::prepare(host)?;
        let started = host.guests().start_host(host.node(), &host.private(), sender).await;
        if let Err(error) = started {
            tracing::error!(%error, "commands over SSH will fail: the host's root could not be made");
        }
        tokio::spawn(serve_programs(host.clone(), clients));
        Ok(Self { host: host.clone(), own: config(own), other: config(other), fingerprint })
    }

    /// Accepts connections for ever.
    pub async fn serve(self, listener: TcpListener) {
        let Ok(mut door) = Door::new(listener, self.host.faults().clone()) else { return };
        loop {
            let (stream, peer) = door.accept().await;
            self.host.calls().connection("ssh");
            let refused =
                self.host.faults().take(|fault| matches!(fault, Fault::SshRefused { .. })).is_some();
            if refused {
                continue;
            }
            let changed = self.host.faults().any(|fault| matches!(fault, Fault::ChangedHostKey));
            let config = Arc::clone(if changed { &self.other } else { &self.own });
            let host = self.host.clone();
            tokio::spawn(async move {
                let faults = host.faults().clone();
                tokio::select! {
                    () = switched_off(&faults) => {}
                    () = session(host, config, stream, peer) => {}
                }
            });
        }
    }
}

fn config(keys: Vec<PrivateKey>) -> Arc<Config> {
    Arc::new(Config {
        server_id: SshId::Standard("SSH-2.0-OpenSSH_10.0p2 Debian-7".into()),
        auth_rejection_time: Duration::from_millis(200),
        auth_rejection_time_initial: Some(Duration::ZERO),
        inactivity_timeout: None,
        methods: MethodSet::from([MethodKind::PublicKey, MethodKind::Password].as_slice()),
        nodelay: true,
        keys,
        ..Config::default()
    })
}

async fn session(host: Host, config: Arc<Config>, stream: TcpStream, peer: SocketAddr) {
    // A delay that cannot be switched off only makes it slower.
    let _ = stream.set_nodelay(true);
    let local = stream.local_addr().unwrap_or(peer);
    slow(&host).await;
    hang(&host, Stage::Banner).await;
    let (stream, cutter) = Faulty::new(stream);
    let keys = config.keys.iter().map(|key| key.public_key().clone()).collect();
    let connection = Connection::new(host, keys, peer, local, cutter);
    match run_stream(config, stream, connection).await {
        Ok(running) => {
            if let Err(error) = running.await {
                tracing::debug!(%peer, %error, "SSH connection ended");
            }
        }
        Err(error) => tracing::debug!(%peer, %error, "SSH connection refused"),
    }
}

/// Programs on the host that ask the simulator, each on a thread of its own: they wait for tasks.
async fn serve_programs(host: Host, mut clients: mpsc::UnboundedReceiver<std::os::unix::net::UnixStream>) {
    while let Some(stream) = clients.recv().await {
        let (host, runtime) = (host.clone(), Handle::current());
        std::thread::spawn(move || pct::serve(&host, &runtime, &stream));
    }
}
