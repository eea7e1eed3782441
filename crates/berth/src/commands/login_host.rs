//! `berth login-host`: which Proxmox hosts may log people in.

use std::time::Duration;

use anyhow::Context as _;
use berth_domain::{Clock, Fingerprint, HostPort};
use berth_store::login_hosts::{self, Trust};
use clap::Subcommand;
use secrecy::{ExposeSecret as _, SecretString};

use super::say;

/// How long a host may take to show its certificate.
const DEADLINE: Duration = Duration::from_secs(10);

/// What to do with them.
#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Show the hosts that are stored, why they may log people in, and their certificates
    List,
    /// Allow a host; its certificate is shown and confirmed at the first login
    Add {
        /// Host and port, for example pve.lan:8006; without a port it is 8006
        address: HostPort,
    },
    /// Forbid a host. In claim mode, the next host that somebody logs in through becomes the only one
    Remove {
        /// Host and port as `list` shows them
        address: HostPort,
    },
    /// Accept a host's changed certificate
    ///
    /// Compare the fingerprint with the one on the host itself (`pvenode cert info`) first.
    AcceptCertificate {
        /// Host and port as `list` shows them
        address: HostPort,
        /// SHA-256 of the certificate. Without it, the host is asked and its fingerprint is only shown
        fingerprint: Option<Fingerprint>,
    },
}

/// Does it, and says what was done.
pub(crate) async fn login_host(database_url: &SecretString, verb: &Verb) -> anyhow::Result<()> {
    let pool = berth_store::connect_postgres(database_url.expose_secret(), 1).await?;
    let now = Clock::system().now();
    match verb {
        Verb::List => list(&pool).await?,
        Verb::Add { address } => {
            anyhow::ensure!(login_hosts::add(&pool, address, now).await?, "{address} is there already");
            say(&format!("{address} may log people in."));
        }
        Verb::Remove { address } => {
            anyhow::ensure!(login_hosts::remove(&pool, address).await?, unknown(address));
            say(&format!("{address} may no longer log people in."));
        }
        Verb::AcceptCertificate { address, fingerprint: Some(fingerprint) } => {
            let known = login_hosts::set_fingerprint(&pool, address, Some(*fingerprint), now).await?;
            anyhow::ensure!(known, unknown(address));
            say(&format!("{address} is now trusted by the certificate {fingerprint}."));
        }
        Verb::AcceptCertificate { address, fingerprint: None } => show_certificate(&pool, address).await?,
    }
    Ok(())
}

fn unknown(address: &HostPort) -> String {
    format!("{address} is not stored: see `berth login-host list`")
}

async fn list(pool: &berth_store::PgPool) -> anyhow::Result<()> {
    let hosts = login_hosts::list(pool).await?;
    if hosts.is_empty() {
        say("No login host is stored yet.");
    }
    for host in hosts {
        let trust = match host.trust {
            Trust::Unverified => "no login yet".to_owned(),
            Trust::PublicRoots => "publicly valid certificate".to_owned(),
            Trust::Pinned(fingerprint) => fingerprint.to_string(),
        };
        say(&format!("{}\t{}\t{trust}", host.address, host.source.name()));
    }
    Ok(())
}

/// Shows old and new, and the command that accepts the new one: nothing is accepted unseen.
async fn show_certificate(pool: &berth_store::PgPool, address: &HostPort) -> anyhow::Result<()> {
    let stored = login_hosts::find(pool, address).await?.with_context(|| unknown(address))?;
    let shown = berth_proxmox::tls::probe_certificate(address, DEADLINE).await?;
    if let Trust::Pinned(old) = stored.trust {
        say(&format!("trusted: {old}"));
    }
    say(&format!("shown:   {}", shown.fingerprint));
    say(&format!(
        "If that is right, accept it with:  berth login-host accept-certificate {address} {}",
        shown.fingerprint
    ));
    Ok(())
}
