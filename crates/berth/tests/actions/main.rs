//! What is asked of containers, as it really runs: `berth web` and `berth worker` as processes, a PostgreSQL, a Redis and a simulated Proxmox
//! host. Run under `scripts/with-services`.

#![allow(clippy::unwrap_used, reason = "a helper that fails here fails the test")]

mod adopted;
mod history;
mod moved;
mod once;
mod reused;
mod rig;
mod table;
