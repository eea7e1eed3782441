//! The store against a real PostgreSQL and Redis (`scripts/with-services`).

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic as the test may")]

mod containers;
mod creations;
mod leases;
mod login_hosts;
mod nodes;
mod nothing_in_clear;
mod others;
mod progress;
mod redis_keys;
mod support;
mod watching;
