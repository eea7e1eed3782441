//! A simulated Proxmox VE host over real HTTPS and SSH
fn main() {}
