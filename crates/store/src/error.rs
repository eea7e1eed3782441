//! What can go wrong, by what a caller can do about it.

/// This crate's results.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why the store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A constraint of the schema refuses it: a field error, or a bug. Each module names its constraints.
    #[error("the database refused this: {constraint}")]
    Conflict {
        /// The constraint's or unique index's name in the schema.
        constraint: String,
    },
    /// PostgreSQL or Redis cannot be reached or is overloaded; the same request may work later.
    #[error("{service} does not answer: check that it runs and is reachable ({cause})")]
    Unavailable {
        /// `PostgreSQL` or `Redis`.
        service: &'static str,
        /// What the client library says.
        cause: String,
    },
    /// A stored value does not decode or decrypt; only an administrator can help.
    #[error("a stored value cannot be read: {0}")]
    Corrupt(String),
    /// Somebody else works on the creation or action by now, or it is gone: stop at once and write nothing more.
    #[error("the lease is lost")]
    LeaseLost,
    /// The user has as many creations queued or running as somebody may have: one of them has to end first.
    #[error("the user has {most} live creations already")]
    TooManyLive {
        /// How many somebody may have.
        most: i64,
    },
    /// Output after that offset is stored already: read the offset again and go on from there.
    #[error("output of step {step} is not stored up to byte {expected}")]
    OffsetMoved {
        /// The step's position.
        step: u32,
        /// Where the caller believed the stored output to end.
        expected: u64,
    },
    /// Lines of the task's log after that one are stored already.
    #[error("the task's log is not stored up to line {expected}")]
    LinesMoved {
        /// Where the caller believed the stored log to end.
        expected: u64,
    },
    /// The schema could not be brought up to date.
    #[error("the database's schema could not be brought up to date: {0}")]
    Migration(#[from] sqlx::migrate::MigrateError),
    /// A URL of PostgreSQL or Redis does not parse.
    #[error("{0}")]
    Url(String),
    /// Anything else from PostgreSQL: a bug.
    #[error("unexpected answer of PostgreSQL")]
    Postgres(#[source] sqlx::Error),
    /// Anything else from Redis: a bug, or a server too old.
    #[error("unexpected answer of Redis")]
    Redis(#[source] fred::error::Error),
}

impl Error {
    /// Whether this is the violation of that constraint.
    pub fn is_conflict(&self, name: &str) -> bool {
        matches!(self, Self::Conflict { constraint } if constraint == name)
    }

    /// Whether the same request may work later.
    pub const fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}

impl Error {
    pub(crate) fn redis_is_slow() -> Self {
        Self::Unavailable { service: "Redis", cause: "no answer in time".into() }
    }
}

/// SQLSTATEs that pass: connection (08), rollback (40), resources (53), locks (55), operator (57), system
/// (58).
fn passes(code: &str) -> bool {
    ["08", "40", "53", "55", "57", "58"].iter().any(|class| code.starts_with(class))
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(answer) => match (answer.constraint(), answer.code()) {
                (Some(constraint), _) => Self::Conflict { constraint: constraint.into() },
                (None, Some(code)) if passes(&code) => {
                    Self::Unavailable { service: "PostgreSQL", cause: answer.message().into() }
                }
                _ => Self::Postgres(error),
            },
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => {
                Self::Unavailable { service: "PostgreSQL", cause: error.to_string() }
            }
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Self::Corrupt(error.to_string()),
            _ => Self::Postgres(error),
        }
    }
}

impl From<fred::error::Error> for Error {
    fn from(error: fred::error::Error) -> Self {
        use fred::error::ErrorKind::{Backpressure, Canceled, IO, Routing, Timeout};
        match error.kind() {
            IO | Timeout | Canceled | Backpressure | Routing => {
                Self::Unavailable { service: "Redis", cause: error.details().into() }
            }
            // LOADING and BUSY pass; fred has no kind for them.
            _ if ["LOADING", "BUSY", "MASTERDOWN"].iter().any(|word| error.details().starts_with(word)) => {
                Self::Unavailable { service: "Redis", cause: error.details().into() }
            }
            _ => Self::Redis(error),
        }
    }
}

/// A stored text that its type no longer accepts. The value itself is not shown: it may be anything.
pub(crate) fn corrupt(what: &'static str) -> impl FnOnce() -> Error {
    move || Error::Corrupt(what.into())
}

/// Decodes a stored value, or says which column is wrong.
pub(crate) fn decode<T, U: TryInto<T>>(value: U, what: &'static str) -> Result<T> {
    value.try_into().map_err(|_| corrupt(what)())
}
