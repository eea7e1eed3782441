//! One person at one host: what the password is sent to, and what the host says to it.

use std::net::IpAddr;
use std::time::Duration;

use berth_domain::user::User;
use berth_domain::{Fingerprint, HostPort, Secret};
use berth_proxmox::{
    Auth, Client, Deadlines, LoginOutcome as Answer, SecondFactor, Ticket, Trust, probe_certificate,
};
use berth_store::login_hosts::{self, Trust as Known};

use super::hosts::Permission;
use super::{LoginOutcome, MOST_ANSWERED, Refusal, is_userid};
use crate::{Context, Result};

/// How long a host may take to show its certificate, and to answer a login. Proxmox itself waits 3 s on a wrong password.
const PROBE: Duration = Duration::from_secs(5);
const DEADLINES: Deadlines =
    Deadlines { connect: PROBE, read: Duration::from_secs(15), write: Duration::from_secs(15) };

pub(super) struct Attempt<'a> {
    pub(super) ctx: &'a Context,
    pub(super) client: IpAddr,
    pub(super) host: HostPort,
    pub(super) userid: String,
}

/// What the host answers to the right password.
pub(super) enum Asked {
    /// Who this is, as Proxmox writes it.
    Userid(String),
    /// A second factor must follow.
    Half { challenge: Secret, kinds: Vec<SecondFactor> },
}

impl Attempt<'_> {
    /// One answer for all causes; the cause goes to the log, which never has the password.
    pub(super) fn refused(&self, cause: impl std::fmt::Display) -> Refusal {
        tracing::warn!(host = %self.host, userid = self.userid, client = %self.client, %cause, "login refused");
        Refusal::Credentials
    }

    fn changed(&self, expected: Option<Fingerprint>, found: Fingerprint) -> Refusal {
        tracing::warn!(host = %self.host, userid = self.userid, client = %self.client, ?expected, %found, "login refused: another certificate");
        Refusal::CertificateChanged { host: self.host.clone(), expected, found }
    }

    /// The certificate that the password may be sent to; none where the public roots vouch for the host.
    pub(super) async fn settle_trust(
        &self,
        known: Option<Known>,
        confirmed: Option<Fingerprint>,
    ) -> Result<Option<Fingerprint>, LoginOutcome> {
        match known {
            Some(Known::Pinned(pin)) => return Ok(Some(pin)),
            Some(Known::PublicRoots) => return Ok(None),
            Some(Known::Unverified) | None => {}
        }
        let shown = probe_certificate(&self.host, PROBE).await.map_err(|error| self.refused(error))?;
        if shown.publicly_trusted {
            Ok(None)
        } else if confirmed == Some(shown.fingerprint) {
            Ok(confirmed)
        } else {
            Err(LoginOutcome::ConfirmCertificate(shown))
        }
    }

    fn client(&self, pin: Option<Fingerprint>) -> berth_proxmox::Result<Client> {
        let trust = pin.map_or(Trust::PublicRoots, Trust::Pinned);
        let client = Client::with_deadlines(self.host.clone(), trust, Auth::None, DEADLINES)?;
        Ok(client.max_response(MOST_ANSWERED))
    }

    /// `POST /access/ticket` with the password.
    pub(super) async fn ask(&self, pin: Option<Fingerprint>, password: &Secret) -> Result<Asked, Refusal> {
        let client = self.client(pin).map_err(|error| self.refused(error))?;
        match client.login(&self.userid, password).await {
            Ok(Answer::Ticket(ticket)) => self.named(ticket).map(Asked::Userid),
            Ok(Answer::NeedsSecondFactor { challenge, kinds }) => Ok(Asked::Half { challenge, kinds }),
            Err(error) => Err(self.certificate_or(error).unwrap_or_else(|error| self.refused(error))),
        }
    }

    /// `POST /access/ticket` with the half-ticket of the first step and a code; the userid as Proxmox writes it.
    pub(super) async fn answer(
        &self,
        pin: Option<Fingerprint>,
        challenge: &Secret,
        factor: &SecondFactor,
        code: &Secret,
    ) -> berth_proxmox::Result<Result<String, Refusal>> {
        let client = self.client(pin)?;
        match client.login_second_factor(&self.userid, challenge, factor, code).await {
            Ok(ticket) => Ok(self.named(ticket)),
            Err(error) => self.certificate_or(error).map(Err),
        }
    }

    /// Only a name that can be one becomes an account.
    fn named(&self, ticket: Ticket) -> Result<String, Refusal> {
        if is_userid(&ticket.userid) {
            return Ok(ticket.userid);
        }
        Err(self.refused("the host names the user in a way that Proxmox does not"))
    }

    fn certificate_or(&self, error: berth_proxmox::Error) -> Result<Refusal, berth_proxmox::Error> {
        match error {
            berth_proxmox::Error::CertificateChanged { expected, found, .. } => {
                Ok(self.changed(Some(expected), found))
            }
            berth_proxmox::Error::CertificateUntrusted { found, .. } => Ok(self.changed(None, found)),
            other => Err(other),
        }
    }

    /// Stores who this is, and the certificate the password went to. Whoever loses a race for the claim is refused.
    pub(super) async fn record(
        &self,
        permission: Permission,
        pin: Option<Fingerprint>,
        userid: &str,
    ) -> Result<Result<User, Refusal>> {
        let (pg, now) = (&self.ctx.pg, self.ctx.clock.now());
        let accepted = match permission {
            Permission::Claims => login_hosts::claim(pg, &self.host, pin, now).await?,
            Permission::Allowed => login_hosts::remember(pg, &self.host, pin, now).await?,
            Permission::Refused => false,
        };
        if !accepted {
            return Ok(Err(self.refused(
                "another host was claimed, this one was removed, or another certificate was stored, in the meantime",
            )));
        }
        let user = berth_store::users::upsert_login(pg, &self.host, userid, now).await?;
        tracing::info!(user = %user.id, host = %self.host, userid, client = %self.client, "logged in");
        Ok(Ok(user))
    }
}
