//! `berth login-host`: which Proxmox hosts may log people in.

use std::time::Duration;

use anyhow::Context as _;
use berth_domain::{Clock, Fingerprint, HostPort};
use berth_operations::context::LoginHosts;
use berth_operations::login::accepting;
use berth_store::PgPool;
use berth_store::login_hosts::{self, LoginHost, Source, Trust};
use clap::Subcommand;
use secrecy::{ExposeSecret as _, SecretString};

use super::say;

/// How long a host may take to show its certificate.
const DEADLINE: Duration = Duration::from_secs(10);

/// What to do with them.
#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Show which hosts may log people in, since when and why, and their certificates
    List,
    /// Allow a host; its certificate is shown and confirmed at the first login
    Add {
        /// Host and port, for example pve.lan:8006; without a port it is 8006
        address: HostPort,
    },
    /// Forbid a host. Who is logged in through it stays so for 12 hours at most
    Remove {
        /// Host and port as `list` shows them
        address: HostPort,
        /// Also when it is the only one: the next host that somebody logs in through becomes the only one then
        #[arg(long)]
        yes: bool,
    },
    /// Accept a host's changed certificate
    ///
    /// Compare the fingerprint with the one on the host itself (`pvenode cert info`) first.
    AcceptCertificate {
        /// Host and port as `list` shows them
        address: HostPort,
        /// SHA-256 of the certificate. Without it, the host is asked and its fingerprint is only shown
        fingerprint: Option<Fingerprint>,
        /// Accept whatever certificate public authorities vouch for, this one and those that follow
        #[arg(long, conflicts_with = "fingerprint")]
        public: bool,
    },
}

/// Does it, and says what was done. `mode` is what the configuration allows.
pub(crate) async fn login_host(
    database_url: &SecretString,
    mode: &LoginHosts,
    verb: &Verb,
) -> anyhow::Result<()> {
    let pool = berth_store::connect_postgres(database_url.expose_secret(), 1).await?;
    match verb {
        Verb::List => list(&pool, mode).await,
        Verb::Add { address } => add(&pool, mode, address).await,
        Verb::Remove { address, yes } => remove(&pool, mode, address, *yes).await,
        Verb::AcceptCertificate { address, fingerprint: None, public: false } => {
            show_certificate(&pool, address).await
        }
        Verb::AcceptCertificate { address, fingerprint, .. } => accept(&pool, address, *fingerprint).await,
    }
}

fn unknown(address: &HostPort) -> String {
    format!("{address} is not stored: see `berth login-host list`")
}

/// Those that count while the first one that somebody logs in through becomes the only one.
fn is_settled(host: &LoginHost) -> bool {
    host.source != Source::Remembered
}

async fn list(pool: &PgPool, mode: &LoginHosts) -> anyhow::Result<()> {
    let hosts = login_hosts::list(pool).await?;
    say(&describe(mode, hosts.iter().any(is_settled)));
    for host in hosts {
        let trust = match host.trust {
            Trust::Unverified => "no login yet".to_owned(),
            Trust::PublicRoots => "publicly valid certificate".to_owned(),
            Trust::Pinned(fingerprint) => fingerprint.to_string(),
        };
        let may = match mode {
            LoginHosts::Any => true,
            LoginHosts::List(listed) => listed.contains(&host.address),
            LoginHosts::Claim => is_settled(&host),
        };
        let may = if may { "may log people in" } else { "may not" };
        let since = host.created_at.date();
        say(&format!("{}\t{may}\t{} {since}\t{trust}", host.address, host.source.name()));
    }
    Ok(())
}

fn describe(mode: &LoginHosts, settled: bool) -> String {
    match mode {
        LoginHosts::Any => "BERTH_LOGIN_HOSTS is any: every host may log people in.".to_owned(),
        LoginHosts::List(hosts) => {
            let hosts: Vec<String> = hosts.iter().map(HostPort::to_string).collect();
            format!("BERTH_LOGIN_HOSTS is a list: only {} may log people in.", hosts.join(", "))
        }
        LoginHosts::Claim if settled => {
            "BERTH_LOGIN_HOSTS is claim: only the hosts that were claimed or added may log people in.".to_owned()
        }
        LoginHosts::Claim => {
            "BERTH_LOGIN_HOSTS is claim, and no host is claimed yet: the first one that somebody logs in through becomes the only one.".to_owned()
        }
    }
}

async fn add(pool: &PgPool, mode: &LoginHosts, address: &HostPort) -> anyhow::Result<()> {
    let added = login_hosts::add(pool, address, Clock::system().now()).await?;
    anyhow::ensure!(added, "{address} is there already: see `berth login-host list`");
    say(&match mode {
        LoginHosts::List(hosts) if !hosts.contains(address) => {
            format!("{address} is stored, but BERTH_LOGIN_HOSTS is a list without it: add it there too.")
        }
        _ => format!("{address} may log people in."),
    });
    Ok(())
}

async fn remove(pool: &PgPool, mode: &LoginHosts, address: &HostPort, yes: bool) -> anyhow::Result<()> {
    let hosts = login_hosts::list(pool).await?;
    anyhow::ensure!(hosts.iter().any(|host| host.address == *address), unknown(address));
    let mut settled = hosts.iter().filter(|host| is_settled(host)).map(|host| &host.address);
    let opens = *mode == LoginHosts::Claim && settled.next() == Some(address) && settled.next().is_none();
    anyhow::ensure!(
        !opens || yes,
        "{address} is the only login host. Without it, the next host that anybody logs in through becomes the only one. \
         Add another one first, or repeat this with --yes"
    );
    login_hosts::remove(pool, address).await?;
    say(&format!("{address} may no longer log people in."));
    if opens {
        say("The next host that somebody logs in through becomes the only one: do that now.");
    }
    Ok(())
}

async fn accept(pool: &PgPool, address: &HostPort, pin: Option<Fingerprint>) -> anyhow::Result<()> {
    let known = login_hosts::set_fingerprint(pool, address, pin, Clock::system().now()).await?;
    anyhow::ensure!(known, unknown(address));
    say(&match pin {
        Some(fingerprint) => format!("{address} is now trusted by the certificate {fingerprint}."),
        None => format!("{address} is now trusted by the certificates that public authorities vouch for."),
    });
    Ok(())
}

/// Shows old and new, and the command that accepts the new one: nothing is accepted unseen.
async fn show_certificate(pool: &PgPool, address: &HostPort) -> anyhow::Result<()> {
    let stored = login_hosts::find(pool, address).await?.with_context(|| unknown(address))?;
    let shown = berth_proxmox::tls::probe_certificate(address, DEADLINE).await?;
    match stored.trust {
        Trust::Pinned(old) => say(&format!("trusted: {old}")),
        Trust::PublicRoots => say("trusted: what public authorities vouch for"),
        Trust::Unverified => {}
    }
    say(&format!("shown:   {}", shown.fingerprint));
    let same = match stored.trust {
        Trust::Pinned(old) => old == shown.fingerprint,
        Trust::PublicRoots => shown.publicly_trusted,
        Trust::Unverified => false,
    };
    if same {
        say("That is trusted already.");
        return Ok(());
    }
    say(&format!("If that is right, accept it with:  {}", accepting(address, shown.fingerprint)));
    if shown.publicly_trusted {
        say(
            "A public authority vouches for it. To accept those that follow too, put --public instead of the fingerprint.",
        );
    }
    Ok(())
}
