//! `berth-simulator`: simulated Proxmox VE hosts as a process.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use berth_simulator::faults::Planted;
use berth_simulator::simulator::{Options, RUNNING, Simulator};
use berth_simulator::ssh::HostKeyKind;
use clap::{Parser, ValueEnum};

const FAULTS: &str = "\
Faults (--fault, repeatable; parts after the first colon are key=value, comma separated):
  latency:ms=500,path=^/nodes      answers come late
  status:status=595,count=3        answers with this status instead of acting
  drop:acted=true,path=/lxc$       the connection is closed; with acted=true after having acted
  hang:path=/version               never answers
  slow-task:seconds=30,task=vzcreate
  fail-task:message=no luck,task=vzstart,count=1
  changed-certificate, changed-host-key, disk-full
  off:node=pve2                    ports refuse connections, the cluster knows it as offline; each fault takes node=NAME
                                   to concern one host only
  ssh-refused:count=1, ssh-drop:after_bytes=4096 or ssh-drop:after_seconds=2
  ssh-hang:stage=banner, ssh-hang:stage=session    silent before the banner, or after the login
  slow-ssh:ms=500                  banner, each attempt to log in and each command come late
  prohibit-password                root is offered public keys only

While running the admin port takes the same as JSON:
  PUT /faults [{\"kind\":\"latency\",\"ms\":500}]   GET /faults   DELETE /faults
  GET /calls   DELETE /calls       connections, requests, passwords and keys that were sent, commands
  PUT /users/{userid} {\"password\":\"…\",\"roles\":[\"Administrator\"],\"totp\":\"BASE32\",\"recovery\":[\"…\"],\"webauthn\":true}
  POST /containers/{vmid}/{start|stop|destroy|unlock|config}   POST /clock/{seconds}";

/// Simulated Proxmox VE hosts: REST API over HTTPS and SSH.
#[derive(Debug, Parser)]
#[command(version, after_help = FAULTS)]
struct Arguments {
    /// Address of the REST API; port 0 picks a free one
    #[arg(long, default_value = "127.0.0.1:0")]
    api: SocketAddr,
    /// Address of the SSH server
    #[arg(long, default_value = "127.0.0.1:0")]
    ssh: SocketAddr,
    /// Address of the admin port
    #[arg(long, default_value = "127.0.0.1:0")]
    admin: SocketAddr,
    /// Where certificate, host key and state are kept
    #[arg(long)]
    data: PathBuf,
    /// How many hosts: on consecutive ports, or with --cluster on consecutive loopback addresses
    #[arg(long, default_value_t = 1)]
    nodes: u16,
    /// Join the hosts to one cluster: one authority, one set of accounts, the same ports on 127.0.0.1, 127.0.0.2, …
    #[arg(long)]
    cluster: bool,
    /// Containers per host of a fresh home lab
    #[arg(long, default_value_t = 5)]
    containers: u32,
    /// How many of those may run at most: each is some processes of this machine
    #[arg(long, default_value_t = RUNNING)]
    running: u32,
    /// Start as a known host
    #[arg(long)]
    seed: Option<Seed>,
    /// Tasks take this many times less time
    #[arg(long, default_value_t = 1.0)]
    speed: f64,
    /// SSH host keys, comma separated; the first is the one the host is known by
    #[arg(long, value_delimiter = ',', default_value = "ed25519,ecdsa")]
    host_keys: Vec<HostKeyKind>,
    /// Be an impostor: any password, token or key opens, and GET /calls shows what was sent
    #[arg(long)]
    accept_any_password: bool,
    /// Plant a fault from the start
    #[arg(long = "fault", value_parser = fault)]
    faults: Vec<Planted>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Seed {
    /// The host the recordings were made on
    Recorded,
}

/// `latency:ms=500,path=^/nodes` as the fault it stands for.
fn fault(text: &str) -> Result<Planted, String> {
    let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
    let mut object = serde_json::json!({ "kind": kind });
    for pair in rest.split(',').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').ok_or_else(|| format!("'{pair}' is not key=value"))?;
        object[key] = serde_json::from_str(value).unwrap_or_else(|_| serde_json::json!(value));
    }
    serde_json::from_value(object).map_err(|error| error.to_string())
}

fn main() -> anyhow::Result<()> {
    if let Some(code) = berth_simulator::guest::tools::run() {
        std::process::exit(code);
    }
    serve()
}

#[tokio::main]
async fn serve() -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let arguments = Arguments::parse();
    anyhow::ensure!(arguments.nodes > 0, "--nodes must be at least 1");
    anyhow::ensure!(arguments.speed > 0.0, "--speed must be above 0");
    anyhow::ensure!(arguments.admin.ip().is_loopback(), "--admin must be a loopback address");
    let options = Options {
        api: arguments.api,
        ssh: arguments.ssh,
        admin: arguments.admin,
        data: arguments.data,
        nodes: arguments.nodes,
        cluster: arguments.cluster,
        containers: arguments.containers,
        running: arguments.running,
        recorded: arguments.seed.is_some(),
        speed: arguments.speed,
        host_keys: arguments.host_keys,
        accept_any: arguments.accept_any_password,
        faults: arguments.faults,
    };
    let simulator = Simulator::start(options).await?;
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{}", serde_json::to_string(&simulator.ready)?)
        .context("cannot print where it listens")?;
    drop(stdout);
    let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let hosts = simulator.hosts.clone();
    tokio::select! {
        () = simulator.served() => anyhow::bail!("a listener ended"),
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
    }
    for host in hosts {
        for vmid in host.list().into_iter().filter(|vmid| host.is_running(*vmid)) {
            if let Err(error) = host.guests().stop(vmid).await {
                tracing::debug!(vmid, %error, "guest not stopped");
            }
        }
    }
    Ok(())
}
