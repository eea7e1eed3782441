//! Attacks on Berth as it really runs: `berth web` and `berth worker` as processes, a PostgreSQL, a Redis, a simulated Proxmox host and one
//! that only pretends to be. Run under `scripts/with-services`.

#![allow(clippy::unwrap_used, reason = "a helper that fails here fails the test")]

mod accounts;
mod impostor;
mod jobs;
mod nodes;
mod second_factor;
mod sessions;
mod stolen;
mod throttle;
mod visitor;
