//! The login form.

use berth_domain::{Fingerprint, Host, HostPort, Secret};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use validator::{Validate, ValidationError};

use crate::Result;
use crate::forms::{API_PORT, api_port, field_errors, port, problem};

/// The login form as typed.
#[derive(Clone, Debug, Default, Deserialize, Validate)]
#[serde(default)]
pub struct LoginForm {
    /// The Proxmox host; with an empty port also `host:port`, as a list of hosts offers them.
    #[validate(custom(function = "host"))]
    pub host: String,
    /// Its API's port; empty means 8006.
    #[validate(custom(function = "api_port"))]
    pub port: String,
    /// The user's name without realm.
    #[validate(custom(function = "user_name"))]
    pub user: String,
    /// The password.
    pub password: Secret,
    /// The realm, such as `pam`.
    #[validate(custom(function = "realm"))]
    pub realm: String,
    /// The fingerprint that the person has confirmed, if any.
    pub trust: String,
}

fn host(text: &str) -> Result<(), ValidationError> {
    text.parse::<HostPort>().map(|_| ()).map_err(problem)
}

fn user_name(text: &str) -> Result<(), ValidationError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(problem("type your user name on Proxmox, for example root"));
    }
    let odd =
        |character: char| character.is_whitespace() || character.is_control() || ":/".contains(character);
    if text.len() > 60 || text.contains(odd) {
        return Err(problem("a user name has at most 60 characters and no spaces, colons or slashes"));
    }
    Ok(())
}

fn password(secret: &Secret) -> Result<(), &'static str> {
    match secret.expose_secret().len() {
        0 => Err("type your password"),
        1..=4096 => Ok(()),
        _ => Err("this is too long for a password"),
    }
}

fn realm(text: &str) -> Result<(), ValidationError> {
    let is_name = text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.len() <= 32
        && text.chars().all(|character| character.is_ascii_alphanumeric() || "-_.".contains(character));
    if is_name { Ok(()) } else { Err(problem("choose a realm, for example pam")) }
}

impl LoginForm {
    /// The host and `user@realm`, or what is wrong with the fields.
    pub(super) fn checked(&self) -> Result<(HostPort, String)> {
        let mut errors =
            self.validate().map_or_else(|errors| field_errors(&errors), |()| crate::FieldErrors::new());
        // Not by the derive: it would take the secret's value along with the message.
        if let Err(message) = password(&self.password) {
            errors.add("password", message);
        }
        let host = self.address();
        let Some(host) = errors.into_result(host)? else {
            return Err(crate::FieldErrors::one("host", "type the port in its own field").into());
        };
        let name = self.user.trim();
        let name = name.strip_suffix(&format!("@{}", self.realm)).unwrap_or(name);
        Ok((host, format!("{name}@{}", self.realm)))
    }

    /// The host and port as far as they can be read.
    pub(super) fn address(&self) -> Option<HostPort> {
        if self.port.trim().is_empty() {
            return self.host.parse().ok();
        }
        Some(HostPort::new(self.host.parse::<Host>().ok()?, port(&self.port, API_PORT).ok()?))
    }

    /// The certificate that the person has confirmed.
    pub(super) fn confirmed(&self) -> Option<Fingerprint> {
        self.trust.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    fn form(host: &str, port: &str, user: &str) -> LoginForm {
        LoginForm {
            host: host.into(),
            port: port.into(),
            user: user.into(),
            password: "secret".into(),
            realm: "pam".into(),
            trust: String::new(),
        }
    }

    #[test]
    fn what_is_typed_becomes_a_host_and_a_userid() {
        for (typed, expected) in [
            (form("pve.lan", "", "root"), ("pve.lan:8006", "root@pam")),
            (form("pve.lan", "443", " root "), ("pve.lan:443", "root@pam")),
            (form("pve.lan:443", "", "root@pam"), ("pve.lan:443", "root@pam")),
            (form("fe80::1", "8006", "a@b.c"), ("[fe80::1]:8006", "a@b.c@pam")),
        ] {
            let (host, userid) = typed.checked().unwrap();
            assert_eq!((host.to_string().as_str(), userid.as_str()), expected);
        }
    }

    #[test]
    fn each_field_that_cannot_be_right_has_its_message() {
        let form = LoginForm { port: "0".into(), ..LoginForm::default() };
        let Err(Error::Invalid(errors)) = form.checked() else { panic!("accepted {form:?}") };
        let fields: Vec<&str> = errors.iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["host", "password", "port", "realm", "user"]);
        let Err(Error::Invalid(errors)) = self::form("pve.lan:443", "8006", "root").checked() else {
            panic!()
        };
        assert_eq!(errors.of("host").len(), 1);
    }

    #[test]
    fn the_password_does_not_show() {
        let form = LoginForm { password: "planted-secret".into(), ..LoginForm::default() };
        assert!(!format!("{form:?}").contains("planted"));
    }
}
