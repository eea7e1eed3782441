//! The form that describes a node.

use berth_domain::node::SshMethod;
use berth_domain::{Fingerprint, Host, HostPort, Secret, TokenId};
use berth_proxmox::{HostKey, SshCredential};
use berth_store::nodes::SshSecret;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use validator::{Validate, ValidationError};

use crate::forms::{API_PORT, api_port, checkbox, field_errors, parses, port, problem};
use crate::node_connection::credential;
use crate::{FieldErrors, Result};

const SSH_PORT: u16 = 22;

/// A node as typed. The names of its fields are those of the form and of its messages.
#[derive(Clone, Debug, Default, Deserialize, Validate)]
#[serde(default)]
pub struct NodeForm {
    /// What its owner calls it, 1 to 100 characters.
    #[validate(custom(function = "name"))]
    pub name: String,
    /// Address of the API.
    #[validate(custom(function = "parses::<Host>"))]
    pub host: String,
    /// Port of the API; empty means 8006.
    #[validate(custom(function = "api_port"))]
    pub port: String,
    /// `user@realm!token`.
    #[validate(custom(function = "parses::<TokenId>"))]
    pub token_id: String,
    /// The token's secret.
    pub token_secret: Secret,
    /// `none`, `password` or `private_key`.
    #[validate(custom(function = "ssh_auth"))]
    pub ssh_auth: String,
    /// The SSH server; empty means the API's host.
    pub ssh_host: String,
    /// Its port; empty means 22.
    pub ssh_port: String,
    /// The user; empty means root.
    pub ssh_user: String,
    /// With `password`.
    pub ssh_password: Secret,
    /// With `private_key`.
    pub ssh_private_key: Secret,
    /// What opens the private key, if anything.
    pub ssh_passphrase: Secret,
    /// Whether to save although SSH does not work: no provisioning, services or logs on this node.
    #[serde(deserialize_with = "checkbox")]
    pub without_ssh: bool,
    /// The certificate's fingerprint that the person has confirmed, if any.
    pub trusted_certificate: String,
    /// The SSH host key that the person has confirmed, if any.
    pub trusted_host_key: String,
}

/// A node whose fields are right as far as that can be told without asking it.
#[derive(Clone, Debug)]
pub(super) struct NodeInput {
    pub(super) name: String,
    pub(super) address: HostPort,
    pub(super) token_id: TokenId,
    pub(super) token_secret: Secret,
    pub(super) ssh: Option<SshInput>,
    pub(super) without_ssh: bool,
    pub(super) certificate: Option<Fingerprint>,
}

/// An SSH server whose key may not be known yet.
#[derive(Clone, Debug)]
pub(super) struct SshInput {
    pub(super) address: HostPort,
    pub(super) user: String,
    pub(super) method: SshMethod,
    pub(super) secret: SshSecret,
    pub(super) host_key: Option<HostKey>,
}

impl SshInput {
    pub(super) fn credential(&self) -> SshCredential {
        credential(self.method, self.secret.secret.clone(), self.secret.passphrase.clone())
    }
}

fn name(text: &str) -> Result<(), ValidationError> {
    match text.trim().chars().count() {
        1..=100 if !text.chars().any(char::is_control) => Ok(()),
        0 => Err(problem("give the node a name, for example the one on its label")),
        _ => Err(problem("a name has at most 100 characters")),
    }
}

fn token_secret(secret: &Secret) -> Result<(), &'static str> {
    let text = secret.expose_secret().trim();
    if text.is_empty() {
        return Err("paste the token's secret: Proxmox shows it once, when the token is made");
    }
    let is_plain = text.len() <= 128 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if is_plain {
        Ok(())
    } else {
        Err("a token's secret is a UUID, such as 01234567-89ab-cdef-0123-456789abcdef")
    }
}

fn ssh_auth(text: &str) -> Result<(), ValidationError> {
    match text {
        "" | "none" | "password" | "private_key" => Ok(()),
        _ => Err(problem("choose a private key, a password, or no SSH")),
    }
}

fn trimmed(secret: &Secret) -> Secret {
    secret.expose_secret().trim().into()
}

impl NodeForm {
    /// What was typed, or the messages beside the fields.
    pub(super) fn checked(&self) -> Result<NodeInput> {
        let mut errors = self.validate().map_or_else(|errors| field_errors(&errors), |()| FieldErrors::new());
        // Not by the derive: it would take the secret's value along with the message.
        if let Err(message) = token_secret(&self.token_secret) {
            errors.add("token_secret", message);
        }
        let ssh = self.ssh(&mut errors);
        let address = self.host.parse().ok().zip(port(&self.port, API_PORT).ok());
        let (Some((host, port)), Ok(token_id), true) = (address, self.token_id.parse(), errors.is_empty())
        else {
            return Err(errors.into());
        };
        Ok(NodeInput {
            name: self.name.trim().into(),
            address: HostPort::new(host, port),
            token_id,
            token_secret: trimmed(&self.token_secret),
            ssh,
            without_ssh: self.without_ssh,
            certificate: self.trusted_certificate.parse().ok(),
        })
    }

    fn ssh(&self, errors: &mut FieldErrors) -> Option<SshInput> {
        let (method, secret) = match self.ssh_auth.as_str() {
            "password" => (SshMethod::Password, self.password(errors)),
            "private_key" => (SshMethod::Key, self.private_key(errors)),
            _ => return None,
        };
        let host = if self.ssh_host.trim().is_empty() { &self.host } else { &self.ssh_host };
        let host = host.parse::<Host>();
        // A host that was not typed here has its message beside the API's host already.
        if let (Err(error), false) = (&host, self.ssh_host.trim().is_empty()) {
            errors.add("ssh_host", error.to_string());
        }
        let port = port(&self.ssh_port, SSH_PORT).map_err(|message| errors.add("ssh_port", message)).ok()?;
        let user = match self.ssh_user.trim() {
            "" => "root",
            user => user,
        };
        if !is_user(user) {
            errors.add("ssh_user", "this is not a user name on a Linux system, such as root or berth");
        }
        Some(SshInput {
            address: HostPort::new(host.ok()?, port),
            user: user.into(),
            method,
            secret,
            host_key: self.trusted_host_key.parse().ok(),
        })
    }

    fn password(&self, errors: &mut FieldErrors) -> SshSecret {
        if self.ssh_password.expose_secret().is_empty() {
            errors.add("ssh_password", "type the password for SSH, or choose another way to log in");
        }
        SshSecret { secret: self.ssh_password.clone(), passphrase: None }
    }

    fn private_key(&self, errors: &mut FieldErrors) -> SshSecret {
        let passphrase =
            Some(self.ssh_passphrase.clone()).filter(|passphrase| !passphrase.expose_secret().is_empty());
        if self.ssh_private_key.expose_secret().trim().is_empty() {
            errors.add("ssh_private_key", "paste the private key, or choose another way to log in");
        } else if let Err(error) =
            berth_proxmox::ssh::check_private_key(&self.ssh_private_key, passphrase.as_ref())
        {
            use berth_proxmox::error::KeyProblem::{PassphraseMissing, PassphraseWrong};
            let about_passphrase = matches!(error, PassphraseMissing | PassphraseWrong);
            let field = if about_passphrase { "ssh_passphrase" } else { "ssh_private_key" };
            errors.add(field, error.to_string());
        }
        SshSecret { secret: self.ssh_private_key.clone(), passphrase }
    }
}

/// As `useradd` takes it, with the upper case and dots that directory services use.
fn is_user(text: &str) -> bool {
    text.len() <= 32
        && text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && text.chars().all(|character| character.is_ascii_alphanumeric() || "_-.".contains(character))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    fn form() -> NodeForm {
        NodeForm {
            name: "attic".into(),
            host: "pve.lan".into(),
            token_id: "berth@pve!berth".into(),
            token_secret: " 01234567-89ab-cdef-0123-456789abcdef\n".into(),
            ssh_auth: "password".into(),
            ssh_password: "secret".into(),
            ..NodeForm::default()
        }
    }

    fn fields(form: &NodeForm) -> Vec<&'static str> {
        match form.checked() {
            Err(Error::Invalid(errors)) => errors.iter().map(|(field, _)| field).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let input = form().checked().unwrap();
        assert_eq!(input.address.to_string(), "pve.lan:8006");
        assert_eq!(input.token_secret.expose_secret(), "01234567-89ab-cdef-0123-456789abcdef");
        let ssh = input.ssh.unwrap();
        assert_eq!((ssh.address.to_string().as_str(), ssh.user.as_str()), ("pve.lan:22", "root"));
    }

    #[test]
    fn each_wrong_field_has_its_message() {
        assert_eq!(fields(&NodeForm::default()), ["host", "name", "token_id", "token_secret"]);
        let wrong = NodeForm {
            ssh_host: "https://x/".into(),
            ssh_user: "a b".into(),
            ssh_password: Secret::default(),
            ..form()
        };
        assert_eq!(fields(&wrong), ["ssh_host", "ssh_password", "ssh_user"]);
        assert_eq!(fields(&NodeForm { ssh_port: "x".into(), ..form() }), ["ssh_port"]);
        assert_eq!(fields(&NodeForm { ssh_auth: "kerberos".into(), ..form() }), ["ssh_auth"]);
    }

    #[test]
    fn a_private_key_is_read_before_any_host_is_asked() {
        let key =
            |pem: &str| NodeForm { ssh_auth: "private_key".into(), ssh_private_key: pem.into(), ..form() };
        assert_eq!(fields(&key("")), ["ssh_private_key"]);
        assert_eq!(fields(&key("ssh-ed25519 AAAA")), ["ssh_private_key"]);
    }

    #[test]
    fn no_ssh_is_a_choice_of_its_own() {
        assert!(NodeForm { ssh_auth: "none".into(), ..form() }.checked().unwrap().ssh.is_none());
    }
}
