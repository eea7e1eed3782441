//! Secrets to be looked for.

use berth_domain::HostPort;
use berth_domain::node::{SshAccess, SshMethod};
use berth_store::nodes::{NewNode, NodeDetails, SshSecret};

/// A node with an SSH key and a passphrase, each of its three secrets being `secret`; nothing has tested it.
pub fn node(name: &str, address: &HostPort, secret: &str) -> NewNode {
    let ssh = SshAccess {
        host: address.host.clone(),
        port: address.port,
        user: "root".into(),
        method: SshMethod::Key,
        host_key: "SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU".into(),
    };
    NewNode {
        details: NodeDetails {
            name: name.into(),
            address: address.clone(),
            certificate: None,
            token_id: "root@pam!berth".parse().unwrap(),
            pve_node_name: "other".into(),
            cluster: format!("cluster of {name}"),
            pve_version: "9.0.0".into(),
            ssh: Some(ssh),
        },
        token_secret: secret.into(),
        ssh_secret: Some(SshSecret { secret: secret.into(), passphrase: Some(secret.into()) }),
    }
}
