//! The login form.

use berth_domain::{Fingerprint, Host, HostPort, Secret, host::InvalidHost};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use validator::{Validate, ValidationError};

use crate::Result;
use crate::forms::{API_PORT, api_port, field_errors, port, problem};

/// The login form as typed.
#[derive(Clone, Debug, Default, Deserialize, Validate)]
#[serde(default)]
pub struct LoginForm {
    /// The Proxmox host: a name, an address, `host:port`, or the address of Proxmox's own page.
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

/// What stands for the host in what people paste: Proxmox's own page is `https://pve.lan:8006/#v1:0:…`.
fn pasted(text: &str) -> &str {
    let text = text.trim();
    match text.split_at_checked("https://".len()) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https://") => {
            rest.split(['/', '?', '#']).next().unwrap_or_default()
        }
        _ => text,
    }
}

fn user_name(text: &str) -> Result<(), ValidationError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(problem("Type your user name on Proxmox, for example root"));
    }
    let odd =
        |character: char| character.is_whitespace() || character.is_control() || ":/".contains(character);
    if text.chars().count() > 60 || text.contains(odd) {
        return Err(problem("A user name has at most 60 characters and no spaces, colons or slashes"));
    }
    Ok(())
}

fn password(secret: &Secret) -> Result<(), &'static str> {
    match secret.expose_secret().len() {
        0 => Err("Type your password"),
        1..=4096 => Ok(()),
        _ => Err("This is too long for a password"),
    }
}

fn realm(text: &str) -> Result<(), ValidationError> {
    let is_name = text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.len() <= 32
        && text.chars().all(|character| character.is_ascii_alphanumeric() || "-_.".contains(character));
    if is_name { Ok(()) } else { Err(problem("Choose a realm, for example pam")) }
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
        let host = match self.address() {
            Ok(host) => errors.into_result(host)?,
            Err(message) => {
                errors.add("host", message);
                return Err(errors.into());
            }
        };
        let name = self.user.trim();
        let name = name.strip_suffix(&format!("@{}", self.realm)).unwrap_or(name);
        Ok((host, format!("{name}@{}", self.realm)))
    }

    /// The host and port; or what is wrong with the host. A port that stands with the host counts, unless another one was typed.
    pub fn address(&self) -> Result<HostPort, String> {
        let text = pasted(&self.host);
        // What is wrong with the port's own field is said there.
        let typed = port(&self.port, API_PORT).unwrap_or(API_PORT);
        match text.parse::<Host>() {
            Ok(host) => Ok(HostPort::new(host, typed)),
            Err(InvalidHost::WithPort) => {
                let both: HostPort =
                    text.parse().map_err(|_| "A port is a whole number from 1 to 65535".to_owned())?;
                if [API_PORT, both.port].contains(&typed) {
                    Ok(both)
                } else {
                    Err(InvalidHost::WithPort.to_string())
                }
            }
            Err(other) => Err(other.to_string()),
        }
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
            (form("  PVE.lan. ", " 443 ", "root"), ("pve.lan:443", "root@pam")),
            (form("pve.lan:443", "", "root@pam"), ("pve.lan:443", "root@pam")),
            (form("pve.lan:443", "8006", "root"), ("pve.lan:443", "root@pam")),
            (form("pve.lan:443", "443", "root"), ("pve.lan:443", "root@pam")),
            (form("fe80::1", "8006", "a@b.c"), ("[fe80::1]:8006", "a@b.c@pam")),
            (form("[fe80::1]", "", "ü"), ("[fe80::1]:8006", "ü@pam")),
            (form("[fe80::1]:443", "", "root"), ("[fe80::1]:443", "root@pam")),
            (form("https://pve.lan:8006/#v1:0:18:4:::", "8006", "root"), ("pve.lan:8006", "root@pam")),
            (form("HTTPS://pve.lan", "", "root"), ("pve.lan:8006", "root@pam")),
            (form(" https://[2001:db8::1]:443/?x=1", "8006", "root"), ("[2001:db8::1]:443", "root@pam")),
        ] {
            let (host, userid) = typed.checked().unwrap_or_else(|error| panic!("{typed:?}: {error}"));
            assert_eq!((host.to_string().as_str(), userid.as_str()), expected);
        }
    }

    /// The fields that have a message.
    fn wrong(form: &LoginForm) -> Vec<String> {
        match form.checked() {
            Ok(_) => Vec::new(),
            Err(Error::Invalid(errors)) => {
                for (field, messages) in errors.iter() {
                    let capital = messages[0].starts_with(char::is_uppercase);
                    assert!(messages.len() == 1 && capital, "{field}: {messages:?}");
                }
                errors.iter().map(|(field, _)| field.to_owned()).collect()
            }
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn each_field_that_cannot_be_right_has_its_message() {
        let all = LoginForm { port: "0".into(), ..LoginForm::default() };
        assert_eq!(wrong(&all), ["host", "password", "port", "realm", "user"]);
        let long = "x".repeat(300);
        for host in [
            "",
            " \t",
            &long,
            "päve.lan",
            "pve lan",
            "-pve",
            "192.168.1.300",
            "[10.0.0.1]",
            "fe80::zz",
            "http://pve.lan:8006/",
            "https://",
            "https:///",
            "https://root@pve.lan/",
            "ssh://pve.lan",
            "pve.lan/",
            "pve.lan:0",
            "pve.lan:70000",
            "pve.lan\0",
        ] {
            assert_eq!(wrong(&form(host, "8006", "root")), ["host"], "{host:?}");
        }
        assert_eq!(wrong(&form("pve.lan:443", "8443", "root")), ["host"], "two ports");
        for port in ["0", "70000", "-1", "8006x", "ä", "80 06"] {
            assert_eq!(wrong(&form("pve.lan", port, "root")), ["port"], "{port:?}");
        }
        for user in ["", "  ", "a b", "a:b", "a/b", "a\0", &long] {
            assert_eq!(wrong(&form("pve.lan", "8006", user)), ["user"], "{user:?}");
        }
        for realm in ["", "p am", "1pam", "pam\n", "ünreal", &long] {
            let typed = LoginForm { realm: realm.into(), ..form("pve.lan", "8006", "root") };
            assert_eq!(wrong(&typed), ["realm"], "{realm:?}");
        }
        for password in ["", &"x".repeat(5000)] {
            let typed = LoginForm { password: password.into(), ..form("pve.lan", "8006", "root") };
            assert_eq!(wrong(&typed), ["password"], "{} bytes", password.len());
        }
        for password in [" ", "ü  ", &long] {
            let typed = LoginForm { password: password.into(), ..form("pve.lan", "8006", "root") };
            assert!(wrong(&typed).is_empty(), "a password may be anything");
        }
    }

    #[test]
    fn the_password_does_not_show() {
        let form = LoginForm { password: "planted-secret".into(), ..LoginForm::default() };
        assert!(!format!("{form:?}").contains("planted"));
    }
}
