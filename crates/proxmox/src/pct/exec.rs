//! Programs inside containers.

use berth_domain::Vmid;

use super::marker::{Filter, SCRIPT, Said};
use super::refusal;
use crate::ssh::{ExecEvent, ExecStream, Exit, Output, SshConnection, Stdin};
use crate::{Command, Error, Result};

/// How much of standard error is kept to explain a failure of `pct`.
const KEPT: usize = 4096;

/// How the script inside says the program ended.
#[derive(Clone, Copy)]
enum Ended {
    NoProgram,
    With(u32),
}

/// A program running inside a container.
pub struct PctExec {
    ssh: SshConnection,
    stream: ExecStream,
    vmid: Vmid,
    program: String,
    filter: Filter,
    begun: bool,
    ended: Option<Ended>,
    stderr: Vec<u8>,
    exit: Option<ExecEvent>,
    done: bool,
}

impl PctExec {
    pub(super) async fn open(ssh: &SshConnection, vmid: Vmid, argv: &[&str], stdin: Stdin) -> Result<Self> {
        let filter = Filter::new();
        let command = Command::new("pct")
            .args(["exec".to_owned(), vmid.to_string()])
            .args(["--keep-env", "0", "--", "sh", "-c", SCRIPT, "sh", filter.marker()])
            .args(argv.iter().copied());
        let stream = ssh.exec(&command, stdin).await?;
        Ok(Self {
            ssh: ssh.clone(),
            stream,
            vmid,
            program: argv[0].to_owned(),
            filter,
            begun: false,
            ended: None,
            stderr: Vec::new(),
            exit: None,
            done: false,
        })
    }

    /// Whether the program has begun. Once it has, nothing that fails later may be answered by simply doing it again.
    pub const fn has_begun(&self) -> bool {
        self.begun
    }

    /// The next piece, `None` after the exit, which is the program's own.
    ///
    /// [`Error::NoSuchContainer`], [`Error::NotRunning`] and [`Error::PctFailed`]: the program has not begun.
    /// [`Error::CommandNotFound`]: it does not exist. [`Error::Interrupted`] and [`Error::SshDropped`]: it began, and
    /// what became of it is unknown. May be dropped and called again without losing anything.
    pub async fn next(&mut self) -> Result<Option<ExecEvent>> {
        loop {
            if self.done {
                return Ok(self.exit.take());
            }
            match self.stream.next().await? {
                Some(ExecEvent::Stderr(bytes)) => {
                    let (clean, said) = self.filter.push(&bytes);
                    for said in said {
                        self.hear(said);
                    }
                    if !clean.is_empty() {
                        self.keep(&clean);
                        return Ok(Some(ExecEvent::Stderr(clean)));
                    }
                }
                Some(ExecEvent::Exit(exit)) => return self.finish(&exit),
                other => return Ok(other),
            }
        }
    }

    fn hear(&mut self, said: Said) {
        match said {
            Said::Begun => self.begun = true,
            Said::NoProgram => self.ended = Some(Ended::NoProgram),
            Said::Ended(code) => self.ended = Some(Ended::With(code)),
        }
    }

    fn keep(&mut self, clean: &[u8]) {
        let room = KEPT.saturating_sub(self.stderr.len());
        self.stderr.extend_from_slice(&clean[..clean.len().min(room)]);
    }

    fn finish(&mut self, exit: &Exit) -> Result<Option<ExecEvent>> {
        self.done = true;
        let rest = self.filter.finish();
        let host = self.ssh.shared_host();
        match self.ended {
            Some(Ended::With(code)) => {
                self.exit = Some(ExecEvent::Exit(Exit::Code(code)));
                if rest.is_empty() { Ok(self.exit.take()) } else { Ok(Some(ExecEvent::Stderr(rest))) }
            }
            Some(Ended::NoProgram) => {
                Err(Error::CommandNotFound { host, vmid: self.vmid, program: self.program.clone() })
            }
            None if self.begun => {
                let cause = format!("its end was not seen, and pct ended with {}", exit.code());
                Err(Error::Interrupted { host, vmid: self.vmid, cause })
            }
            None => {
                self.keep(&rest);
                let stderr = String::from_utf8_lossy(&self.stderr).into_owned();
                Err(refusal::read(&self.ssh, Some(self.vmid), "pct exec", exit, &stderr))
            }
        }
    }

    /// Reads to the end, keeping at most so many bytes of each output.
    pub async fn collect(mut self, max_output: usize) -> Result<Output> {
        let mut output = Output::new();
        while let Some(event) = self.next().await? {
            output.take(event, max_output);
        }
        Ok(output)
    }
}
