//! A node whose fields are right as far as that can be told without asking it.

use berth_domain::node::SshMethod;
use berth_domain::{Fingerprint, Host, HostPort, Secret, TokenId};
use berth_proxmox::{HostKey, SshCredential};
use berth_store::nodes::{Credentials, SshSecret};

use crate::node_connection::credential;

/// What a form starts from, and whose secrets its empty fields stand for.
#[derive(Debug)]
pub(super) enum Basis {
    /// Nothing: everything is typed.
    New,
    /// A stored node that is edited.
    Stored(Box<Credentials>),
    /// Another member of a stored node's cluster.
    Member(Box<Credentials>, Member),
}

/// A member of a cluster, as a stored node of that cluster describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    /// Its PVE node name.
    pub(super) name: String,
    pub(super) host: Host,
    pub(super) certificate: Fingerprint,
}

impl Basis {
    /// The stored node whose secrets may be kept.
    pub(super) fn credentials(&self) -> Option<&Credentials> {
        match self {
            Self::New => None,
            Self::Stored(stored) | Self::Member(stored, _) => Some(stored),
        }
    }

    /// The API address that the stored token is for without a further proof.
    pub(super) fn address(&self) -> Option<HostPort> {
        match self {
            Self::New => None,
            Self::Stored(stored) => Some(stored.node.address.clone()),
            Self::Member(of, member) => Some(HostPort::new(member.host.clone(), of.node.address.port)),
        }
    }

    /// The SSH address that the stored login is for without a further proof.
    pub(super) fn ssh_address(&self) -> Option<HostPort> {
        let ssh = self.credentials()?.node.ssh.as_ref()?;
        let host = if let Self::Member(_, member) = self { &member.host } else { &ssh.host };
        Some(HostPort::new(host.clone(), ssh.port))
    }

    pub(super) fn known_certificate(&self, address: &HostPort) -> KnownCertificate {
        let here = self.address().as_ref() == Some(address);
        match self {
            Self::Member(of, member) if here => {
                KnownCertificate::Vouched { certificate: member.certificate, by: of.node.name.clone() }
            }
            Self::Stored(stored) if here => KnownCertificate::Here(stored.node.certificate),
            Self::Stored(stored) => {
                stored.node.certificate.map_or(KnownCertificate::Nothing, KnownCertificate::Elsewhere)
            }
            Self::New | Self::Member(..) => KnownCertificate::Nothing,
        }
    }

    pub(super) fn known_host_key(&self, address: &HostPort) -> KnownHostKey {
        let Self::Stored(stored) = self else { return KnownHostKey::Nothing };
        let key = stored.node.ssh.as_ref().and_then(|ssh| ssh.host_key.parse().ok());
        let here = self.ssh_address().as_ref() == Some(address);
        key.map_or(KnownHostKey::Nothing, if here { KnownHostKey::Here } else { KnownHostKey::Elsewhere })
    }
}

/// What is known of the certificate that a host will show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum KnownCertificate {
    Nothing,
    /// The owner has trusted it at this address; none: the public roots vouched for the host.
    Here(Option<Fingerprint>),
    /// The owner has trusted it at another address.
    Elsewhere(Fingerprint),
    /// A member of the same cluster says so.
    Vouched {
        certificate: Fingerprint,
        by: String,
    },
}

/// What is known of the key that an SSH server will show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum KnownHostKey {
    Nothing,
    Here(HostKey),
    Elsewhere(HostKey),
}

#[derive(Clone, Debug)]
pub(super) struct NodeInput {
    pub(super) name: String,
    pub(super) address: HostPort,
    pub(super) token_id: TokenId,
    pub(super) token_secret: Secret,
    /// Where the secret is from, if it was not typed: it is for nobody else.
    pub(super) token_kept_for: Option<HostPort>,
    pub(super) ssh: Option<SshInput>,
    pub(super) without_ssh: bool,
    /// The certificate that was confirmed just now.
    pub(super) confirmed: Option<Fingerprint>,
    pub(super) known: KnownCertificate,
}

/// An SSH server whose key may not be known yet.
#[derive(Clone, Debug)]
pub(super) struct SshInput {
    pub(super) address: HostPort,
    pub(super) user: String,
    pub(super) method: SshMethod,
    pub(super) secret: SshSecret,
    /// Where the secret is from, if it was not typed: it is for nobody else.
    pub(super) kept_for: Option<HostPort>,
    /// The host key that was confirmed just now.
    pub(super) confirmed: Option<HostKey>,
    pub(super) known: KnownHostKey,
}

impl SshInput {
    pub(super) fn credential(&self) -> SshCredential {
        credential(self.method, self.secret.secret.clone(), self.secret.passphrase.clone())
    }
}
