//! Creations as they really run: `berth web` and `berth worker` as processes, a PostgreSQL, a Redis and a simulated Proxmox host. Run
//! under `scripts/with-services`.

#![allow(clippy::unwrap_used, reason = "a helper that fails here fails the test")]

mod calls;
mod discovering;
mod failing;
mod faithful;
mod killed;
mod node_health;
mod outage;
mod pages;
mod queue;
mod reused;
mod rotation;
mod scenario;
mod secrets;
mod shipped;
mod ssh;
