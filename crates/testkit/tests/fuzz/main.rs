//! What people paste and what the database returns, tried at random. `make test` tries each for a second, `make fuzz` for five minutes.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]

mod envelope;
mod fingerprint;
mod host;
mod token;
