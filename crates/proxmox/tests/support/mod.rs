//! Doubles of a host: HTTPS with canned answers, and SSH.

#![allow(dead_code, reason = "each test binary uses its own part of it")]

pub mod https;
pub mod ssh;

/// An instant of patience for things that take milliseconds.
pub const SOON: std::time::Duration = std::time::Duration::from_secs(20);
