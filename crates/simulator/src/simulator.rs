//! One process of simulated hosts: opens their state, binds their ports, serves until it is dropped.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Serialize;
use tokio::task::JoinSet;

use crate::api::{Admin, serve_admin, serve_api};
use crate::calls::Calls;
use crate::faults::{Faults, Planted};
use crate::listen::{self, Ports};
use crate::seed;
use crate::ssh::HostKeyKind;
use crate::state::{Host, HostOptions, SharedAccounts};
use crate::tls::{Authority, Certificates};

/// As many of a host's containers run unless told otherwise.
pub const RUNNING: u32 = 48;

/// How to start.
#[derive(Debug, Clone)]
pub struct Options {
    /// Address of the first host's REST API; port 0 picks one. Further hosts take the ports after it.
    pub api: SocketAddr,
    /// Address of the first host's SSH server.
    pub ssh: SocketAddr,
    /// Address of the admin port, which must be loopback.
    pub admin: SocketAddr,
    /// Where everything is kept.
    pub data: PathBuf,
    /// How many hosts.
    pub nodes: u16,
    /// One cluster instead of hosts of their own.
    pub cluster: bool,
    /// Containers per host, without `recorded`.
    pub containers: u32,
    /// How many of those may run: each is some processes of this machine.
    pub running: u32,
    /// Start as the recorded host.
    pub recorded: bool,
    /// Tasks take this many times less time.
    pub speed: f64,
    /// The SSH host keys of each host; the first is the one it is known by.
    pub host_keys: Vec<HostKeyKind>,
    /// Be impostors: any password, token or key opens.
    pub accept_any: bool,
    /// Planted from the start.
    pub faults: Vec<Planted>,
}

impl Options {
    /// One recorded host on free loopback ports, kept in `data`: what tests start from.
    pub fn recorded(data: impl Into<PathBuf>) -> Self {
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            api: free,
            ssh: free,
            admin: free,
            data: data.into(),
            nodes: 1,
            cluster: false,
            containers: 0,
            running: RUNNING,
            recorded: true,
            speed: 1.0,
            host_keys: vec![HostKeyKind::Ed25519, HostKeyKind::Ecdsa],
            accept_any: false,
            faults: Vec::new(),
        }
    }
}

/// Where one host listens and what it shows.
#[derive(Debug, Clone, Serialize)]
pub struct NodeInfo {
    /// Node name.
    pub node: String,
    /// Address of the REST API.
    pub api: SocketAddr,
    /// Address of the SSH server.
    pub ssh: SocketAddr,
    /// SHA-256 of the certificate, `AB:CD:…`.
    pub certificate_sha256: String,
    /// SHA-256 of the SSH host key, `SHA256:…`.
    pub host_key_sha256: String,
}

/// Where everything listens: printed when ready and kept as `simulator.json`.
#[derive(Debug, Clone, Serialize)]
pub struct Ready {
    /// The hosts in order.
    pub nodes: Vec<NodeInfo>,
    /// Address of the admin port.
    pub admin: SocketAddr,
}

/// A running simulator; dropping it ends it.
#[derive(Debug)]
pub struct Simulator {
    /// Where everything listens.
    pub ready: Ready,
    /// The hosts in order.
    pub hosts: Vec<Host>,
    serving: JoinSet<()>,
}

impl Simulator {
    /// Starts all hosts; returns when all ports are open.
    ///
    /// # Errors
    /// When a port is taken or the data directory cannot be used.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        let data = &options.data;
        std::fs::create_dir_all(data).with_context(|| format!("cannot use {}", data.display()))?;
        let (calls, faults) = (Calls::default(), Faults::default());
        faults.plant(options.faults.clone());
        let mut serving = JoinSet::new();
        let (mut hosts, mut nodes) = (Vec::new(), Vec::new());
        for index in 0..options.nodes {
            hosts.push(open(&options, index, &calls, &faults)?);
        }
        let shared = data.join("cluster");
        let (api, ssh, count) = (options.api, options.ssh, options.nodes);
        let ports = if options.cluster {
            join(&hosts, &shared)?;
            listen::together(api, ssh, count).await?
        } else {
            listen::apart(api, ssh, count).await?
        };
        for (host, ports) in hosts.iter().zip(ports) {
            let authority = Authority::open(if options.cluster { &shared } else { host.directory() })?;
            nodes.push(serve(&options, &authority, ports, host, &mut serving).await?);
        }
        for host in &hosts {
            host.boot().await;
        }
        let listener = listen::bind(options.admin).await?;
        let admin = listener.local_addr()?;
        serving.spawn(serve_admin(listener, Admin { hosts: hosts.clone() }));
        let ready = Ready { nodes, admin };
        std::fs::write(data.join("simulator.json"), serde_json::to_vec_pretty(&ready)?)?;
        Ok(Self { ready, hosts, serving })
    }

    /// The host of a simulator that has one.
    pub fn host(&self) -> &Host {
        self.hosts.first().expect("a simulator has at least one host")
    }

    /// Serves until something stops serving, which nothing should.
    pub async fn served(mut self) {
        self.serving.join_next().await;
    }
}

fn open(options: &Options, index: u16, calls: &Calls, faults: &Faults) -> anyhow::Result<Host> {
    let node = if index == 0 { "pve".to_owned() } else { format!("pve{}", index + 1) };
    let opened = HostOptions {
        directory: options.data.join(&node),
        calls: calls.of(&node),
        faults: faults.of(&node),
        node,
        speed: options.speed,
        accept_any: options.accept_any,
    };
    // In a cluster container ids are unique across the members.
    let first = if options.cluster { 101 + 100 * u32::from(index) } else { 101 };
    let fresh = || {
        let mut model = if options.recorded && index == 0 {
            seed::recorded()
        } else {
            seed::home_lab(options.containers, options.running, first)
        };
        model.address = format!("10.77.0.{}", 2 + index);
        model
    };
    let host = Host::open(opened, fresh);
    host.with_context(|| format!("the state in {} cannot be used", options.data.display()))
}

/// Makes a cluster of the hosts: they know each other and share what Proxmox keeps below `/etc/pve`.
fn join(hosts: &[Host], shared: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(shared)?;
    let first = hosts.first().context("a cluster has at least one member")?;
    let accounts = SharedAccounts::open(shared, || first.read(|model| model.accounts.clone()))?;
    for host in hosts {
        let others = hosts.iter().filter(|other| other.node() != host.node()).cloned().collect();
        host.join(others, accounts.clone());
    }
    Ok(())
}

async fn serve(
    options: &Options,
    authority: &Authority,
    ports: Ports,
    host: &Host,
    serving: &mut JoinSet<()>,
) -> anyhow::Result<NodeInfo> {
    let address = ports.api.local_addr()?;
    if host.is_clustered() {
        // What /cluster/status tells, and where its members really listen.
        host.write(|model| model.address = address.ip().to_string());
    }
    let ip = address.ip().to_string();
    let own = authority.identity(host.directory(), "certificate", host.node(), &ip)?;
    let other = authority.identity(host.directory(), "certificate-changed", host.node(), &ip)?;
    let certificate_sha256 = own.certificate.fingerprint.clone();
    host.set_certificates(Certificates {
        root: authority.certificate.clone(),
        own: own.certificate.clone(),
        changed: other.certificate.clone(),
    });
    let shell = crate::ssh::SshServer::open(host, &options.host_keys).await?;
    let info = NodeInfo {
        node: host.node().to_owned(),
        api: address,
        ssh: ports.ssh.local_addr()?,
        certificate_sha256,
        host_key_sha256: shell.fingerprint.clone(),
    };
    serving.spawn(shell.serve(ports.ssh));
    serving.spawn(serve_api(ports.api, host.clone(), own, other));
    Ok(info)
}
