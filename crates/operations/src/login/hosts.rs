//! Which hosts may log people in, and their realms.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use berth_domain::HostPort;
use berth_proxmox::{Auth, Client, Realm, Trust, probe_certificate};
use berth_store::login_hosts::{self, Source, Trust as Known};
use berth_store::throttle::{self, Verdict};

use crate::context::LoginHosts;
use crate::{Context, Result};

/// How long the login page waits for a realm list.
const REALMS: Duration = Duration::from_secs(3);

/// What the login page offers as hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginOptions {
    /// Any host may be typed.
    Free,
    /// One of these is chosen; there is at least one.
    Choice(Vec<HostPort>),
}

/// Whether a host may log people in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Permission {
    /// It may.
    Allowed,
    /// It may, and becomes the only one by the first login that succeeds.
    Claims,
    /// It may not: it is never connected to.
    Refused,
}

/// The hosts that somebody can log in through.
pub async fn login_options(ctx: &Context) -> Result<LoginOptions> {
    let hosts = match &ctx.settings.login_hosts {
        LoginHosts::Any => Vec::new(),
        LoginHosts::List(hosts) => hosts.clone(),
        LoginHosts::Claim => settled(ctx).await?,
    };
    Ok(if hosts.is_empty() { LoginOptions::Free } else { LoginOptions::Choice(hosts) })
}

/// The hosts that were claimed or that an administrator added; none yet means that the claim is open.
async fn settled(ctx: &Context) -> Result<Vec<HostPort>> {
    let hosts = login_hosts::list(&ctx.pg).await?;
    Ok(hosts.into_iter().filter(|host| host.source != Source::Remembered).map(|host| host.address).collect())
}

pub(super) async fn permission(ctx: &Context, host: &HostPort) -> Result<Permission> {
    let is_among = |hosts: &[HostPort]| {
        if hosts.contains(host) { Permission::Allowed } else { Permission::Refused }
    };
    Ok(match &ctx.settings.login_hosts {
        LoginHosts::Any => Permission::Allowed,
        LoginHosts::List(hosts) => is_among(hosts),
        LoginHosts::Claim => match settled(ctx).await?.as_slice() {
            [] => Permission::Claims,
            hosts => is_among(hosts),
        },
    })
}

/// The realms of a host, from `GET /access/domains`, which needs no login; `pam` and `pve` when it cannot be asked:
/// it may not log people in, its certificate has changed, or it does not answer.
pub async fn realms(ctx: &Context, client: IpAddr, host: &HostPort) -> Vec<Realm> {
    match ask(ctx, client, host).await {
        Ok(realms) if !realms.is_empty() => realms,
        Ok(_) => fallback_realms(),
        Err(cause) => {
            tracing::debug!(%host, %client, cause, "no list of realms");
            fallback_realms()
        }
    }
}

async fn ask(ctx: &Context, client: IpAddr, host: &HostPort) -> Result<Vec<Realm>, String> {
    if permission(ctx, host).await.map_err(|error| error.to_string())? == Permission::Refused {
        return Err("this host may not log people in".into());
    }
    // Anybody who sees the login page can ask: as often as they could log in, times a few hosts typed.
    let (who, limit) = (network(client).to_string(), ctx.settings.login_attempts.saturating_mul(6));
    let verdict = throttle::hit(&ctx.redis, "realms", &who, limit, ctx.settings.login_window).await;
    if verdict.map_err(|error| error.to_string())? != Verdict::Allowed {
        return Err("asked too often".into());
    }
    let known = login_hosts::find(&ctx.pg, host).await.map_err(|error| error.to_string())?;
    let trust = match known.map(|host| host.trust) {
        Some(Known::Pinned(pin)) => Trust::Pinned(pin),
        Some(Known::PublicRoots) => Trust::PublicRoots,
        // Names of realms are no secret and prove nothing: whoever they come from, no password goes there unconfirmed.
        Some(Known::Unverified) | None => {
            let shown = probe_certificate(host, REALMS).await.map_err(|error| error.to_string())?;
            if shown.publicly_trusted { Trust::PublicRoots } else { Trust::Pinned(shown.fingerprint) }
        }
    };
    let client = Client::new(host.clone(), trust, Auth::None).map_err(|error| error.to_string())?;
    let realms = client
        .within(REALMS)
        .max_response(super::MOST_ANSWERED)
        .realms()
        .await
        .map_err(|error| error.to_string())?;
    // OpenID works only in the browser, against Proxmox's own address.
    Ok(realms.into_iter().filter(|realm| realm.kind != "openid").collect())
}

/// What counts as one client: whoever has one IPv6 address has the 2^64 of its network.
pub(super) fn network(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// What every Proxmox VE has, for a host that cannot be asked.
pub fn fallback_realms() -> Vec<Realm> {
    let realm = |name: &str, comment: &str, default| Realm {
        realm: name.into(),
        kind: name.into(),
        comment: Some(comment.into()),
        default,
        tfa: None,
    };
    vec![
        realm("pam", "Linux PAM standard authentication", true),
        realm("pve", "Proxmox VE authentication server", false),
    ]
}

/// Which of them is chosen at first: what the person has chosen, unless that was only the default of another host; else the
/// host's own default, else `pam`.
pub fn preselected(realms: &[Realm], chosen: &str, was_default: &str) -> String {
    let named = |name: &str| realms.iter().find(|realm| realm.realm == name);
    let kept = if chosen == was_default { None } else { named(chosen) };
    let default =
        || realms.iter().find(|realm| realm.default).or_else(|| named("pam")).or_else(|| realms.first());
    kept.or_else(default).map_or_else(|| "pam".to_owned(), |realm| realm.realm.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_realm_that_somebody_chose_stays_and_else_the_host_decides() {
        let realm = |name: &str, default| Realm {
            realm: name.into(),
            kind: "ldap".into(),
            comment: None,
            default,
            tfa: None,
        };
        let office = [realm("pam", false), realm("pve", false), realm("office", true)];
        for (realms, chosen, was_default, expected) in [
            (&office[..], "pam", "pam", "office"),
            (&office, "pve", "pam", "pve"),
            (&office, "lab", "pam", "office"),
            (&office[..2], "office", "office", "pam"),
            (&office[1..2], "pam", "pam", "pve"),
            (&[], "pam", "pam", "pam"),
        ] {
            assert_eq!(preselected(realms, chosen, was_default), expected, "{chosen} after {was_default}");
        }
    }

    #[test]
    fn an_ipv6_network_is_one_client() {
        for (address, counted) in [
            ("203.0.113.9", "203.0.113.9"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:1:2::ffff", "2001:db8:1:2::"),
            ("2001:db8:1:3::ffff", "2001:db8:1:3::"),
        ] {
            assert_eq!(network(address.parse().unwrap()).to_string(), counted);
        }
    }
}
