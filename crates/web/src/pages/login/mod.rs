//! Logging in by a Proxmox host.

pub mod view;
