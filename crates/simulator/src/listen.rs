//! Where the hosts listen, and doors that close while a host is switched off.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::Context;
use tokio::net::{TcpListener, TcpStream};

use crate::faults::{Fault, Faults};

/// How often a port of the system's choice is tried before one is free on all members' addresses.
const TRIES: usize = 50;

/// The two ports of one host.
#[derive(Debug)]
pub struct Ports {
    /// Of the REST API.
    pub api: TcpListener,
    /// Of the SSH server.
    pub ssh: TcpListener,
}

/// Listens at `address`.
///
/// # Errors
/// When it is taken.
pub async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}; is the port taken?"))
}

/// Hosts of their own: on consecutive ports of one address.
///
/// # Errors
/// When a port is taken, or others than this machine could reach the SSH server: its password is known, and it opens a
/// root shell.
pub async fn apart(api: SocketAddr, ssh: SocketAddr, count: u16) -> anyhow::Result<Vec<Ports>> {
    anyhow::ensure!(ssh.ip().is_loopback(), "--ssh must be a loopback address: it gives a root shell");
    let after = |first: SocketAddr, index: u16| {
        let port = if first.port() == 0 { 0 } else { first.port() + index };
        SocketAddr::new(first.ip(), port)
    };
    let mut ports = Vec::new();
    for index in 0..count {
        ports.push(Ports { api: bind(after(api, index)).await?, ssh: bind(after(ssh, index)).await? });
    }
    Ok(ports)
}

/// Members of a cluster: `/cluster/status` tells an address without a port, so each has an address of its own,
/// counted from the first one's, and all have the same ports.
///
/// # Errors
/// When the first address is no IPv4 loopback address, or a port is taken on one of them.
pub async fn together(api: SocketAddr, ssh: SocketAddr, count: u16) -> anyhow::Result<Vec<Ports>> {
    let api = same_port(api, count).await?;
    let ssh = same_port(ssh, count).await?;
    Ok(api.into_iter().zip(ssh).map(|(api, ssh)| Ports { api, ssh }).collect())
}

async fn same_port(first: SocketAddr, count: u16) -> anyhow::Result<Vec<TcpListener>> {
    let IpAddr::V4(base) = first.ip() else { anyhow::bail!("a cluster needs an IPv4 loopback address") };
    anyhow::ensure!(base.is_loopback(), "a cluster needs loopback addresses: 127.0.0.1, 127.0.0.2, …");
    let mut tries = 0;
    loop {
        match in_a_row(u32::from(base), first.port(), count).await {
            Err(_) if first.port() == 0 && tries < TRIES => tries += 1,
            other => return other,
        }
    }
}

async fn in_a_row(base: u32, port: u16, count: u16) -> anyhow::Result<Vec<TcpListener>> {
    let mut listeners = Vec::new();
    let mut port = port;
    for index in 0..u32::from(count) {
        let listener = bind(SocketAddr::new(IpAddr::V4((base + index).into()), port)).await?;
        port = listener.local_addr()?.port();
        listeners.push(listener);
    }
    Ok(listeners)
}

/// A port that refuses connections while its host is switched off.
#[derive(Debug)]
pub(crate) struct Door {
    address: SocketAddr,
    listener: Option<TcpListener>,
    faults: Faults,
}

impl Door {
    pub(crate) fn new(listener: TcpListener, faults: Faults) -> std::io::Result<Self> {
        Ok(Self { address: listener.local_addr()?, listener: Some(listener), faults })
    }

    /// The next client while the host is on.
    pub(crate) async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        let mut changes = self.faults.changes();
        loop {
            changes.mark_unchanged();
            if is_off(&self.faults) {
                self.listener = None;
                // The sender lives as long as the faults, which this door holds.
                let _ = changes.changed().await;
                continue;
            }
            let Some(listener) = &self.listener else {
                self.listener = TcpListener::bind(self.address).await.ok();
                if self.listener.is_none() {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                continue;
            };
            tokio::select! {
                _ = changes.changed() => {}
                accepted = listener.accept() => match accepted {
                    Ok(client) => return client,
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
        }
    }
}

/// Whether the host of these faults is switched off.
pub(crate) fn is_off(faults: &Faults) -> bool {
    faults.any(|fault| matches!(fault, Fault::Off))
}

/// Returns when the host of these faults is switched off.
pub(crate) async fn switched_off(faults: &Faults) {
    let mut changes = faults.changes();
    while !is_off(faults) {
        if changes.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nobody_but_this_machine_gets_a_root_shell() {
        let address = |text: &str| text.parse::<SocketAddr>().unwrap();
        for reachable in ["0.0.0.0:0", "[::]:0"] {
            let refused = apart(address("127.0.0.1:0"), address(reachable), 1).await.unwrap_err();
            assert!(refused.to_string().starts_with("--ssh must be a loopback address"), "{refused}");
        }
        apart(address("127.0.0.1:0"), address("127.0.0.1:0"), 2).await.unwrap();
    }
}
