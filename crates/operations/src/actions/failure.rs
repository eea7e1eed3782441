//! Why an action did not come about.

use berth_domain::action::Remedy;
use berth_proxmox::Error as HostError;
use berth_store::Error as StoreError;

use crate::lease::Stop;

/// Why an action did not come about, by what is done about it.
#[derive(Debug)]
pub(super) enum Failure {
    /// Somebody told the work to stop, or took it over.
    Stopped(Stop),
    /// It cannot be done; the text tells what happened and what to do.
    Refused {
        text: String,
        /// What the page offers beside it.
        remedy: Option<Remedy>,
    },
    /// The host did not do as asked; it may pass.
    Host(Box<HostError>),
    /// PostgreSQL does not answer, or a bug.
    Store(StoreError),
}

pub(super) type Outcome<T> = std::result::Result<T, Failure>;

impl Failure {
    pub(super) fn refused(text: impl Into<String>) -> Self {
        Self::Refused { text: text.into(), remedy: None }
    }

    /// Whether looking again may help. A write that may have been sent counts too: the next attempt looks before it acts.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Host(error) => {
                (error.is_transient() && !matches!(**error, HostError::Locked { .. }))
                    || matches!(
                        **error,
                        HostError::MaybeSent { .. }
                            | HostError::SshDropped { .. }
                            | HostError::CommandTimeout { .. }
                    )
                    || matches!(**error, HostError::HostError { status, .. } if status > 500)
            }
            Self::Store(error) => error.is_unavailable(),
            Self::Stopped(_) | Self::Refused { .. } => false,
        }
    }
}

impl From<HostError> for Failure {
    fn from(error: HostError) -> Self {
        Self::Host(Box::new(error))
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
