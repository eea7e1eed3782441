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
pub mod evidence;
pub mod form;
pub mod fuzz;
pub mod leftovers;
pub mod planted;
pub mod process;
pub mod redis_server;
pub mod second_factor;
pub mod simulator;
pub mod wait;

pub use app::{Owner, TestApp};
pub use browser::{Browser, Page};
pub use container_template::TemplateFolder;
pub use evidence::SshAttempt;
pub use process::Process;
pub use redis_server::RedisServer;
pub use simulator::{SimulatedNode, SimulatorProcess};
pub use wait::{DEADLINE, wait_until};
