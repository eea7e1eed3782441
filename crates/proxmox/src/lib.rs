//! REST and SSH client of one Proxmox VE host
