//! What can go wrong with an operation, by what its caller can do.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

/// Result of an operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong, by what a caller can do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It does not exist, or it is somebody else's.
    #[error("not found")]
    NotFound,
    /// The input was refused; messages by field.
    #[error("some fields need another value: {0}")]
    Invalid(FieldErrors),
    /// It cannot be done in the present state; the text says what to do.
    #[error("{0}")]
    Conflict(String),
    /// A Proxmox host did not do as asked.
    #[error("{0}")]
    Node(Box<NodeTrouble>),
    /// Too many attempts; ask again after so many seconds.
    #[error("too many attempts, try again in {retry_after} s")]
    Throttled {
        /// Seconds to wait.
        retry_after: u64,
    },
    /// Our own fault or our database's; the person sees only a request id.
    #[error("internal error: {0}")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Trouble with a Proxmox host, in words that its owner can act on.
#[derive(Debug)]
pub struct NodeTrouble {
    /// The name its owner gave it, or its address before it has one.
    pub node: String,
    /// What the host said or did.
    pub error: berth_proxmox::Error,
}

impl fmt::Display for NodeTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.node, self.error)
    }
}

/// Messages by the name of the form's field, in the order of the names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldErrors(BTreeMap<Cow<'static, str>, Vec<String>>);

impl FieldErrors {
    /// No messages.
    pub fn new() -> Self {
        Self::default()
    }

    /// One message beside one field.
    pub fn one(field: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        let mut errors = Self::new();
        errors.add(field, message);
        errors
    }

    /// Adds a message beside a field.
    pub fn add(&mut self, field: impl Into<Cow<'static, str>>, message: impl Into<String>) {
        self.0.entry(field.into()).or_default().push(message.into());
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The messages beside `field`.
    pub fn of(&self, field: &str) -> &[String] {
        self.0.get(field).map_or(&[], Vec::as_slice)
    }

    /// All messages by field.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.0.iter().map(|(field, messages)| (field.as_ref(), messages.as_slice()))
    }

    /// `value` when there are no messages, else [`Error::Invalid`].
    pub fn into_result<T>(self, value: T) -> Result<T> {
        if self.is_empty() { Ok(value) } else { Err(Error::Invalid(self)) }
    }
}

impl fmt::Display for FieldErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, (field, messages)) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str("; ")?;
            }
            write!(f, "{field}: {}", messages.join(", "))?;
        }
        Ok(())
    }
}

impl From<FieldErrors> for Error {
    fn from(errors: FieldErrors) -> Self {
        Self::Invalid(errors)
    }
}

impl From<berth_store::Error> for Error {
    fn from(error: berth_store::Error) -> Self {
        Self::Internal(Box::new(error))
    }
}

impl Error {
    /// Trouble with the host that its owner calls `node`.
    pub fn node(node: impl Into<String>, error: berth_proxmox::Error) -> Self {
        Self::Node(Box::new(NodeTrouble { node: node.into(), error }))
    }
}
