//! Logging in over HTTP at a simulated host, with and without a second factor, and the sessions that come of it. Run under
//! `scripts/with-services`.

#![allow(clippy::unwrap_used, reason = "a helper that fails here fails the test")]

mod fields;
mod password;
mod rig;
mod second_factor;
mod sessions;
mod streams;
