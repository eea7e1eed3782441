//! Guests: what is inside a container.

use std::path::{Path, PathBuf};

/// What a guest has to know of its container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestSpec {
    /// Container id.
    pub vmid: u32,
    /// Host name inside.
    pub hostname: String,
    /// `debian`, `ubuntu`, `alpine`, …
    pub ostype: String,
    /// Such as `12`.
    pub os_version: String,
    /// Addresses with prefix length, such as `10.77.0.101/24`.
    pub addresses: Vec<String>,
    /// Hardware address of the first interface, empty without one.
    pub hwaddr: String,
}

/// The guests of one host.
#[derive(Debug)]
pub struct Guests {
    directory: PathBuf,
}

impl Guests {
    /// Guests kept below `directory`.
    pub fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    /// Makes the private root of a new container.
    pub async fn create(&self, spec: &GuestSpec) -> anyhow::Result<()> {
        tokio::fs::create_dir_all(self.directory.join(spec.vmid.to_string())).await?;
        Ok(())
    }

    /// Boots a container.
    pub async fn start(&self, spec: &GuestSpec) -> anyhow::Result<()> {
        self.create(spec).await
    }

    /// Ends everything that runs in it.
    pub async fn stop(&self, _vmid: u32) -> anyhow::Result<()> {
        Ok(())
    }

    /// Removes its private root.
    pub async fn destroy(&self, vmid: u32) -> anyhow::Result<()> {
        tokio::fs::remove_dir_all(self.directory.join(vmid.to_string())).await?;
        Ok(())
    }

    /// The process id of its init.
    pub fn pid(&self, _vmid: u32) -> Option<u32> {
        None
    }
}
