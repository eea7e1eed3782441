//! An SSH server that runs commands in a real shell, with doubles of `pct` and `sudo` in their path.

use std::io::Write as _;
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use berth_domain::HostPort;
use berth_proxmox::{HostKey, SshConnection, SshCredential, SshTarget};
use russh::keys::{Algorithm, PrivateKey};
use russh::server::{Auth, ChannelOpenHandle, Config, Handler, Msg, Session, VerifiedPublicKey};
use russh::{Channel, ChannelId, ChannelMsg, MethodKind, MethodSet};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

pub const PASSWORD: &str = "planted-ssh-password";

/// What the server has and allows.
pub struct Options {
    pub key: Algorithm,
    /// Public keys, as OpenSSH writes them, that may log in.
    pub authorized: Vec<String>,
    pub methods: Vec<MethodKind>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            key: Algorithm::Ed25519,
            authorized: Vec::new(),
            methods: vec![MethodKind::Password, MethodKind::PublicKey],
        }
    }
}

/// The server. Its tasks end with the test's runtime.
pub struct SshServer {
    pub host: HostPort,
    pub host_key: HostKey,
    /// Each attempt to log in, as `method user`.
    pub attempts: Arc<Mutex<Vec<String>>>,
    sockets: Arc<Mutex<Vec<std::net::TcpStream>>>,
    /// Where the doubles lie, and what they leave behind.
    pub folder: tempfile::TempDir,
}

impl SshServer {
    pub async fn start(options: Options) -> Self {
        let key = PrivateKey::random(&mut russh::keys::key::safe_rng(), options.key).unwrap();
        let host_key = key.public_key().to_openssh().unwrap().parse().unwrap();
        let methods = MethodSet::from(&options.methods[..]);
        let config = Arc::new(Config {
            keys: vec![key],
            methods,
            auth_rejection_time: Duration::ZERO,
            ..Config::default()
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = HostPort::new("127.0.0.1".parse().unwrap(), listener.local_addr().unwrap().port());
        let folder = doubles();
        let (attempts, sockets) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<Mutex<Vec<_>>>::default());
        let double = Double {
            attempts: attempts.clone(),
            authorized: Arc::new(options.authorized),
            folder: folder.path().to_str().unwrap().to_owned(),
            user: String::new(),
        };
        let open = sockets.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let socket = socket.into_std().unwrap();
                open.lock().unwrap().push(socket.try_clone().unwrap());
                let (config, double) = (config.clone(), double.clone());
                tokio::spawn(async move {
                    if let Ok(session) =
                        russh::server::run_stream(config, TcpStream::from_std(socket).unwrap(), double).await
                    {
                        let _ = session.await;
                    }
                });
            }
        });
        Self { host, host_key, attempts, sockets, folder }
    }

    pub fn target(&self, user: &str) -> SshTarget {
        SshTarget {
            host: self.host.clone(),
            user: user.to_owned(),
            credential: SshCredential::Password(PASSWORD.into()),
            host_key: self.host_key.clone(),
        }
    }

    pub async fn connect(&self) -> SshConnection {
        SshConnection::connect(&self.target("root"), super::SOON).await.unwrap()
    }

    /// Cuts every connection, as a pulled cable does when the other side notices.
    pub fn cut(&self) {
        for socket in self.sockets.lock().unwrap().drain(..) {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

fn doubles() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("pct", include_str!("pct.sh")), ("sudo", include_str!("sudo.sh"))] {
        let mut file = std::fs::File::create(folder.path().join(name)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file.set_permissions(std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    folder
}

#[derive(Clone)]
struct Double {
    attempts: Arc<Mutex<Vec<String>>>,
    authorized: Arc<Vec<String>>,
    folder: String,
    user: String,
}

impl Double {
    fn decide(&mut self, method: &str, user: &str, right: bool) -> Auth {
        self.attempts.lock().unwrap().push(format!("{method} {user}"));
        user.clone_into(&mut self.user);
        if right { Auth::Accept } else { Auth::reject() }
    }
}

impl Handler for Double {
    type Error = russh::Error;

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, Self::Error> {
        Ok(self.decide("password", user, password == PASSWORD))
    }

    async fn auth_publickey(&mut self, user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        let key = key.public_key.to_openssh().unwrap_or_default();
        let known = self.authorized.iter().any(|line| line.split(' ').nth(1) == key.split(' ').nth(1));
        Ok(self.decide("publickey", user, known))
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        reply.accept().await;
        tokio::spawn(run(channel, self.folder.clone(), self.user.clone()));
        Ok(())
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        _: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_success(channel)
    }
}

async fn run(mut channel: Channel<Msg>, folder: String, user: String) {
    let command = loop {
        match channel.wait().await {
            Some(ChannelMsg::Exec { command, .. }) => break String::from_utf8(command).unwrap(),
            Some(_) => {}
            None => return,
        }
    };
    let mut child = tokio::process::Command::new("sh")
        .args(["-c", &command])
        .env("PATH", format!("{folder}:{}", std::env::var("PATH").unwrap()))
        .env("DOUBLES", &folder)
        .env("LOGIN", user)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let (mut reader, writer) = channel.split();
    // The session's own loop must never wait for the command, or the window for its output could not grow meanwhile.
    let (queue, mut queued) = tokio::sync::mpsc::unbounded_channel();
    let drain = tokio::spawn(async move {
        while let Some(message) = reader.wait().await {
            match message {
                ChannelMsg::Data { data } => drop(queue.send(data)),
                ChannelMsg::Eof | ChannelMsg::Close => return,
                _ => {}
            }
        }
    });
    let feed = tokio::spawn(async move {
        while let Some(data) = queued.recv().await {
            let _ = stdin.write_all(&data).await;
        }
    });
    let (out, err) = (writer.make_writer(), writer.make_writer_ext(Some(1)));
    tokio::join!(copy(stdout, out), copy(stderr, err));
    let status = child.wait().await.unwrap();
    feed.abort();
    drain.abort();
    let code = std::os::unix::process::ExitStatusExt::signal(&status)
        .map_or_else(|| status.code().unwrap(), |signal| 128 + signal);
    let _ = writer.exit_status(u32::try_from(code).unwrap()).await;
    let _ = writer.eof().await;
    let _ = writer.close().await;
}

async fn copy(mut from: impl AsyncRead + Unpin, mut to: impl tokio::io::AsyncWrite + Unpin) {
    let mut buffer = vec![0; 16 << 10];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
