//! What can go wrong with one Proxmox host, sorted by what a caller can do about it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use berth_domain::{Fingerprint, HostPort, Vmid};

use crate::ssh::HostKey;
use crate::tasks::Upid;

/// The result of every call of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a call to a host failed. Every variant that concerns a host names it in its text.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection, or a read's connection broke: nothing was changed. Try again later.
    #[error(
        "{host} cannot be reached ({cause}). Check that the host is up and that the address and port are right"
    )]
    Unreachable {
        /// The host that was called.
        host: Arc<HostPort>,
        /// What the network said.
        cause: String,
    },
    /// A read was not answered in time: nothing was changed. Try again later.
    #[error("{host} did not answer within {} s. It may be busy; try again", after.as_secs_f32())]
    Timeout {
        /// The host that was called.
        host: Arc<HostPort>,
        /// The deadline that passed.
        after: Duration,
    },
    /// A write was sent and its answer lost. Look at the host before doing it again.
    #[error(
        "{host} may or may not have carried out {request} ({cause}). Look at its state before trying again"
    )]
    MaybeSent {
        /// The host that was called.
        host: Arc<HostPort>,
        /// Method and path, without parameters.
        request: String,
        /// How the answer was lost.
        cause: String,
    },
    /// 400: parameters were refused. Correct the fields.
    #[error("{host} refused the request: {}", describe_fields(message, fields))]
    Rejected {
        /// The host that was called.
        host: Arc<HostPort>,
        /// Proxmox's summary.
        message: String,
        /// Proxmox's message for each parameter.
        fields: BTreeMap<String, String>,
    },
    /// 401: the ticket, token or password is wrong, expired or disabled.
    #[error("{host} refused the credentials: {message}. Check the token id and secret, or log in again")]
    Unauthorized {
        /// The host that was called.
        host: Arc<HostPort>,
        /// Proxmox's text, from the body or the reason phrase.
        message: String,
    },
    /// 403: the credentials are right and not allowed to do this. Ask `/access/permissions` what is missing.
    #[error("{host} does not permit this: {message}")]
    Forbidden {
        /// The host that was called.
        host: Arc<HostPort>,
        /// Proxmox's text. The privilege it names varies from try to try.
        message: String,
    },
    /// The container, storage or task does not exist.
    #[error("{host} does not have it: {message}")]
    NotFound {
        /// The host that was called.
        host: Arc<HostPort>,
        /// Proxmox's text.
        message: String,
    },
    /// The container is locked by another task. Wait for that task.
    #[error("{host} has locked the container for another task ({lock}). Wait until that task ends")]
    Locked {
        /// The host that was called.
        host: Arc<HostPort>,
        /// Proxmox's name of the lock, such as `backup` or `create`.
        lock: String,
    },
    /// The VMID or name is taken.
    #[error("{host} already has it: {message}")]
    AlreadyExists {
        /// The host that was called.
        host: Arc<HostPort>,
        /// Proxmox's text.
        message: String,
    },
    /// The container is running or stopped where the other was needed. Look at its status.
    #[error("{host}: {message}")]
    WrongState {
        /// The host that was called.
        host: Arc<HostPort>,
        /// Proxmox's text.
        message: String,
    },
    /// 595 or 596: this host works, and the cluster member it asked does not answer.
    #[error("{host} cannot reach the cluster member that was asked for ({message}). Check that member")]
    MemberUnreachable {
        /// The host that was called.
        host: Arc<HostPort>,
        /// Proxmox's text.
        message: String,
    },
    /// Any other failure that the host reports.
    #[error("{host} failed with status {status}: {message}")]
    HostError {
        /// The host that was called.
        host: Arc<HostPort>,
        /// The HTTP status.
        status: u16,
        /// Proxmox's text.
        message: String,
    },
    /// The host shows another certificate than the pinned one. Its owner must compare and accept it.
    #[error(
        "the certificate of {host} has changed: expected {expected}, found {found}. If you replaced it, accept the new one; if not, somebody may be in between"
    )]
    CertificateChanged {
        /// The host that was called.
        host: Arc<HostPort>,
        /// The pinned fingerprint.
        expected: Fingerprint,
        /// The fingerprint of the certificate the host shows now.
        found: Fingerprint,
    },
    /// The host's certificate is not trusted by the public roots, and none is pinned.
    #[error(
        "the certificate of {host} is not publicly trusted ({cause}). Its fingerprint is {found}: compare it and accept it"
    )]
    CertificateUntrusted {
        /// The host that was called.
        host: Arc<HostPort>,
        /// The fingerprint of the certificate.
        found: Fingerprint,
        /// What the public roots object to.
        cause: String,
    },
    /// The other side is not a Proxmox VE API.
    #[error("{host} does not answer like Proxmox VE ({cause}). Check the address and the port (8006)")]
    NotProxmox {
        /// The host that was called.
        host: Arc<HostPort>,
        /// What was odd.
        cause: String,
    },
    /// A task ended in an error.
    #[error("the task {} on {host} failed: {exitstatus}", upid.kind())]
    TaskFailed {
        /// The host that was called.
        host: Arc<HostPort>,
        /// The task.
        upid: Upid,
        /// Proxmox's exit status.
        exitstatus: String,
        /// The last lines of its log.
        log_tail: Vec<String>,
    },
    /// A task did not end before the deadline; it goes on. Wait for it again.
    #[error("the task {} on {host} still runs after {} s", upid.kind(), after.as_secs())]
    TaskRunning {
        /// The host that was called.
        host: Arc<HostPort>,
        /// The task.
        upid: Upid,
        /// How long it was waited for.
        after: Duration,
    },
    /// The caller passed a value that cannot be sent. Nothing was sent.
    #[error("this cannot be sent to Proxmox: {0}")]
    Invalid(String),
    /// No SSH connection. Nothing was run.
    #[error(
        "SSH on {host} cannot be reached ({cause}). Check that the SSH server runs and that the port is right"
    )]
    SshUnreachable {
        /// The SSH server's address.
        host: Arc<HostPort>,
        /// What the network or the handshake said.
        cause: String,
    },
    /// The SSH server refused the login.
    #[error("SSH on {host} refused the login of {user}: {cause}")]
    SshAuth {
        /// The SSH server's address.
        host: Arc<HostPort>,
        /// The user.
        user: String,
        /// What to check.
        cause: String,
    },
    /// The host shows another SSH host key than the pinned one. Its owner must compare and accept it.
    #[error(
        "the SSH host key of {host} has changed: expected {expected}, found {found}. If you replaced it, accept the new one; if not, somebody may be in between"
    )]
    HostKeyChanged {
        /// The SSH server's address.
        host: Arc<HostPort>,
        /// The pinned key.
        expected: Box<HostKey>,
        /// The key the server shows now.
        found: Box<HostKey>,
    },
    /// The SSH connection broke while a command ran; the command may go on without us. Look before running it again.
    #[error("the SSH connection to {host} broke ({cause}). What ran there may go on")]
    SshDropped {
        /// The SSH server's address.
        host: Arc<HostPort>,
        /// How it broke.
        cause: String,
    },
    /// A command did not end in time and goes on, or may. Look before running it again.
    #[error("a command on {host} did not end within {} s. It may still be running there", after.as_secs_f32())]
    CommandTimeout {
        /// The SSH server's address.
        host: Arc<HostPort>,
        /// The deadline that passed.
        after: Duration,
    },
    /// The private key that was given cannot be used. Correct it.
    #[error(transparent)]
    PrivateKey(#[from] KeyProblem),
    /// `sudo` on the host asks for a password or forbids the command.
    #[error(
        "on {host} {user} may not run {command} by sudo without a password. Add the sudoers line shown on the node's form"
    )]
    SudoRefused {
        /// The SSH server's address.
        host: Arc<HostPort>,
        /// The user.
        user: String,
        /// The program that was to run.
        command: String,
    },
    /// There is no such container on this host.
    #[error("{host} has no container {vmid}")]
    NoSuchContainer {
        /// The SSH server's address.
        host: Arc<HostPort>,
        /// The container.
        vmid: Vmid,
    },
    /// The container does not run. Start it.
    #[error("container {vmid} on {host} is not running")]
    NotRunning {
        /// The SSH server's address.
        host: Arc<HostPort>,
        /// The container.
        vmid: Vmid,
    },
    /// `pct` failed before the inner command began: it did not run, and may be tried again.
    #[error("{command} on {host} failed with exit code {exit}: {stderr}")]
    PctFailed {
        /// The SSH server's address.
        host: Arc<HostPort>,
        /// What was called, without values.
        command: String,
        /// The exit code of `pct`, 255 when it was killed.
        exit: u32,
        /// What it wrote to standard error.
        stderr: String,
    },
    /// The inner command began and its end was not seen: the container was stopped, or the shell in it killed.
    #[error("a command in container {vmid} on {host} was cut off: {cause}")]
    Interrupted {
        /// The SSH server's address.
        host: Arc<HostPort>,
        /// The container.
        vmid: Vmid,
        /// What was seen last.
        cause: String,
    },
    /// The program does not exist inside the container.
    #[error("container {vmid} on {host} has no program {program}")]
    CommandNotFound {
        /// The SSH server's address.
        host: Arc<HostPort>,
        /// The container.
        vmid: Vmid,
        /// The program.
        program: String,
    },
}

/// What is wrong with a private key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyProblem {
    /// A public key was given.
    #[error("this is a public key. Paste the private key: the file without .pub")]
    Public,
    /// The key is encrypted and no passphrase was given.
    #[error("this private key is protected by a passphrase. Type the passphrase too")]
    PassphraseMissing,
    /// The passphrase does not open the key.
    #[error("the passphrase does not open this private key")]
    PassphraseWrong,
    /// Encrypted in a way of old that cannot be read here.
    #[error(
        "this key is encrypted in an old way. Convert it on your computer with: ssh-keygen -p -f KEYFILE. Then paste the file again"
    )]
    Old,
    /// Trying its passphrase takes more work or memory than is given to it here.
    #[error(
        "opening this private key takes too much work. Protect it anew on your computer with: ssh-keygen -p -a 100 -f KEYFILE (a key of PuTTY: export it as an OpenSSH key first). Then paste the file again"
    )]
    Costly,
    /// A key of `PuTTY` that cannot be read here.
    #[error(
        "this key of PuTTY is incomplete or too old. Open it in PuTTYgen, choose Conversions, Export OpenSSH key, and paste that file"
    )]
    Putty,
    /// Not a private key, cut off, or of an unknown kind.
    #[error(
        "this is not a complete private key. Paste the whole file, with its BEGIN and END lines (Ed25519, ECDSA or RSA)"
    )]
    Unreadable,
}

/// What the network said, without the number that the operating system gives it.
pub(crate) fn plain_cause(cause: &impl std::fmt::Display) -> String {
    let text = cause.to_string();
    text.split(" (os error ").next().unwrap_or_default().to_owned()
}

fn describe_fields(message: &str, fields: &BTreeMap<String, String>) -> String {
    if fields.is_empty() {
        return message.to_owned();
    }
    fields.iter().map(|(name, text)| format!("{name}: {text}")).collect::<Vec<_>>().join("; ")
}

impl Error {
    /// Whether the same call may succeed a little later without anybody's doing, and repeating it can do no harm.
    pub const fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::Timeout { .. }
                | Self::MemberUnreachable { .. }
                | Self::SshUnreachable { .. }
                | Self::Locked { .. }
        )
    }
}
