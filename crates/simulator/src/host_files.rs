//! Files of the host's private root that follow the simulator's state: certificates, public host keys, and where
//! Proxmox links root's `authorized_keys` to.

use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use russh::keys::PublicKey;

use crate::guest::HOST;
use crate::state::Host;
use crate::unix;

/// Shared by all members of a cluster, and where it is found on the host.
pub(crate) const PRIVATE: &str = "etc/pve/priv";
const ROOTS_KEYS: &str = "/etc/pve/priv/authorized_keys";

/// Makes what a Proxmox host has below `/etc/pve` and `/root/.ssh`; `root` is its private root.
pub(crate) fn prepare(host: &Host) -> io::Result<()> {
    let root = host.guests().root(HOST);
    std::fs::create_dir_all(host.private())?;
    let node = format!("etc/pve/nodes/{}", host.node());
    for directory in [PRIVATE, &node, "etc/ssh", "root/.ssh"] {
        std::fs::create_dir_all(root.join(directory))?;
    }
    std::fs::set_permissions(root.join("root/.ssh"), std::fs::Permissions::from_mode(0o700))?;
    for (link, target) in [
        ("etc/pve/local", format!("nodes/{}", host.node())),
        ("root/.ssh/authorized_keys", ROOTS_KEYS.to_owned()),
    ] {
        let link = root.join(link);
        // A file that somebody has put in its place stays.
        if link.symlink_metadata().is_err() {
            symlink(target, link)?;
        }
    }
    Ok(())
}

/// Brings the certificates and public host keys that are shown now to where they are looked up on a host.
pub(crate) fn refresh(host: &Host, keys: &[PublicKey]) -> io::Result<()> {
    let root = host.guests().root(HOST);
    for (name, certificate) in host.certificates() {
        let directory = if name == "pve-ssl.pem" {
            format!("etc/pve/nodes/{}", host.node())
        } else {
            "etc/pve".to_owned()
        };
        write(&root.join(directory).join(name), &certificate.pem)?;
    }
    for key in keys {
        let name = match key.algorithm() {
            russh::keys::Algorithm::Rsa { .. } => "rsa",
            russh::keys::Algorithm::Ecdsa { .. } => "ecdsa",
            _ => "ed25519",
        };
        let text = key.to_openssh().map_err(io::Error::other)?;
        let line = format!("{} root@{}\n", text.trim_end(), host.node());
        write(&root.join(format!("etc/ssh/ssh_host_{name}_key.pub")), &line)?;
    }
    Ok(())
}

fn write(path: &Path, content: &str) -> io::Result<()> {
    if std::fs::read_to_string(path).is_ok_and(|old| old == content) {
        return Ok(());
    }
    std::fs::write(path, content)
}

/// The keys that open a user's account.
pub(crate) fn authorized_keys(host: &Host, user: &str) -> Vec<PublicKey> {
    let root = host.guests().root(HOST);
    let Some(account) = unix::find(&root, user) else { return Vec::new() };
    let path = inside(host, &root, &format!("{}/.ssh/authorized_keys", account.home));
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let keys = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    keys.filter_map(|line| PublicKey::from_openssh(line).ok()).collect()
}

/// Where a path of the host lies on this machine; of links only the one to the cluster's directory is followed.
fn inside(host: &Host, root: &Path, path: &str) -> PathBuf {
    let found = root.join(path.trim_start_matches('/'));
    match std::fs::read_link(&found) {
        Ok(target) if target == Path::new(ROOTS_KEYS) => host.private().join("authorized_keys"),
        Ok(_) => PathBuf::new(),
        Err(_) => found,
    }
}
