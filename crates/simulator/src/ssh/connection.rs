//! One client: authentication and channels.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use russh::keys::{HashAlg, PublicKey};
use russh::server::{Auth, ChannelOpenHandle, Handler, Msg, PublicKeyOffer, Session, VerifiedPublicKey};
use russh::{Channel, ChannelId, MethodKind, MethodSet, Pty};
use tokio::sync::mpsc;

use super::exec::{Start, run};
use super::faulty::{Cutter, hang, slow};
use crate::faults::{Fault, Stage};
use crate::guest::HOST;
use crate::host_files::{authorized_keys, refresh};
use crate::state::Host;
use crate::unix::{self, Account};

/// A planted drop that this connection has drawn.
#[derive(Debug, Clone)]
pub(super) struct Drop {
    pub(super) cutter: Cutter,
    /// Bytes of output still let through.
    left: Arc<Mutex<Option<u64>>>,
}

impl Drop {
    /// How much of `size` may go out; cuts when that is not all.
    pub(super) fn admit(&self, size: usize) -> usize {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(budget) = left.as_mut() else { return size };
        let allowed = usize::try_from(*budget).unwrap_or(usize::MAX).min(size);
        *budget -= allowed as u64;
        allowed
    }

    /// Whether the budget is used up.
    pub(super) fn is_spent(&self) -> bool {
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) == Some(0)
    }
}

#[derive(Debug, Default)]
struct Open {
    terminal: Option<(u32, u32, String)>,
    env: Vec<(String, String)>,
    /// Standard input of the command; dropping it is end of file.
    stdin: Option<mpsc::UnboundedSender<Vec<u8>>>,
}

/// The state of one client.
#[derive(Debug)]
pub(super) struct Connection {
    host: Host,
    /// The public halves of the host keys it shows.
    keys: Vec<PublicKey>,
    peer: SocketAddr,
    local: SocketAddr,
    user: String,
    channels: HashMap<ChannelId, Open>,
    drop: Drop,
    drawn: bool,
}

impl Connection {
    pub(super) fn new(
        host: Host,
        keys: Vec<PublicKey>,
        peer: SocketAddr,
        local: SocketAddr,
        cutter: Cutter,
    ) -> Self {
        let drop = Drop { cutter, left: Arc::default() };
        Self { host, keys, peer, local, user: String::new(), channels: HashMap::new(), drop, drawn: false }
    }

    fn password_is_right(&self, user: &str, password: &str) -> bool {
        if self.host.accepts_anyone() {
            return true;
        }
        let known = self.host.read(|model| model.password(&format!("{user}@pam")) == Some(password));
        known && self.account(user).is_some()
    }

    fn account(&self, user: &str) -> Option<Account> {
        unix::find(&self.host.guests().root(HOST), user)
    }

    fn key_is_known(&self, user: &str, key: &PublicKey) -> bool {
        self.host.accepts_anyone()
            || authorized_keys(&self.host, user).iter().any(|known| known.key_data() == key.key_data())
    }

    fn only_keys(&self, user: &str) -> bool {
        user == "root" && self.host.faults().any(|fault| matches!(fault, Fault::ProhibitPassword))
    }

    /// Records an attempt to log in, and what comes of it.
    fn answer(&mut self, method: &str, user: &str, secret: Option<String>, right: bool) -> Auth {
        self.host.calls().ssh_attempt(method, user, secret, right);
        if !right {
            // As OpenSSH: a method that failed may be tried again.
            let both = [MethodKind::PublicKey, MethodKind::Password];
            let methods = MethodSet::from(&both[..if self.only_keys(user) { 1 } else { 2 }]);
            return Auth::Reject { proceed_with_methods: Some(methods), partial_success: false };
        }
        user.clone_into(&mut self.user);
        Auth::Accept
    }

    /// At the first command this connection draws a planted drop, if there is one.
    fn draw(&mut self) {
        if std::mem::replace(&mut self.drawn, true) {
            return;
        }
        let fault = self.host.faults().take(|fault| matches!(fault, Fault::SshDrop { .. }));
        let Some(Fault::SshDrop { after_bytes, after_seconds, .. }) = fault else { return };
        *self.drop.left.lock().unwrap_or_else(PoisonError::into_inner) = after_bytes;
        let seconds = after_seconds.or(if after_bytes.is_none() { Some(0.0) } else { None });
        if let Some(seconds) = seconds {
            let cutter = self.drop.cutter.clone();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
                cutter.cut();
            });
        }
    }

    fn begin(&mut self, channel: ChannelId, command: Option<String>, session: &Session) {
        self.draw();
        let account = self.account(&self.user);
        if let Err(error) = refresh(&self.host, &self.keys) {
            tracing::warn!(%error, "the host's files are not those of now");
        }
        let open = self.channels.entry(channel).or_default();
        let (sender, stdin) = mpsc::unbounded_channel();
        open.stdin = Some(sender);
        self.host.calls().exec(command.as_deref().unwrap_or("(shell)"));
        let start = Start {
            command,
            account,
            user: self.user.clone(),
            env: open.env.clone(),
            terminal: open.terminal.clone(),
            peer: self.peer,
            local: self.local,
        };
        tokio::spawn(run(self.host.clone(), start, stdin, session.handle(), channel, self.drop.clone()));
    }
}

/// `SHA256:…`
fn fingerprint(key: &PublicKey) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}

impl Handler for Connection {
    type Error = russh::Error;

    async fn auth_none(&mut self, user: &str) -> Result<Auth, Self::Error> {
        slow(&self.host).await;
        Ok(self.answer("none", user, None, false))
    }

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, Self::Error> {
        slow(&self.host).await;
        let right = !self.only_keys(user) && self.password_is_right(user, password);
        Ok(self.answer("password", user, Some(password.to_owned()), right))
    }

    async fn auth_publickey_offered(
        &mut self,
        user: &str,
        key: PublicKeyOffer<'_>,
    ) -> Result<Auth, Self::Error> {
        slow(&self.host).await;
        if self.key_is_known(user, key.public_key) {
            return Ok(Auth::Accept);
        }
        Ok(self.answer("publickey", user, Some(fingerprint(key.public_key)), false))
    }

    async fn auth_publickey(&mut self, user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        let known = self.key_is_known(user, key.public_key);
        Ok(self.answer("publickey", user, Some(fingerprint(key.public_key)), known))
    }

    async fn auth_succeeded(&mut self, _session: &mut Session) -> Result<(), Self::Error> {
        self.host.calls().ssh_login(&self.user);
        Ok(())
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        hang(&self.host, Stage::Session).await;
        self.channels.insert(channel.id(), Open::default());
        reply.accept().await;
        Ok(())
    }

    async fn pty_request(
        &mut self,
        channel: ChannelId,
        term: &str,
        columns: u32,
        rows: u32,
        _width: u32,
        _height: u32,
        _modes: &[(Pty, u32)],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        if let Some(open) = self.channels.get_mut(&channel) {
            open.terminal = Some((columns, rows, term.to_owned()));
        }
        session.channel_success(channel)
    }

    async fn env_request(
        &mut self,
        channel: ChannelId,
        name: &str,
        value: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        // As Debian's sshd_config: AcceptEnv LANG LC_*.
        if (name == "LANG" || name.starts_with("LC_"))
            && let Some(open) = self.channels.get_mut(&channel)
        {
            open.env.push((name.to_owned(), value.to_owned()));
        }
        session.channel_success(channel)
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        data: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        slow(&self.host).await;
        let command = String::from_utf8_lossy(data).into_owned();
        session.channel_success(channel)?;
        self.begin(channel, Some(command), session);
        Ok(())
    }

    async fn shell_request(&mut self, channel: ChannelId, session: &mut Session) -> Result<(), Self::Error> {
        session.channel_success(channel)?;
        self.begin(channel, None, session);
        Ok(())
    }

    async fn data(
        &mut self,
        channel: ChannelId,
        data: &[u8],
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        if let Some(stdin) = self.channels.get(&channel).and_then(|open| open.stdin.as_ref()) {
            // A command that closed its input does not read on.
            let _ = stdin.send(data.to_vec());
        }
        Ok(())
    }

    async fn channel_eof(&mut self, channel: ChannelId, _session: &mut Session) -> Result<(), Self::Error> {
        if let Some(open) = self.channels.get_mut(&channel) {
            open.stdin = None;
        }
        Ok(())
    }

    async fn channel_close(&mut self, channel: ChannelId, _session: &mut Session) -> Result<(), Self::Error> {
        self.channels.remove(&channel);
        Ok(())
    }
}
