//! The code of a second factor.

use berth_domain::Secret;
use berth_proxmox::SecondFactor;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};

use crate::{FieldErrors, Result};

/// A second factor that can be asked for here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Factor {
    /// A code from an authenticator app.
    Totp,
    /// One of the account's recovery keys.
    Recovery,
    /// A one-time password from Yubico.
    Yubico,
}

impl Factor {
    /// All of them, the one people use most first.
    pub const ALL: [Self; 3] = [Self::Totp, Self::Yubico, Self::Recovery];

    /// As it stands in forms and addresses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::Recovery => "recovery",
            Self::Yubico => "yubico",
        }
    }

    /// The factor of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|factor| factor.name() == name)
    }

    pub(super) const fn proxmox(self) -> SecondFactor {
        match self {
            Self::Totp => SecondFactor::Totp,
            Self::Recovery => SecondFactor::Recovery,
            Self::Yubico => SecondFactor::Yubico,
        }
    }

    /// What a person reads whose code the host did not take.
    pub(super) const fn not_accepted(self) -> &'static str {
        match self {
            Self::Totp => {
                "This code was not accepted. Wait for the next one, and check that your phone's clock is right"
            }
            Self::Recovery => "This recovery key was not accepted. Each of them works only once",
            Self::Yubico => "This one-time password was not accepted. Touch your YubiKey again",
        }
    }

    /// The code as Proxmox takes it: people type it in groups and in capitals.
    fn read(self, typed: &str) -> Result<String, &'static str> {
        let code: String = typed.split_whitespace().collect::<String>().to_lowercase();
        let all = |fits: fn(&u8) -> bool| code.bytes().all(|byte| fits(&byte));
        let (length, fits, message) = match self {
            Self::Totp => (
                6..=8,
                all(u8::is_ascii_digit),
                "Type the digits that your authenticator app shows, for example 123456",
            ),
            Self::Recovery => (
                8..=64,
                all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-'),
                "Type one of your recovery keys, for example 0123-4567-89ab-cdef",
            ),
            Self::Yubico => (
                32..=64,
                all(u8::is_ascii_alphabetic),
                "Put the cursor into the field and touch your YubiKey",
            ),
        };
        if length.contains(&code.len()) && fits { Ok(code) } else { Err(message) }
    }
}

/// The second page's form as typed.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct CodeForm {
    /// [`Factor::name`].
    pub factor: String,
    /// The code; never sent back.
    pub code: Secret,
}

impl CodeForm {
    /// The factor, one of those `offered`, and its code; or what is wrong with them.
    pub(super) fn checked(&self, offered: &[Factor]) -> Result<(Factor, Secret)> {
        let factor = Factor::named(&self.factor).filter(|factor| offered.contains(factor));
        let Some(factor) = factor else {
            return Err(FieldErrors::one(
                "code",
                "This account does not have that second factor: choose another",
            )
            .into());
        };
        let code =
            factor.read(self.code.expose_secret()).map_err(|message| FieldErrors::one("code", message))?;
        Ok((factor, code.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(factor: &str, code: &str) -> Option<String> {
        let form = CodeForm { factor: factor.into(), code: code.into() };
        form.checked(&Factor::ALL).ok().map(|(_, code)| code.expose_secret().to_owned())
    }

    #[test]
    fn codes_are_read_as_people_type_them() {
        let yubico = "cccccccccccbcvdefghijklnrtuvcbdefghijklnrtuv";
        for (factor, typed, code) in [
            ("totp", "123456", "123456"),
            ("totp", " 123 456\r\n", "123456"),
            ("recovery", "0123-4567-89AB-CDEF ", "0123-4567-89ab-cdef"),
            ("yubico", yubico, yubico),
        ] {
            assert_eq!(read(factor, typed).as_deref(), Some(code), "{factor} {typed:?}");
        }
    }

    #[test]
    fn what_cannot_be_a_code_is_never_sent() {
        let long = "1".repeat(5000);
        for (factor, typed) in [
            ("totp", ""),
            ("totp", "12345"),
            ("totp", "١٢٣٤٥٦"),
            ("totp", "12345a"),
            ("totp", &long),
            ("recovery", "   "),
            ("recovery", "0123:4567-89ab"),
            ("recovery", "übung-übung"),
            ("yubico", "123456"),
            ("webauthn", "123456"),
            ("", "123456"),
        ] {
            assert_eq!(read(factor, typed), None, "{factor} {typed:?}");
        }
        let form = CodeForm { factor: "recovery".into(), code: "0123-4567-89ab-cdef".into() };
        assert!(form.checked(&[Factor::Totp]).is_err(), "the account has none");
        assert!(!format!("{form:?}").contains("4567"));
    }
}
