//! Connecting: the server's key first, then the login.

use std::borrow::Cow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use berth_domain::HostPort;
use russh::client::{self, AuthResult, Config, Handle, KeyboardInteractiveAuthResponse};
use russh::keys::{Algorithm, PrivateKeyWithHashAlg, PublicKeyOrCertificate};
use russh::{MethodKind, Preferred};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{HostKey, SshCredential, SshTarget, private_key};
use crate::error::plain_cause;
use crate::{Error, Result};

/// A connection that is silent for three of these is dead.
const KEEPALIVE: Duration = Duration::from_secs(15);

/// Accepts one server key, or none when it only looks.
pub(super) struct PinnedHost {
    expected: Option<HostKey>,
    found: Arc<Mutex<Option<HostKey>>>,
}

impl client::Handler for PinnedHost {
    type Error = russh::Error;

    async fn check_server_key(
        &mut self,
        key: &PublicKeyOrCertificate,
    ) -> std::result::Result<bool, russh::Error> {
        let found = HostKey::of(&key.public_key());
        let trusted = self.expected.as_ref() == Some(&found);
        *self.found.lock().expect("nothing panics while holding it") = Some(found);
        Ok(trusted)
    }
}

fn config(preferred: Option<&HostKey>) -> Arc<Config> {
    let mut offered = Preferred::DEFAULT;
    if let Some(pinned) = preferred {
        offered.key = Cow::Owned(pinned.prefer(&Preferred::DEFAULT.key));
    }
    let keepalive_interval = Some(KEEPALIVE);
    Arc::new(Config {
        preferred: offered,
        keepalive_interval,
        keepalive_max: 3,
        nodelay: true,
        ..Config::default()
    })
}

/// The server's key, taken without logging in: the connection ends as soon as the key is known.
pub async fn probe_host_key(host: &HostPort, deadline: Duration) -> Result<HostKey> {
    let named = Arc::new(host.clone());
    let found = Arc::new(Mutex::new(None));
    let handler = PinnedHost { expected: None, found: found.clone() };
    let outcome = timeout(deadline, handshake(host, &named, config(None), handler)).await;
    if let Some(key) = take(&found) {
        return Ok(key);
    }
    match outcome {
        Ok(Ok(_)) => Err(unreachable(&named, "it shows no host key")),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(unreachable(&named, format_args!("no answer within {} s", deadline.as_secs_f32()))),
    }
}

/// Connects, compares the server's key, logs in.
pub(super) async fn log_in(
    target: &SshTarget,
    deadline: Duration,
) -> Result<(Arc<HostPort>, Handle<PinnedHost>)> {
    let host = Arc::new(target.host.clone());
    let work = async {
        let found = Arc::new(Mutex::new(None));
        let handler = PinnedHost { expected: Some(target.host_key.clone()), found: found.clone() };
        let outcome = handshake(&target.host, &host, config(Some(&target.host_key)), handler).await;
        let found = take(&found);
        if let Some(found) = found.filter(|found| *found != target.host_key) {
            let expected = Box::new(target.host_key.clone());
            return Err(Error::HostKeyChanged { host: host.clone(), expected, found: Box::new(found) });
        }
        let mut handle = outcome?;
        authenticate(&mut handle, target, &host).await?;
        Ok(handle)
    };
    let late = || unreachable(&host, format_args!("no answer within {} s", deadline.as_secs_f32()));
    let handle = timeout(deadline, work).await.unwrap_or_else(|_| Err(late()))?;
    Ok((host, handle))
}

async fn handshake(
    host: &HostPort,
    named: &Arc<HostPort>,
    config: Arc<Config>,
    handler: PinnedHost,
) -> Result<Handle<PinnedHost>> {
    let socket = TcpStream::connect((host.host.as_str(), host.port))
        .await
        .map_err(|error| unreachable(named, error))?;
    // Without it a small command waits for the acknowledgement of the one before.
    socket.set_nodelay(true).map_err(|error| unreachable(named, error))?;
    client::connect_stream(config, socket, handler).await.map_err(|error| unreachable(named, error))
}

async fn authenticate(
    handle: &mut Handle<PinnedHost>,
    target: &SshTarget,
    host: &Arc<HostPort>,
) -> Result<()> {
    let broken = |error: russh::Error| unreachable(host, error);
    let result = match &target.credential {
        SshCredential::Password(password) => {
            by_password(handle, &target.user, password).await.map_err(broken)?
        }
        SshCredential::Key { pem, passphrase } => {
            let key = Arc::new(private_key::read(pem, passphrase.as_ref())?);
            // An RSA key signs by SHA-2 if the server says so; one that says nothing is old enough to know only SHA-1.
            let hash = match key.algorithm() {
                Algorithm::Rsa { .. } => handle.best_supported_rsa_hash().await.map_err(broken)?.flatten(),
                _ => None,
            };
            let key = PrivateKeyWithHashAlg::new(key, hash);
            handle.authenticate_publickey(&target.user, key).await.map_err(broken)?
        }
    };
    match result {
        AuthResult::Success => Ok(()),
        AuthResult::Failure { .. } if handle.is_closed() => {
            Err(unreachable(host, "it hung up during the login"))
        }
        AuthResult::Failure { remaining_methods, partial_success } => {
            let offered = remaining_methods.iter().map(<&'static str>::from).collect::<Vec<_>>().join(", ");
            let cause = refusal(&target.credential, partial_success, &offered);
            Err(Error::SshAuth { host: host.clone(), user: target.user.clone(), cause })
        }
    }
}

fn refusal(credential: &SshCredential, partial_success: bool, offered: &str) -> String {
    match credential {
        _ if partial_success => {
            format!("it asks for a second login step ({offered}), which cannot be given here")
        }
        // Some servers stop offering a method that has just failed, so its absence proves nothing.
        SshCredential::Password(_) if !offered.is_empty() && !offered.contains("password") => {
            "wrong user or password, or the server lets this user in by key only (PermitRootLogin and PasswordAuthentication in sshd_config)".into()
        }
        SshCredential::Password(_) => "wrong user or password".into(),
        SshCredential::Key { .. } => {
            "it does not know this key. Add its public half to the user's authorized_keys".into()
        }
    }
}

/// By the password method, or where the server has only prompts (PAM), by answering its one hidden prompt.
async fn by_password(
    handle: &mut Handle<PinnedHost>,
    user: &str,
    password: &SecretString,
) -> std::result::Result<AuthResult, russh::Error> {
    let result = handle.authenticate_password(user, password.expose_secret()).await?;
    let AuthResult::Failure { remaining_methods, .. } = &result else { return Ok(result) };
    let offers = |kind| remaining_methods.contains(&kind);
    if offers(MethodKind::Password) || !offers(MethodKind::KeyboardInteractive) {
        return Ok(result);
    }
    let mut answered = false;
    let mut reply = handle.authenticate_keyboard_interactive_start(user, None).await?;
    loop {
        match reply {
            KeyboardInteractiveAuthResponse::Success => return Ok(AuthResult::Success),
            KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. }
                if prompts.iter().all(|prompt| !prompt.echo) && !answered =>
            {
                answered = !prompts.is_empty();
                let answers = prompts.iter().map(|_| password.expose_secret().to_owned()).collect();
                reply = handle.authenticate_keyboard_interactive_respond(answers).await?;
            }
            _ => return Ok(result),
        }
    }
}

fn take(found: &Mutex<Option<HostKey>>) -> Option<HostKey> {
    found.lock().expect("nothing panics while holding it").take()
}

fn unreachable(host: &Arc<HostPort>, cause: impl std::fmt::Display) -> Error {
    Error::SshUnreachable { host: host.clone(), cause: plain_cause(&cause) }
}
