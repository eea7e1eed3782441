//! Why a phase did not come to its end.

use berth_store::Error as StoreError;

use crate::lease::Stop;

/// Why a phase did not come to its end, by what the engine does about it.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Somebody told the work to stop, or took it over.
    Stopped(Stop),
    /// It cannot go on; the text tells the owner what happened and what to do.
    Broken(String),
    /// The host did not do as asked; it may pass.
    Host(Box<berth_proxmox::Error>),
    /// PostgreSQL does not answer, or a bug.
    Store(StoreError),
}

pub(crate) type Outcome<T> = std::result::Result<T, Failure>;

impl Failure {
    pub(crate) fn broken(text: impl Into<String>) -> Self {
        Self::Broken(text.into())
    }

    /// Whether trying the phase again may help. Every phase looks before it acts, so a write that may have been sent counts too.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Host(error) => {
                error.is_transient()
                    || matches!(
                        **error,
                        berth_proxmox::Error::MaybeSent { .. }
                            | berth_proxmox::Error::SshDropped { .. }
                            | berth_proxmox::Error::CommandTimeout { .. }
                            | berth_proxmox::Error::Interrupted { .. }
                            | berth_proxmox::Error::PctFailed { .. }
                    )
                    || matches!(**error, berth_proxmox::Error::HostError { status, .. } if status > 500)
            }
            Self::Store(error) => error.is_unavailable(),
            Self::Stopped(_) | Self::Broken(_) => false,
        }
    }
}

impl From<berth_proxmox::Error> for Failure {
    fn from(error: berth_proxmox::Error) -> Self {
        match error {
            berth_proxmox::Error::TaskFailed { exitstatus, log_tail, .. } => {
                Self::Broken(task_text(&exitstatus, &log_tail))
            }
            other => Self::Host(Box::new(other)),
        }
    }
}

/// Proxmox's own words, which are already in the log above it, and nothing twice.
pub(crate) fn task_text(exitstatus: &str, log_tail: &[String]) -> String {
    let more: Vec<&str> = log_tail
        .iter()
        .map(String::as_str)
        .filter(|line| !line.contains(exitstatus) && !line.trim().is_empty())
        .collect();
    let from = more.len().saturating_sub(3);
    if more.is_empty() {
        format!("Proxmox: {exitstatus}")
    } else {
        format!("Proxmox: {exitstatus} (before that: {})", more[from..].join(" / "))
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::LeaseLost => Self::Stopped(Stop::LeaseLost),
            other => Self::Store(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tasks_words_are_told_once() {
        let tail =
            ["extracting archive".to_owned(), "TASK ERROR: unable to create CT 103 - no space".to_owned()];
        assert_eq!(
            task_text("unable to create CT 103 - no space", &tail),
            "Proxmox: unable to create CT 103 - no space (before that: extracting archive)"
        );
    }
}
