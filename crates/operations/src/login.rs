//! Logging in with Proxmox credentials.
//!
//! The host vouches for the person: so a host's certificate is settled before any password is sent to it, and only
//! hosts that the administrator allows, or the first one that somebody logs in through, may vouch at all.

mod form;
mod hosts;

use std::net::IpAddr;
use std::time::Duration;

use berth_domain::user::User;
use berth_domain::{Fingerprint, HostPort};
use berth_proxmox::{Auth, Client, Deadlines, LoginOutcome as Answer, Trust, probe_certificate};
pub use berth_proxmox::{CertificateInfo, Realm};
use berth_store::login_hosts::{self, Trust as Known};
use berth_store::throttle::{self, Verdict};

pub use form::LoginForm;
use hosts::Permission;
pub use hosts::{LoginOptions, fallback_realms, login_options, realms};

use crate::{Context, Error, Result};

/// How long a host may take to show its certificate, and to answer a login. Proxmox itself waits 3 s on a wrong password.
const PROBE: Duration = Duration::from_secs(5);
/// Largest answer to somebody who is not logged in, in bytes; Proxmox's have a few hundred.
pub(crate) const MOST_ANSWERED: usize = 1 << 20;
const DEADLINES: Deadlines =
    Deadlines { connect: PROBE, read: Duration::from_secs(15), write: Duration::from_secs(15) };

/// What a login leads to. Too many of them are [`Error::Throttled`], fields that cannot be right [`Error::Invalid`].
#[derive(Clone, Debug)]
pub enum LoginOutcome {
    /// The host vouches for this person.
    LoggedIn(User),
    /// The host is unknown and not publicly trusted; no password was sent. Show this, and submit the form again with
    /// [`LoginForm::trust`] set to its fingerprint.
    ConfirmCertificate(CertificateInfo),
    /// The password is right and the account has a second factor. This is not a login.
    SecondFactorNotSupportedYet,
    /// No login; its text is what the person may know.
    Refused(Refusal),
}

/// Why nobody was logged in, as far as the person may know. The log has the cause.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Wrong user, realm or password, or a host that does not answer or may not log people in: one text for all.
    #[error(
        "that did not work: check the host, user name, password and realm. The server's log has the cause"
    )]
    Credentials,
    /// The host shows another certificate than at earlier logins. No password was sent.
    #[error(
        "{host} shows another certificate than before: expected {}, found {found}. If you replaced it, run on Berth's \
         machine: berth login-host accept-certificate {host} {found}",
        expected.map_or_else(|| "a publicly trusted one".into(), |expected| expected.to_string())
    )]
    CertificateChanged {
        /// The host.
        host: HostPort,
        /// The remembered fingerprint; none where the public roots vouched for the host.
        expected: Option<Fingerprint>,
        /// The fingerprint that it shows now.
        found: Fingerprint,
    },
}

impl Refusal {
    /// The command that accepts a changed certificate.
    pub fn remedy(&self) -> Option<String> {
        match self {
            Self::Credentials => None,
            Self::CertificateChanged { host, found, .. } => {
                Some(format!("berth login-host accept-certificate {host} {found}"))
            }
        }
    }
}

/// Logs somebody in. The ticket proves who they are and is thrown away.
pub async fn login(ctx: &Context, client: IpAddr, form: &LoginForm) -> Result<LoginOutcome> {
    let (host, userid) = form.checked()?;
    // Some realms take a name in any case: it is still one account.
    count(ctx, client, &format!("{host}/{}", userid.to_lowercase())).await?;
    let attempt = Attempt { ctx, client, host, userid };
    let permission = hosts::permission(ctx, &attempt.host).await?;
    if permission == Permission::Refused {
        return Ok(
            attempt.refused("this host may not log people in: see BERTH_LOGIN_HOSTS and berth login-host")
        );
    }
    let known = login_hosts::find(&ctx.pg, &attempt.host).await?.map_or(Known::Unverified, |host| host.trust);
    let trust = match attempt.settle_trust(known, form.confirmed()).await {
        Ok(trust) => trust,
        Err(outcome) => return Ok(outcome),
    };
    let userid = match attempt.ask(trust, form).await {
        Ok(userid) => userid,
        Err(outcome) => return Ok(outcome),
    };
    attempt.record(permission, known, trust, &userid).await
}

async fn count(ctx: &Context, client: IpAddr, account: &str) -> Result<()> {
    let settings = &ctx.settings;
    let address = hosts::network(client).to_string();
    for (what, who) in [("login-address", address.as_str()), ("login-account", account)] {
        let (limit, window) = (settings.login_attempts, settings.login_window);
        if let Verdict::RetryAfter(retry_after) = throttle::hit(&ctx.redis, what, who, limit, window).await? {
            tracing::warn!(%client, what, "too many logins");
            return Err(Error::Throttled { retry_after });
        }
    }
    Ok(())
}

/// Whether a host's name for a user can be one: `pve-userid`, a name and a realm, neither with spaces, colons or slashes.
fn is_userid(text: &str) -> bool {
    let odd =
        |character: char| character.is_whitespace() || character.is_control() || ":/".contains(character);
    let parts = text.rsplit_once('@');
    text.len() <= 128
        && parts.is_some_and(|(name, realm)| !name.is_empty() && !realm.is_empty())
        && !text.contains(odd)
}

struct Attempt<'a> {
    ctx: &'a Context,
    client: IpAddr,
    host: HostPort,
    userid: String,
}

impl Attempt<'_> {
    /// One answer for all causes; the cause goes to the log, which never has the password.
    fn refused(&self, cause: impl std::fmt::Display) -> LoginOutcome {
        tracing::warn!(host = %self.host, userid = self.userid, client = %self.client, %cause, "login refused");
        LoginOutcome::Refused(Refusal::Credentials)
    }

    fn changed(&self, expected: Option<Fingerprint>, found: Fingerprint) -> LoginOutcome {
        tracing::warn!(host = %self.host, userid = self.userid, client = %self.client, ?expected, %found, "login refused: another certificate");
        LoginOutcome::Refused(Refusal::CertificateChanged { host: self.host.clone(), expected, found })
    }

    /// What the password may be sent to.
    async fn settle_trust(
        &self,
        known: Known,
        confirmed: Option<Fingerprint>,
    ) -> Result<Trust, LoginOutcome> {
        match known {
            Known::Pinned(pin) => return Ok(Trust::Pinned(pin)),
            Known::PublicRoots => return Ok(Trust::PublicRoots),
            Known::Unverified => {}
        }
        let shown = probe_certificate(&self.host, PROBE).await.map_err(|error| self.refused(error))?;
        if shown.publicly_trusted {
            Ok(Trust::PublicRoots)
        } else if confirmed == Some(shown.fingerprint) {
            Ok(Trust::Pinned(shown.fingerprint))
        } else {
            Err(LoginOutcome::ConfirmCertificate(shown))
        }
    }

    /// `POST /access/ticket`; answers the userid as Proxmox writes it.
    async fn ask(&self, trust: Trust, form: &LoginForm) -> Result<String, LoginOutcome> {
        let client = Client::with_deadlines(self.host.clone(), trust, Auth::None, DEADLINES);
        let client = client.map_err(|error| self.refused(error))?.max_response(MOST_ANSWERED);
        match client.login(&self.userid, &form.password).await {
            Ok(Answer::Ticket(ticket)) if is_userid(&ticket.userid) => Ok(ticket.userid),
            Ok(Answer::Ticket(_)) => {
                Err(self.refused("the host names the user in a way that Proxmox does not"))
            }
            Ok(Answer::NeedsSecondFactor { .. }) => {
                tracing::info!(host = %self.host, userid = self.userid, "login needs a second factor");
                Err(LoginOutcome::SecondFactorNotSupportedYet)
            }
            Err(berth_proxmox::Error::CertificateChanged { expected, found, .. }) => {
                Err(self.changed(Some(expected), found))
            }
            Err(berth_proxmox::Error::CertificateUntrusted { found, .. }) => Err(self.changed(None, found)),
            Err(error) => Err(self.refused(error)),
        }
    }

    /// Stores who this is, and the certificate the password went to. Whoever loses a race for the claim is refused.
    async fn record(
        &self,
        permission: Permission,
        known: Known,
        trust: Trust,
        userid: &str,
    ) -> Result<LoginOutcome> {
        let (pg, now) = (&self.ctx.pg, self.ctx.clock.now());
        let pin = match trust {
            Trust::Pinned(pin) => Some(pin),
            Trust::PublicRoots => None,
        };
        let accepted = match (permission, known) {
            (Permission::Claims, Known::Unverified) => login_hosts::claim(pg, &self.host, pin, now).await?,
            // Remembered when other hosts were allowed too; the password has just gone to the same certificate.
            (Permission::Claims, _) => {
                login_hosts::remove(pg, &self.host).await?;
                login_hosts::claim(pg, &self.host, pin, now).await?
            }
            (_, Known::Unverified) => login_hosts::remember(pg, &self.host, pin, now).await?,
            _ => true,
        };
        if !accepted {
            return Ok(
                self.refused("another host was claimed, or another certificate stored, in the meantime")
            );
        }
        let user = berth_store::users::upsert_login(pg, &self.host, userid, now).await?;
        tracing::info!(user = %user.id, host = %self.host, userid, client = %self.client, "logged in");
        Ok(LoginOutcome::LoggedIn(user))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_userid_becomes_an_account() {
        for text in ["root@pam", "a.b@example.org@ldap", "ü@pve"] {
            assert!(is_userid(text), "{text}");
        }
        for text in ["", "root", "@pam", "root@", "a b@pve", "a\0@pve", "a/b@pve", &"x".repeat(200)] {
            assert!(!is_userid(text), "{text:?}");
        }
    }
}
