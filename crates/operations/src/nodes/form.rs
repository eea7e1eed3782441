//! The form that describes a node.

mod typed;

use berth_domain::node::{Node, SshMethod};
use berth_domain::{Host, HostPort, Secret, TokenId};
use berth_proxmox::error::KeyProblem;
use berth_store::nodes::SshSecret;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use validator::Validate;

use super::input::{Basis, KnownHostKey, NodeInput, SshInput};
use crate::forms::{API_PORT, api_port, checkbox, field_errors, port};
use crate::{FieldErrors, Result};

const SSH_PORT: u16 = 22;
/// Characters of a password; longer ones are pasted by mistake.
const LONGEST_PASSWORD: usize = 1024;

/// A node as typed. The names of its fields are those of the form and of its messages.
#[derive(Clone, Debug, Default, Deserialize, Validate)]
#[serde(default)]
pub struct NodeForm {
    /// What its owner calls it, 1 to 100 characters.
    #[validate(custom(function = "typed::name"))]
    pub name: String,
    /// Address of the API.
    #[validate(custom(function = "typed::host"))]
    pub host: String,
    /// Port of the API; empty means 8006.
    #[validate(custom(function = "api_port"))]
    pub port: String,
    /// `user@realm!token`.
    #[validate(custom(function = "typed::token_id"))]
    pub token_id: String,
    /// The token's secret; empty keeps the stored one.
    pub token_secret: Secret,
    /// `none`, `password` or `private_key`.
    #[validate(custom(function = "typed::ssh_auth"))]
    pub ssh_auth: String,
    /// The SSH server; empty means the API's host.
    pub ssh_host: String,
    /// Its port; empty means 22.
    pub ssh_port: String,
    /// The user; empty means root.
    pub ssh_user: String,
    /// With `password`; empty keeps the stored one.
    pub ssh_password: Secret,
    /// With `private_key`; empty keeps the stored one with its passphrase.
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
    /// The stored node whose token and SSH login this other member of its cluster shares, if any.
    pub member_of: String,
}

impl NodeForm {
    /// An empty form with what is usual.
    pub fn usual() -> Self {
        Self {
            port: API_PORT.to_string(),
            ssh_port: SSH_PORT.to_string(),
            ssh_user: "root".into(),
            ssh_auth: "private_key".into(),
            ..Self::default()
        }
    }

    /// A stored node as it would be typed; its secrets stay where they are.
    pub fn of(node: &Node) -> Self {
        let form = Self {
            name: node.name.clone(),
            host: node.address.host.to_string(),
            port: node.address.port.to_string(),
            token_id: node.token_id.to_string(),
            ..Self::usual()
        };
        let Some(ssh) = &node.ssh else { return Self { ssh_auth: "none".into(), ..form } };
        let same = ssh.host == node.address.host;
        Self {
            ssh_auth: match ssh.method {
                SshMethod::Password => "password".into(),
                SshMethod::Key => "private_key".into(),
            },
            ssh_host: if same { String::new() } else { ssh.host.to_string() },
            ssh_port: ssh.port.to_string(),
            ssh_user: ssh.user.clone(),
            ..form
        }
    }

    /// What was typed as the token's id, without a secret that was pasted along with it: that is never shown again.
    pub fn shown_token_id(&self) -> &str {
        typed::without_secret(&self.token_id)
    }

    /// The name alone.
    pub(super) fn checked_name(&self) -> Result<String> {
        let wrong = typed::name(&self.name).err().and_then(|error| error.message);
        let errors = wrong.map_or_else(FieldErrors::new, |message| FieldErrors::one("name", message));
        errors.into_result(self.name.trim().to_owned())
    }

    /// What was typed, or the messages beside the fields.
    pub(super) fn checked(&self, basis: &Basis) -> Result<NodeInput> {
        let mut errors = self.validate().map_or_else(|errors| field_errors(&errors), |()| FieldErrors::new());
        let host = self.host.parse::<Host>().ok();
        let address = host.zip(port(&self.port, API_PORT).ok()).map(|(host, port)| HostPort::new(host, port));
        let token_id = self.token_id.parse::<TokenId>().ok();
        let token = self.token(address.as_ref(), token_id.as_ref(), basis);
        // Not by the derive: it would take the secret's value along with the message.
        let token = token.map_err(|message| errors.add("token_secret", message)).ok();
        let ssh = self.ssh(basis, &mut errors);
        let (Some(address), Some(token_id), Some((token_secret, token_kept_for)), true) =
            (address, token_id, token, errors.is_empty())
        else {
            return Err(errors.into());
        };
        Ok(NodeInput {
            name: self.name.trim().into(),
            known: basis.known_certificate(&address),
            address,
            token_id,
            token_secret,
            token_kept_for,
            ssh,
            without_ssh: self.without_ssh,
            confirmed: self.trusted_certificate.parse().ok(),
        })
    }

    /// The token's secret and, where the stored one is kept, whom it is for.
    fn token(
        &self,
        address: Option<&HostPort>,
        id: Option<&TokenId>,
        basis: &Basis,
    ) -> Result<(Secret, Option<HostPort>), String> {
        if !self.token_secret.expose_secret().trim().is_empty() {
            typed::token_secret(&self.token_secret)?;
            return Ok((self.token_secret.expose_secret().trim().into(), None));
        }
        let stored = basis.credentials().filter(|stored| !stored.token_secret.expose_secret().is_empty());
        let Some((stored, its_address)) = stored.zip(basis.address()) else {
            return Err("paste the token's secret: Proxmox shows it once, when the token is made".into());
        };
        let kept = Ok((stored.token_secret.clone(), Some(its_address.clone())));
        // Those that are wrong have a message of their own.
        let (Some(address), Some(id)) = (address, id) else { return kept };
        if *id != stored.node.token_id {
            return Err(format!("type the token's secret: it was stored for {}", stored.node.token_id));
        }
        let may_prove_itself = matches!(basis, Basis::Stored(stored) if stored.node.certificate.is_some());
        if *address == its_address || may_prove_itself {
            return kept;
        }
        Err(format!("type the token's secret: it was stored for {its_address}"))
    }

    fn ssh(&self, basis: &Basis, errors: &mut FieldErrors) -> Option<SshInput> {
        let method = match self.ssh_auth.as_str() {
            "password" => SshMethod::Password,
            "private_key" => SshMethod::Key,
            _ => return None,
        };
        let host = if self.ssh_host.trim().is_empty() { &self.host } else { &self.ssh_host };
        let host = typed::host_of(host);
        // A host that was not typed here has its message beside the API's host already.
        if let (Err(error), false) = (&host, self.ssh_host.trim().is_empty()) {
            errors.add("ssh_host", error.clone());
        }
        let port = port(&self.ssh_port, SSH_PORT).map_err(|message| errors.add("ssh_port", message));
        let user = match self.ssh_user.trim() {
            "" => "root",
            user => user,
        };
        if !typed::is_user(user) {
            errors.add("ssh_user", "this is not a user name on a Linux system, such as root or berth");
        }
        let address = host.ok().zip(port.ok()).map(|(host, port)| HostPort::new(host, port));
        let known = address.as_ref().map_or(KnownHostKey::Nothing, |address| basis.known_host_key(address));
        let (secret, kept_for) = self.ssh_secret(method, address.as_ref(), basis, errors)?;
        Some(SshInput {
            address: address?,
            user: user.into(),
            method,
            secret,
            kept_for,
            confirmed: self.trusted_host_key.parse().ok(),
            known,
        })
    }

    /// What was typed, or the stored secret of the same method and whom it is for.
    fn ssh_secret(
        &self,
        method: SshMethod,
        address: Option<&HostPort>,
        basis: &Basis,
        errors: &mut FieldErrors,
    ) -> Option<(SshSecret, Option<HostPort>)> {
        let (field, typed, ask) = match method {
            SshMethod::Password => (
                "ssh_password",
                &self.ssh_password,
                "type the password for SSH, or choose another way to log in",
            ),
            SshMethod::Key => (
                "ssh_private_key",
                &self.ssh_private_key,
                "paste the private key, or choose another way to log in",
            ),
        };
        let passphrase = Some(self.ssh_passphrase.clone())
            .filter(|text| method == SshMethod::Key && !text.expose_secret().is_empty());
        if !typed.expose_secret().trim().is_empty() {
            let secret = SshSecret { secret: typed.clone(), passphrase };
            return self.typed_ssh(method, secret, errors).map(|secret| (secret, None));
        }
        let stored = basis
            .credentials()
            .filter(|stored| stored.node.ssh.as_ref().is_some_and(|ssh| ssh.method == method));
        let stored = stored.and_then(|stored| stored.ssh_secret.clone()).zip(basis.ssh_address());
        let (message, kept) = match stored {
            None => (ask.to_owned(), None),
            Some(_) if passphrase.is_some() => {
                ("paste the private key too: a passphrase alone does not change the stored key".into(), None)
            }
            Some((_, its_address))
                if matches!(basis, Basis::Member(..))
                    && address.is_some_and(|address| *address != its_address) =>
            {
                (format!("type it here: the stored one is used for {its_address} only"), None)
            }
            Some((secret, its_address)) => (String::new(), Some((secret, Some(its_address)))),
        };
        if kept.is_none() {
            errors.add(field, message);
        }
        kept
    }

    /// A password of a sane length, or a key that its passphrase opens.
    fn typed_ssh(&self, method: SshMethod, secret: SshSecret, errors: &mut FieldErrors) -> Option<SshSecret> {
        if method == SshMethod::Password {
            if self.ssh_password.expose_secret().chars().count() <= LONGEST_PASSWORD {
                return Some(secret);
            }
            errors.add("ssh_password", format!("a password has at most {LONGEST_PASSWORD} characters"));
            return None;
        }
        let problem = berth_proxmox::ssh::check_private_key(&secret.secret, secret.passphrase.as_ref()).err();
        let Some(problem) = problem else { return Some(secret) };
        let about_passphrase = matches!(problem, KeyProblem::PassphraseMissing | KeyProblem::PassphraseWrong);
        let field = if about_passphrase { "ssh_passphrase" } else { "ssh_private_key" };
        errors.add(field, problem.to_string());
        None
    }
}

#[cfg(test)]
mod tests;
