//! What a new container shall be.

use berth_domain::Vmid;
use secrecy::SecretString;

use crate::client::{Parameters, parameter};
use crate::{Error, PropertyString, Result};

/// A container to create. It is never started by the same call: that start's failure would be lost in a second task.
#[derive(Clone, Debug)]
pub struct CreateContainer {
    /// Its number.
    pub vmid: Vmid,
    /// The OS template's volume, such as `local:vztmpl/debian-12-standard_12.7-1_amd64.tar.zst`.
    pub ostemplate: String,
    /// Its host name.
    pub hostname: String,
    /// The storage of its root disk, one that takes `rootdir`.
    pub storage: String,
    /// The size of its root disk, in GiB.
    pub disk_gib: u32,
    /// Its cores; `None` for all of the node's.
    pub cores: Option<u32>,
    /// Its memory, in MiB, at least 16.
    pub memory_mib: u32,
    /// Its swap, in MiB.
    pub swap_mib: u32,
    /// Whether its root is nobody on the host.
    pub unprivileged: bool,
    /// Feature flags. A token may set `nesting` on an unprivileged container and nothing else.
    pub features: PropertyString,
    /// Its network interfaces, `net0` first.
    pub nets: Vec<PropertyString>,
    /// Its DNS server; `None` for the host's.
    pub nameserver: Option<String>,
    /// Its DNS search domain; `None` for the host's.
    pub searchdomain: Option<String>,
    /// Whether it starts with the node.
    pub onboot: bool,
    /// Root's password inside, at least 5 characters.
    pub password: Option<SecretString>,
    /// Public keys that may log in as root.
    pub ssh_public_keys: Vec<String>,
    /// Its notes.
    pub description: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Further options, with Proxmox's text for them.
    pub options: Vec<(String, String)>,
}

impl CreateContainer {
    pub(super) fn parameters(&self) -> Result<Parameters> {
        if self.storage.contains([':', ',', '=']) {
            return Err(Error::Invalid(format!("{:?} as a storage's name", self.storage)));
        }
        let mut form = vec![
            parameter("vmid", self.vmid.get()),
            parameter("ostemplate", &self.ostemplate),
            parameter("hostname", &self.hostname),
            parameter("rootfs", format_args!("{}:{}", self.storage, self.disk_gib)),
            parameter("memory", self.memory_mib),
            parameter("swap", self.swap_mib),
            parameter("unprivileged", u8::from(self.unprivileged)),
            parameter("onboot", u8::from(self.onboot)),
        ];
        form.extend(self.cores.map(|cores| parameter("cores", cores)));
        form.extend((!self.features.is_empty()).then(|| parameter("features", &self.features)));
        form.extend(
            self.nets.iter().enumerate().map(|(number, net)| parameter(&format!("net{number}"), net)),
        );
        form.extend(self.nameserver.iter().map(|server| parameter("nameserver", server)));
        form.extend(self.searchdomain.iter().map(|domain| parameter("searchdomain", domain)));
        form.extend(self.password.iter().map(|password| ("password".to_owned(), password.clone())));
        form.extend(
            (!self.ssh_public_keys.is_empty())
                .then(|| parameter("ssh-public-keys", self.ssh_public_keys.join("\n"))),
        );
        form.extend(self.description.iter().map(|description| parameter("description", description)));
        form.extend((!self.tags.is_empty()).then(|| parameter("tags", self.tags.join(";"))));
        form.extend(self.options.iter().map(|(name, value)| parameter(name, value)));
        Ok(form)
    }
}
