//! The store against a real PostgreSQL and Redis (`scripts/with-services`).

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]

mod container_actions;
mod container_templates;
mod containers;
mod creations;
mod defaults;
mod deleting_nodes;
mod drafts;
mod leases;
mod login_hosts;
mod node_health;
mod nodes;
mod nothing_in_clear;
mod others;
mod package_buckets;
mod pending_logins;
mod progress;
mod redis_keys;
mod rotation;
mod sessions;
mod support;
mod vmids;
mod watching;
