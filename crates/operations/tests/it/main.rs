//! Operations against a real PostgreSQL and Redis: run under `scripts/with-services`.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]

mod broken_recipes;
mod deliveries;
mod drafts;
mod fields;
mod heavy;
mod host;
mod limits;
mod login;
mod lying_nodes;
mod node_forms;
mod recipes;
mod support;
mod vmids;
