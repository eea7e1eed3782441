//! Hosts that may vouch for a login, and what is known of their certificates.

use berth_domain::{Fingerprint, HostPort};
use sqlx::PgExecutor;
use time::OffsetDateTime;

use crate::error::{Error, Result, corrupt, decode};

/// Why a host may log people in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The first host through which somebody logged in.
    Claimed,
    /// An administrator added it.
    Added,
    /// The configuration allowed it, and a login succeeded there.
    Remembered,
}

impl Source {
    /// As stored and as the command line prints it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Added => "added",
            Self::Remembered => "remembered",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::Claimed, Self::Added, Self::Remembered].into_iter().find(|source| source.name() == name)
    }
}

/// What is known of a login host's certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// No login has succeeded there yet: public roots, or shown and confirmed.
    Unverified,
    /// The public roots vouched for it at the first login, and must do so ever after.
    PublicRoots,
    /// It showed this certificate, and must do so ever after.
    Pinned(Fingerprint),
}

impl From<Option<Fingerprint>> for Trust {
    /// What a successful login proves: the pinned certificate, or none where the public roots vouched for it.
    fn from(pin: Option<Fingerprint>) -> Self {
        pin.map_or(Self::PublicRoots, Self::Pinned)
    }
}

/// A host that may vouch for a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginHost {
    /// Its API's address.
    pub address: HostPort,
    /// Why it may.
    pub source: Source,
    /// What is known of its certificate.
    pub trust: Trust,
    /// When it was first stored.
    pub created_at: OffsetDateTime,
}

struct Row {
    host: String,
    port: i32,
    source: String,
    fingerprint: Option<String>,
    verified_at: Option<OffsetDateTime>,
    created_at: OffsetDateTime,
}

/// An address from its two columns.
pub(crate) fn address(host: &str, port: u16) -> Result<HostPort> {
    Ok(HostPort::new(host.parse().map_err(|_| corrupt("a host")())?, port))
}

impl TryFrom<Row> for LoginHost {
    type Error = Error;
    fn try_from(row: Row) -> Result<Self> {
        let pin = row.fingerprint.as_deref().map(str::parse).transpose();
        let pin: Option<Fingerprint> = pin.map_err(|_| corrupt("login_hosts.fingerprint")())?;
        Ok(Self {
            address: address(&row.host, decode(row.port, "login_hosts.port")?)?,
            source: Source::from_name(&row.source).ok_or_else(corrupt("login_hosts.source"))?,
            trust: if row.verified_at.is_some() { pin.into() } else { Trust::Unverified },
            created_at: row.created_at,
        })
    }
}

/// All of them, the oldest first.
pub async fn list(pg: impl PgExecutor<'_>) -> Result<Vec<LoginHost>> {
    sqlx::query_as!(
        Row,
        "select host, port, source, fingerprint, verified_at, created_at from login_hosts
         order by created_at, host, port"
    )
    .fetch_all(pg)
    .await?
    .into_iter()
    .map(LoginHost::try_from)
    .collect()
}

/// One of them.
pub async fn find(pg: impl PgExecutor<'_>, address: &HostPort) -> Result<Option<LoginHost>> {
    sqlx::query_as!(
        Row,
        "select host, port, source, fingerprint, verified_at, created_at from login_hosts
         where host = $1 and port = $2",
        address.host.as_str(),
        i32::from(address.port),
    )
    .fetch_optional(pg)
    .await?
    .map(LoginHost::try_from)
    .transpose()
}

/// The unique index that lets only one host hold the claim.
const ONE_CLAIM: &str = "login_hosts_one_claim";

/// After the first login ever: makes this the claimed host. True also when it was so already, and when a login there was
/// remembered with the same certificate; false when another host holds the claim, when this one has shown another
/// certificate, or when an administrator added it meanwhile.
pub async fn claim(
    pg: impl PgExecutor<'_>,
    address: &HostPort,
    pin: Option<Fingerprint>,
    now: OffsetDateTime,
) -> Result<bool> {
    let claimed = sqlx::query!(
        "insert into login_hosts as stored (host, port, source, fingerprint, verified_at, created_at)
         values ($1, $2, 'claimed', $3, $4, $4)
         on conflict (host, port) do update set
             source = 'claimed',
             created_at = case stored.source when 'claimed' then stored.created_at else excluded.created_at end
         where stored.source in ('claimed', 'remembered') and stored.verified_at is not null
             and stored.fingerprint is not distinct from excluded.fingerprint",
        address.host.as_str(),
        i32::from(address.port),
        pin.map(|pin| pin.to_string()),
        now,
    )
    .execute(pg)
    .await
    .map_err(Error::from);
    match claimed {
        Ok(done) => Ok(done.rows_affected() == 1),
        Err(error) if error.is_conflict(ONE_CLAIM) => Ok(false),
        Err(error) => Err(error),
    }
}

/// After a login through a host that the configuration or an administrator allows: stores what its
/// certificate was. False when something else is known of it by now: the login must then be refused.
pub async fn remember(
    pg: impl PgExecutor<'_>,
    address: &HostPort,
    pin: Option<Fingerprint>,
    now: OffsetDateTime,
) -> Result<bool> {
    let done = sqlx::query!(
        "insert into login_hosts as stored (host, port, source, fingerprint, verified_at, created_at)
         values ($1, $2, 'remembered', $3, $4, $4)
         on conflict (host, port) do update set
             fingerprint = excluded.fingerprint,
             verified_at = coalesce(stored.verified_at, excluded.verified_at)
         where stored.verified_at is null or stored.fingerprint is not distinct from excluded.fingerprint",
        address.host.as_str(),
        i32::from(address.port),
        pin.map(|pin| pin.to_string()),
        now,
    )
    .execute(pg)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Allows a host; a certificate that no login has shown yet is verified at the first one. False when it was allowed already.
pub async fn add(pg: impl PgExecutor<'_>, address: &HostPort, now: OffsetDateTime) -> Result<bool> {
    let done = sqlx::query!(
        "insert into login_hosts as stored (host, port, source, created_at) values ($1, $2, 'added', $3)
         on conflict (host, port) do update set source = 'added', created_at = excluded.created_at
         where stored.source = 'remembered'",
        address.host.as_str(),
        i32::from(address.port),
        now,
    )
    .execute(pg)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Forbids a host. False when it was not there.
pub async fn remove(pg: impl PgExecutor<'_>, address: &HostPort) -> Result<bool> {
    let done = sqlx::query!(
        "delete from login_hosts where host = $1 and port = $2",
        address.host.as_str(),
        i32::from(address.port)
    )
    .execute(pg)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Accepts a changed certificate: a new pin, or none to leave it to the public roots. False when the host is
/// unknown.
pub async fn set_fingerprint(
    pg: impl PgExecutor<'_>,
    address: &HostPort,
    pin: Option<Fingerprint>,
    now: OffsetDateTime,
) -> Result<bool> {
    let done = sqlx::query!(
        "update login_hosts set fingerprint = $3, verified_at = $4 where host = $1 and port = $2",
        address.host.as_str(),
        i32::from(address.port),
        pin.map(|pin| pin.to_string()),
        now,
    )
    .execute(pg)
    .await?;
    Ok(done.rows_affected() == 1)
}
