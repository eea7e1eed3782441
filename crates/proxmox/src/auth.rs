//! Credentials for the API, and the login of a person (`/access/ticket`, `/access/domains`).

use reqwest::header::{AUTHORIZATION, COOKIE, HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use berth_domain::TokenId;

use crate::client::{Client, parameter};
use crate::{Error, Result, loose};

/// How a client proves who it is.
#[derive(Clone, Debug)]
pub enum Auth {
    /// Not at all: enough for [`Client::realms`] and [`Client::login`].
    None,
    /// By an API token.
    Token {
        /// The token's full name.
        id: TokenId,
        /// The token's secret, a UUID.
        secret: SecretString,
    },
    /// By the ticket of a login.
    Ticket(Ticket),
}

impl Auth {
    /// The headers that carry the credentials. A value that no header can hold is left out, and Proxmox answers 401.
    pub(crate) fn headers(&self, is_write: bool) -> Vec<(HeaderName, HeaderValue)> {
        let mut headers = Vec::new();
        match self {
            Self::None => {}
            Self::Token { id, secret } => {
                headers.push((AUTHORIZATION, format!("PVEAPIToken={id}={}", secret.expose_secret())));
            }
            Self::Ticket(ticket) => {
                let encoded: String =
                    url::form_urlencoded::byte_serialize(ticket.ticket.expose_secret().as_bytes()).collect();
                headers.push((COOKIE, format!("PVEAuthCookie={encoded}")));
                if is_write {
                    let name = HeaderName::from_static("csrfpreventiontoken");
                    headers.push((name, ticket.csrf_token.expose_secret().to_owned()));
                }
            }
        }
        headers.into_iter().filter_map(|(name, text)| sensitive(&text).map(|value| (name, value))).collect()
    }
}

fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The proof of a login, valid for two hours.
#[derive(Clone, Debug)]
pub struct Ticket {
    /// The user, `user@realm`, as Proxmox knows it.
    pub userid: String,
    /// The ticket itself.
    pub ticket: SecretString,
    /// What every write must carry beside the ticket.
    pub csrf_token: SecretString,
}

/// A second factor that an account can be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecondFactor {
    /// A six-digit code from an authenticator app.
    Totp,
    /// One of the account's recovery keys.
    Recovery,
    /// A security key. It is bound to Proxmox's own address and cannot be used from elsewhere.
    WebAuthn,
    /// An old U2F key, bound likewise.
    U2f,
    /// A Yubico one-time password.
    Yubico,
}

/// What a login with the right password leads to.
#[derive(Clone, Debug)]
pub enum LoginOutcome {
    /// The user is who they say.
    Ticket(Ticket),
    /// The password is right; a second factor must follow. This is not a login.
    NeedsSecondFactor {
        /// What [`Client::login_second_factor`] wants back. It opens nothing by itself.
        challenge: SecretString,
        /// The factors this account has.
        kinds: Vec<SecondFactor>,
    },
}

/// A realm in which users are looked up, from `GET /access/domains`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Realm {
    /// Its name, such as `pam`.
    pub realm: String,
    /// Its kind: `pam`, `pve`, `ldap`, `ad`, `openid`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What people call it.
    #[serde(default, deserialize_with = "loose::opt")]
    pub comment: Option<String>,
    /// Whether it is preselected.
    #[serde(default, deserialize_with = "loose::flag")]
    pub default: bool,
    /// The second factor the whole realm demands, if any.
    #[serde(default, deserialize_with = "loose::opt")]
    pub tfa: Option<String>,
}

#[derive(Deserialize)]
struct TicketAnswer {
    username: String,
    #[serde(default)]
    ticket: Option<SecretString>,
    #[serde(default, rename = "CSRFPreventionToken")]
    csrf_token: Option<SecretString>,
    #[serde(default, rename = "NeedTFA", deserialize_with = "loose::flag")]
    needs_second_factor: bool,
}

impl Client {
    /// The realms a user can log in to: `GET /access/domains`, which needs no login.
    pub async fn realms(&self) -> Result<Vec<Realm>> {
        self.get(&["access", "domains"], Vec::new()).await
    }

    /// Logs in with a password: `POST /access/ticket`. `userid` is `user@realm`.
    ///
    /// A wrong user, realm or password are all [`Error::Unauthorized`]. A login changes nothing on the host.
    pub async fn login(&self, userid: &str, password: &SecretString) -> Result<LoginOutcome> {
        let answer = self.ticket(userid, password.clone(), None).await?;
        if !answer.needs_second_factor {
            return self.granted(answer).map(LoginOutcome::Ticket);
        }
        let challenge = answer.ticket.ok_or_else(|| self.no_ticket())?;
        let kinds = second_factors(challenge.expose_secret());
        Ok(LoginOutcome::NeedsSecondFactor { challenge, kinds })
    }

    /// Finishes a login with a second factor: `POST /access/ticket` with `tfa-challenge`.
    ///
    /// Only [`SecondFactor::Totp`], [`SecondFactor::Recovery`] and [`SecondFactor::Yubico`] can be relayed;
    /// the others are [`Error::Invalid`]. A wrong code is [`Error::Unauthorized`].
    pub async fn login_second_factor(
        &self,
        userid: &str,
        challenge: &SecretString,
        kind: &SecondFactor,
        code: &SecretString,
    ) -> Result<Ticket> {
        let prefix = match kind {
            SecondFactor::Totp => "totp",
            SecondFactor::Recovery => "recovery",
            SecondFactor::Yubico => "yubico",
            SecondFactor::WebAuthn | SecondFactor::U2f => {
                return Err(Error::Invalid(
                    "a security key works only on Proxmox's own page: use a code or a recovery key".into(),
                ));
            }
        };
        let response = format!("{prefix}:{}", code.expose_secret().trim()).into();
        let answer = self.ticket(userid, response, Some(challenge.clone())).await?;
        if answer.needs_second_factor {
            return Err(self.no_ticket());
        }
        self.granted(answer)
    }

    async fn ticket(
        &self,
        userid: &str,
        password: SecretString,
        challenge: Option<SecretString>,
    ) -> Result<TicketAnswer> {
        let mut form = vec![parameter("username", userid), ("password".to_owned(), password)];
        form.extend(challenge.map(|challenge| ("tfa-challenge".to_owned(), challenge)));
        self.authenticated(Auth::None).post_harmless(&["access", "ticket"], form).await
    }

    fn granted(&self, answer: TicketAnswer) -> Result<Ticket> {
        match (answer.ticket, answer.csrf_token) {
            (Some(ticket), Some(csrf_token)) => Ok(Ticket { userid: answer.username, ticket, csrf_token }),
            _ => Err(self.no_ticket()),
        }
    }

    fn no_ticket(&self) -> Error {
        Error::NotProxmox { host: self.shared_host(), cause: "it accepts a login and gives no ticket".into() }
    }
}

/// Reads the factors out of a half-ticket such as `PVE:!tfa!{"totp"%3Atrue}:6B00E49B::…`.
fn second_factors(challenge: &str) -> Vec<SecondFactor> {
    let field =
        challenge.split_once("!tfa!").map_or("", |(_, rest)| rest.split(':').next().unwrap_or_default());
    let decoded = percent_encoding::percent_decode_str(field).decode_utf8_lossy();
    let Ok(factors) = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&decoded) else {
        return Vec::new();
    };
    // Factors the account lacks are absent, null or false; recovery is "unavailable" or "low" when few keys are left.
    let has = |name: &str| {
        factors.get(name).is_some_and(|value| !value.is_null() && value != false && value != "unavailable")
    };
    let known = [
        ("totp", SecondFactor::Totp),
        ("recovery", SecondFactor::Recovery),
        ("yubico", SecondFactor::Yubico),
        ("webauthn", SecondFactor::WebAuthn),
        ("u2f", SecondFactor::U2f),
    ];
    known.into_iter().filter(|(name, _)| has(name)).map(|(_, factor)| factor).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_are_read_from_the_half_ticket() {
        assert_eq!(second_factors("PVE:!tfa!{\"totp\"%3Atrue}:6B00E49B::FAKE"), [SecondFactor::Totp]);
        let several = "PVE:!tfa!{\"totp\"%3Atrue,\"recovery\"%3A\"low\",\"webauthn\"%3A{\"publicKey\"%3A1},\"u2f\"%3Anull}:6B00E49B::FAKE";
        assert_eq!(
            second_factors(several),
            [SecondFactor::Totp, SecondFactor::Recovery, SecondFactor::WebAuthn]
        );
        assert_eq!(second_factors("PVE:alice@pve:6B00E4A4::FAKE"), []);
    }

    #[test]
    fn headers_do_not_show_their_secret() {
        let auth = Auth::Token { id: "root@pam!dash".parse().unwrap(), secret: "planted-secret".into() };
        let headers = auth.headers(true);
        assert_eq!(headers[0].1.to_str().unwrap(), "PVEAPIToken=root@pam!dash=planted-secret");
        assert!(!format!("{headers:?}{auth:?}").contains("planted"));
    }
}
