//! What runs inside containers, over HTTP: found, with its logs and credentials, in simulated Debian, Alpine and Docker. Run under
//! `scripts/with-services`.

#![allow(clippy::unwrap_used, reason = "a helper that fails here fails the test")]

mod credentials;
mod discovering;
mod following;
mod heavy;
mod logs;
mod rig;
