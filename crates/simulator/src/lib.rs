//! A simulated Proxmox VE host over real HTTPS and real SSH, for tests and the demo.
//!
//! [`state::Host`] is the single truth: the REST API ([`api`]) and the command line reached over SSH both act on it.
//! Nothing here shares a type with Berth's own client, so that a wrong field cannot be wrong on both sides.

pub mod api;
pub mod calls;
pub mod clock;
pub mod faults;
pub mod guest;
mod host_files;
pub mod listen;
pub mod pct;
pub mod permissions;
pub mod seed;
pub mod simulator;
pub mod ssh;
pub mod state;
mod sudoers;
pub mod tasks;
pub mod tls;
mod unix;
