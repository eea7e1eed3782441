//! The second step of a login, where the account has a second factor.
//!
//! What Proxmox gave for the password stays here, sealed in Redis, until a code has made a ticket of it. It is taken for
//! each try and put back only after one that failed, so that it can neither be used twice nor tried for ever.

use std::net::IpAddr;

use berth_domain::user::User;
use berth_domain::{Fingerprint, HostPort, Secret};
use berth_proxmox::SecondFactor;
use berth_store::pending_logins::{self, PendingLoginId};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use super::attempt::Attempt;
use super::{CodeForm, Factor, LoginOutcome, Refusal, count, hosts};
use crate::{Context, Error, FieldErrors, Result};

/// How long somebody has for the second step. Proxmox would give them longer.
const LIFETIME: Duration = Duration::minutes(5);
/// Tries after which a login has to begin anew. Proxmox itself locks a factor after 8 wrong codes in a row.
const MOST_TRIES: u8 = 5;

/// What the second page asks, and whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecondStep {
    /// Who gave the right password.
    pub userid: String,
    /// The host that said so.
    pub host: HostPort,
    /// What can be asked for here; at least one.
    pub factors: Vec<Factor>,
    /// The account also has a security key, which works only on Proxmox's own page.
    pub security_key: bool,
}

/// What a code leads to. A wrong one is [`Error::Invalid`], too many of them are [`Error::Throttled`].
#[derive(Clone, Debug)]
pub enum SecondOutcome {
    /// The host vouches for this person.
    LoggedIn(User),
    /// There is no such login: it took too long, was finished, or had too many wrong codes. Begin anew.
    Ended,
    /// No login; its text is what the person may know. Begin anew.
    Refused(Refusal),
}

#[derive(Serialize, Deserialize)]
struct Pending {
    host: HostPort,
    userid: String,
    challenge: String,
    factors: Vec<Factor>,
    security_key: bool,
    /// The certificate that the password was sent to.
    pin: Option<Fingerprint>,
    tries: u8,
    began: OffsetDateTime,
}

impl Pending {
    fn left(&self, ctx: &Context) -> Option<Duration> {
        let left = self.began + LIFETIME - ctx.clock.now();
        (left.is_positive() && self.tries < MOST_TRIES).then_some(left)
    }

    /// Keeps it for as long as it has left, if at all.
    async fn keep(&self, ctx: &Context, id: PendingLoginId) -> Result<()> {
        let Some(left) = self.left(ctx) else { return Ok(()) };
        let text: SecretString = serde_json::to_string(self).expect("plain data").into();
        Ok(pending_logins::put(&ctx.redis, &ctx.keyring, id, &text, left).await?)
    }

    fn read(ctx: &Context, text: Option<Secret>) -> Option<Self> {
        let pending: Self = serde_json::from_str(text?.expose_secret()).ok()?;
        pending.left(ctx).is_some().then_some(pending)
    }
}

/// Keeps the half-ticket for the second step, if there is a factor that can be asked for.
pub(super) async fn begin(
    attempt: &Attempt<'_>,
    pin: Option<Fingerprint>,
    challenge: &Secret,
    kinds: &[SecondFactor],
) -> Result<LoginOutcome> {
    let ctx = attempt.ctx;
    let factors: Vec<Factor> =
        Factor::ALL.into_iter().filter(|factor| kinds.contains(&factor.proxmox())).collect();
    tracing::info!(host = %attempt.host, userid = attempt.userid, client = %attempt.client, ?kinds, "login needs a second factor");
    if factors.is_empty() {
        return Ok(LoginOutcome::OnlySecurityKey);
    }
    let pending = Pending {
        host: attempt.host.clone(),
        userid: attempt.userid.clone(),
        challenge: challenge.expose_secret().to_owned(),
        factors,
        security_key: [SecondFactor::WebAuthn, SecondFactor::U2f].iter().any(|kind| kinds.contains(kind)),
        pin,
        tries: 0,
        began: ctx.clock.now(),
    };
    let id = PendingLoginId::random();
    pending.keep(ctx, id).await?;
    Ok(LoginOutcome::NeedsSecondFactor(id))
}

/// What a login that waits for its second factor asks; none when it has ended.
pub async fn pending(ctx: &Context, id: PendingLoginId) -> Result<Option<SecondStep>> {
    let pending = Pending::read(ctx, pending_logins::find(&ctx.redis, &ctx.keyring, id).await?);
    Ok(pending.map(|pending| SecondStep {
        userid: pending.userid,
        host: pending.host,
        factors: pending.factors,
        security_key: pending.security_key,
    }))
}

/// Finishes a login with a code.
pub async fn second_step(
    ctx: &Context,
    client: IpAddr,
    id: PendingLoginId,
    form: &CodeForm,
) -> Result<SecondOutcome> {
    let Some(step) = pending(ctx, id).await? else { return Ok(SecondOutcome::Ended) };
    let (factor, code) = form.checked(&step.factors)?;
    count(ctx, client, &step.host, &step.userid).await?;
    let taken = pending_logins::take(&ctx.redis, &ctx.keyring, id).await?;
    let Some(mut pending) = Pending::read(ctx, taken) else { return Ok(SecondOutcome::Ended) };
    let attempt = Attempt { ctx, client, host: step.host, userid: step.userid };
    // It may have been removed, or another one claimed, since the password was given.
    let permission = hosts::permission(ctx, &attempt.host).await?;
    if permission == hosts::Permission::Refused {
        return Ok(SecondOutcome::Refused(attempt.refused("this host may no longer log people in")));
    }
    let challenge = std::mem::take(&mut pending.challenge).into();
    match attempt.answer(pending.pin, &challenge, &factor.proxmox(), &code).await {
        Ok(Ok(userid)) => Ok(match attempt.record(permission, pending.pin, &userid).await? {
            Ok(user) => SecondOutcome::LoggedIn(user),
            Err(refusal) => SecondOutcome::Refused(refusal),
        }),
        Ok(Err(refusal)) => Ok(SecondOutcome::Refused(refusal)),
        Err(error) => {
            pending.challenge = challenge.expose_secret().to_owned();
            pending.tries += 1;
            pending.keep(ctx, id).await?;
            let failed = failed(&attempt, factor, &error);
            if pending.left(ctx).is_some() { Err(failed) } else { Ok(SecondOutcome::Ended) }
        }
    }
}

/// What the person reads beside the field. They have proven to know the password, so that it may tell a silent host from a wrong code.
fn failed(attempt: &Attempt<'_>, factor: Factor, error: &berth_proxmox::Error) -> Error {
    attempt.refused(format_args!("second factor: {error}"));
    let message = match error {
        berth_proxmox::Error::Unauthorized { .. } => factor.not_accepted().to_owned(),
        _ => format!("{} does not answer as it should. Try again in a moment", attempt.host),
    };
    FieldErrors::one("code", message).into()
}
