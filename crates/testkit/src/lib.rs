//! Test application, builders and browser for Berth's tests.
//!
//! [`TestApp`] is everything that a creation needs, of a test's own: a database, a Redis, a simulated Proxmox host, and `berth web`
//! and `berth worker` as real processes that can be killed. Run under `scripts/with-services`.

#![allow(clippy::unwrap_used, reason = "a helper that fails fails its test")]

pub mod app;
pub mod binaries;
pub mod browser;
pub mod container_template;
pub mod database;
pub mod form;
pub mod leftovers;
pub mod process;
pub mod redis_server;
pub mod simulator;
pub mod wait;

pub use app::{Owner, TestApp};
pub use browser::{Browser, Page};
pub use container_template::TemplateFolder;
pub use process::Process;
pub use redis_server::RedisServer;
pub use simulator::SimulatorProcess;
pub use wait::{DEADLINE, wait_until};
