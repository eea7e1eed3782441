//! One command: the host's shell with pipes or a terminal, its output to the channel.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use russh::ChannelId;
use russh::server::Handle;
use tokio::sync::mpsc;

use super::connection::Drop;
use crate::guest::wire::{self, Attach, Reply, ToInit};
use crate::guest::{HOST, borrow, has_users};
use crate::state::Host;
use crate::unix::Account;

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Of a user other than root.
const USERS_PATH: &str = "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games";
const CHUNK: usize = 32 * 1024;

/// What a channel asked for.
#[derive(Debug)]
pub(super) struct Start {
    /// Absent: a login shell.
    pub(super) command: Option<String>,
    pub(super) user: String,
    /// Absent where anybody is let in.
    pub(super) account: Option<Account>,
    pub(super) env: Vec<(String, String)>,
    /// Columns, rows, terminal type.
    pub(super) terminal: Option<(u32, u32, String)>,
    pub(super) peer: SocketAddr,
    pub(super) local: SocketAddr,
}

impl Start {
    fn attach(&self) -> Attach {
        let home = self.account.as_ref().map_or_else(|| "/".to_owned(), |account| account.home.clone());
        let shell = self.account.as_ref().map_or("/bin/bash", |account| account.shell.as_str());
        let is_root = self.account.as_ref().is_none_or(|account| account.uid == 0);
        let (peer, local) = (self.peer, self.local);
        let mut env = vec![
            ("SHELL".to_owned(), shell.to_owned()),
            ("PWD".to_owned(), home.clone()),
            ("LOGNAME".to_owned(), self.user.clone()),
            ("MOTD_SHOWN".to_owned(), "pam".to_owned()),
            ("HOME".to_owned(), home.clone()),
            ("LANG".to_owned(), "C.UTF-8".to_owned()),
            (
                "SSH_CONNECTION".to_owned(),
                format!("{} {} {} {}", peer.ip(), peer.port(), local.ip(), local.port()),
            ),
            ("USER".to_owned(), self.user.clone()),
            ("SSH_CLIENT".to_owned(), format!("{} {} {}", peer.ip(), peer.port(), local.port())),
            ("PATH".to_owned(), if is_root { PATH } else { USERS_PATH }.to_owned()),
        ];
        if let Some((_, _, term)) = &self.terminal {
            env.push(("TERM".to_owned(), if term.is_empty() { "dumb".to_owned() } else { term.clone() }));
        }
        for (key, value) in &self.env {
            env.retain(|(known, _)| known != key);
            env.push((key.clone(), value.clone()));
        }
        let name = if is_root { "bash" } else { shell };
        let mut argv: Vec<OsString> = match &self.command {
            Some(command) => vec![name.into(), "-c".into(), command.into()],
            None => vec![name.into(), "-l".into()],
        };
        if let Some(account) = self.account.as_ref().filter(|_| !is_root && has_users()) {
            let (uid, gid) = (account.uid.to_string(), account.gid.to_string());
            let switch = ["/usr/bin/setpriv", "--init-groups", "--reuid", &uid, "--regid", &gid, "--"];
            argv.splice(0..0, switch.map(OsString::from));
        }
        Attach {
            argv,
            env: env.into_iter().map(|(key, value)| (key.into(), value.into())).collect(),
            cwd: home.into(),
            terminal: self.terminal.is_some(),
        }
    }
}

/// Runs the command; returns when its output has ended and its exit status is told.
pub(super) async fn run(
    host: Host,
    start: Start,
    stdin: mpsc::UnboundedReceiver<Vec<u8>>,
    handle: Handle,
    channel: ChannelId,
    drop: Drop,
) {
    match launch(&host, &start, stdin) {
        Ok((stdout, stderr, reply)) => {
            let code = {
                let out = pump(stdout, handle.clone(), channel, None, drop.clone());
                let err = pump(stderr, handle.clone(), channel, Some(1), drop.clone());
                let exit = wait(reply);
                let (code, (), ()) = tokio::join!(exit, out, err);
                code
            };
            // A client that is gone needs no status.
            let _ = handle.eof(channel).await;
            let _ = handle.exit_status_request(channel, code).await;
        }
        Err(error) => {
            let text = format!("the simulated host cannot run commands: {error}\n");
            let _ = handle.extended_data(channel, 1, text.into_bytes()).await;
            let _ = handle.exit_status_request(channel, 255).await;
        }
    }
    let _ = handle.close(channel).await;
}

type Streams = (mpsc::Receiver<Vec<u8>>, mpsc::Receiver<Vec<u8>>, UnixStream);

fn launch(host: &Host, start: &Start, stdin: mpsc::UnboundedReceiver<Vec<u8>>) -> io::Result<Streams> {
    let (in_reader, in_writer) = io::pipe()?;
    let (out_reader, out_writer) = io::pipe()?;
    let (err_reader, err_writer) = io::pipe()?;
    let (reply, theirs) = UnixStream::pair()?;
    let fds: Vec<OwnedFd> = vec![in_reader.into(), out_writer.into(), err_writer.into(), theirs.into()];
    host.guests().request(HOST, &ToInit::Attach(start.attach()), &borrow(&fds))?;
    feed(stdin, OwnedFd::from(in_writer));
    Ok((read(OwnedFd::from(out_reader)), read(OwnedFd::from(err_reader)), reply))
}

/// A thread that writes what comes; the end of what comes closes the pipe.
fn feed(mut stdin: mpsc::UnboundedReceiver<Vec<u8>>, pipe: OwnedFd) {
    std::thread::spawn(move || {
        let mut pipe = File::from(pipe);
        while let Some(data) = stdin.blocking_recv() {
            if pipe.write_all(&data).is_err() {
                break;
            }
        }
    });
}

/// A thread that reads a pipe to its end.
fn read(pipe: OwnedFd) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel(4);
    std::thread::spawn(move || {
        let mut pipe = File::from(pipe);
        let mut buffer = vec![0; CHUNK];
        while let Ok(size @ 1..) = pipe.read(&mut buffer) {
            if sender.blocking_send(buffer[..size].to_vec()).is_err() {
                break;
            }
        }
    });
    receiver
}

async fn pump(
    mut data: mpsc::Receiver<Vec<u8>>,
    handle: Handle,
    channel: ChannelId,
    ext: Option<u32>,
    drop: Drop,
) {
    while let Some(mut chunk) = data.recv().await {
        let whole = chunk.len();
        chunk.truncate(drop.admit(whole));
        let sent = match ext {
            None => handle.data(channel, chunk).await,
            Some(ext) => handle.extended_data(channel, ext, chunk).await,
        };
        if drop.is_spent() {
            // Lets what was admitted go out before the line is cut.
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            drop.cutter.cut();
            return;
        }
        if sent.is_err() {
            return;
        }
    }
}

async fn wait(reply: UnixStream) -> u32 {
    let (sender, code) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let code = match wire::receive::<Reply>(&reply) {
            Ok(Some((Reply::Exit(code), _))) => code,
            Ok(Some((Reply::NotStarted(_), _))) => 127,
            _ => 255,
        };
        // The channel may be gone.
        let _ = sender.send(code);
    });
    code.await.ok().and_then(|code| u32::try_from(code).ok()).unwrap_or(255)
}
