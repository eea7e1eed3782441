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

/// After the first login ever: makes this the claimed host. True also when it was so already; false when
/// another host holds the claim, or when this one is stored for another reason.
pub async fn claim(
    pg: &sqlx::PgPool,
    address: &HostPort,
    pin: Option<Fingerprint>,
    now: OffsetDateTime,
) -> Result<bool> {
    insert(pg, address, Source::Claimed, pin.into(), now).await?;
    Ok(find(pg, address)
        .await?
        .is_some_and(|host| host.source == Source::Claimed && host.trust == pin.into()))
}

/// After a login through a host that the configuration or an administrator allows: stores what its
/// certificate was. False when something else is known of it by now: the login must then be refused.
pub async fn remember(
    pg: &sqlx::PgPool,
    address: &HostPort,
    pin: Option<Fingerprint>,
    now: OffsetDateTime,
) -> Result<bool> {
    insert(pg, address, Source::Remembered, pin.into(), now).await?;
    sqlx::query!(
        "update login_hosts set fingerprint = $3, verified_at = $4
         where host = $1 and port = $2 and verified_at is null",
        address.host.as_str(),
        i32::from(address.port),
        pin.map(|pin| pin.to_string()),
        now,
    )
    .execute(pg)
    .await?;
    Ok(find(pg, address).await?.is_some_and(|host| host.trust == pin.into()))
}

/// Allows a host; its certificate is verified at the first login. False when it is there already.
pub async fn add(pg: impl PgExecutor<'_>, address: &HostPort, now: OffsetDateTime) -> Result<bool> {
    insert(pg, address, Source::Added, Trust::Unverified, now).await
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

async fn insert(
    pg: impl PgExecutor<'_>,
    address: &HostPort,
    source: Source,
    trust: Trust,
    now: OffsetDateTime,
) -> Result<bool> {
    let pin = if let Trust::Pinned(pin) = trust { Some(pin) } else { None };
    // Without a conflict target it also yields to another host's claim.
    let done = sqlx::query!(
        "insert into login_hosts (host, port, source, fingerprint, verified_at, created_at)
         values ($1, $2, $3, $4, $5, $6) on conflict do nothing",
        address.host.as_str(),
        i32::from(address.port),
        source.name(),
        pin.map(|pin| pin.to_string()),
        (trust != Trust::Unverified).then_some(now),
        now,
    )
    .execute(pg)
    .await?;
    Ok(done.rows_affected() == 1)
}
