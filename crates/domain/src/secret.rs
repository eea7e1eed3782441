//! Secrets that do not show themselves.

/// A secret text: `Debug` prints `[REDACTED]`, memory is wiped on drop. Read it with [`secrecy::ExposeSecret`].
pub type Secret = secrecy::SecretString;
